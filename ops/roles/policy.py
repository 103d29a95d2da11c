"""The policy of a role on a stage, with the names of the stage's resources in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from chalicelib.settings import SEAL_KEY
from ops.aws_hosts import region_of
from ops.roles.rights import KEY_ACTIONS, KEY_SERVICES, RIGHTS, Place
from ops.stage_names import processor_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ops.roles.rights import Right, Role

Policy = dict[str, Any]

MOST_CHARACTERS = 6_144
"""IAM's limit for a managed policy; it does not count blanks ("IAM and AWS STS quotas")."""
# A bucket's ARN has no account in it: a stranger's with a name like ours would match.
OWN_ACCOUNT = {"StringEquals": {"aws:ResourceAccount": "${aws:PrincipalAccount}"}}


def names_of(stage: str, variables: Mapping[str, str]) -> dict[str, str]:
    """
    Name a stage's resources: as they are recorded, else as infrastructure/resources.yaml does.

    Where they are not recorded, nobody knows region and account: then the names say "any".
    """
    queue_url = variables.get("ORDERS_QUEUE_URL", "")
    account, queue = _last_two(queue_url) if queue_url else ("*", f"orders-{stage}")
    kind, target = (variables.get(name, "") for name in ("ORDERS_EVENTS", "ORDERS_EVENTS_TARGET"))
    dead_letters = variables.get("ORDERS_DLQ_URL", f"/*/orders-dlq-{stage}")
    return {
        "region": region_of(queue_url) or "*",
        "account": account,
        "queue": queue,
        "dead_letters": _last_two(dead_letters)[1],
        "table": variables.get("ORDERS_TABLE", f"orders-{stage}"),
        "bucket": variables.get("ORDERS_BUCKET", f"orders-{stage}-{'?' * 12}"),
        "processor": processor_name(stage),
        # It has no name: without its ARN nobody has a right to it.
        "seal_key": variables.get(SEAL_KEY, "").removeprefix("arn:").partition(":")[2],
        "bus": target if kind == "eventbridge" else f"orders-{stage}",
        "topic": target.rpartition(":")[2] if kind == "sns" else f"orders-events-{stage}",
    }


def policy_of(role: Role, names: dict[str, str], key_arn: str = "") -> Policy:
    """Write the policy of a role. `key_arn` is the stage's own KMS key, if it has one."""
    # A policy has room for so many characters.
    rights = [right for right in RIGHTS if role in right.roles and _has_places(right, names)]
    alike = _together(rights, _are_alike)
    statements = [_statement(right, names) for right in _together(alike, _can_be_one)]
    if key_arn:
        statements.append(_use_of_key(role, key_arn))
    return {"Version": "2012-10-17", "Statement": statements}


def _has_places(right: Right, names: dict[str, str]) -> bool:
    """Tell whether there is what a right is for: not each stage has a key that seals."""
    return right.places != (Place.SEAL_KEY,) or bool(names["seal_key"])


def _together(rights: Iterable[Right], can_be_one: Callable[[Right, Right], bool]) -> list[Right]:
    """Put rights into one: IAM limits a policy's size, and each statement repeats its condition."""
    found: list[Right] = []
    for right in rights:
        place = next((i for i, each in enumerate(found) if can_be_one(each, right)), None)
        if place is None:
            found.append(right)
        else:
            found[place] = _as_one(found[place], right)
    return found


def _are_alike(one: Right, other: Right) -> bool:
    """Tell whether two rights are for the same things."""
    return other == one._replace(name=other.name, roles=other.roles, actions=other.actions)


def _can_be_one(one: Right, other: Right) -> bool:
    """
    Tell whether two rights are of different services, and nothing bounds them to some items.

    An action does nothing on a resource of another service, so one statement grants no more.
    """
    bounded = any(right.only_keys or right.but_keys or right.function for right in (one, other))
    everywhere = Place.ANYTHING in (*one.places, *other.places)
    return not bounded and not everywhere and not _services(one) & _services(other)


def _as_one(one: Right, other: Right) -> Right:
    return one._replace(
        name=f"{one.name}And{other.name}",
        actions=(*one.actions, *other.actions),
        places=tuple(dict.fromkeys((*one.places, *other.places))),
    )


def _services(right: Right) -> set[str]:
    return {action.partition(":")[0] for action in right.actions}


def _statement(right: Right, names: dict[str, str]) -> Policy:
    resources = [place.arn(names) for place in right.places]
    statement = _allow(right.name, right.actions, resources)
    if resources == ["*"]:
        # There is no resource, so nobody's account that it could be of.
        return statement
    condition = OWN_ACCOUNT | _on_keys(right) | _on_function(right, names)
    return statement | {"Condition": condition}


def _on_keys(right: Right) -> Policy:
    """Bound a right to items by their partition keys."""
    patterns = {"StringLike": right.only_keys, "StringNotLike": right.but_keys}
    on_keys = {
        f"ForAllValues:{operator}": {"dynamodb:LeadingKeys": list(keys)}
        for operator, keys in patterns.items()
        if keys
    }
    # `ForAllValues` is true of a call without any key, so a second condition demands one.
    return on_keys | {"Null": {"dynamodb:LeadingKeys": "false"}} if on_keys else {}


def _on_function(right: Right, names: dict[str, str]) -> Policy:
    """Bound a right to the event source mappings of a function."""
    if not right.function:
        return {}
    return {"ArnLike": {"lambda:FunctionArn": [right.function.arn(names)]}}


def _use_of_key(role: Role, key_arn: str) -> Policy:
    through = {"kms:ViaService": [f"{service}.*" for service in KEY_SERVICES[role]]}
    return _allow("UseTheStagesKey", KEY_ACTIONS[role], [key_arn]) | {
        "Condition": {"StringLike": through}
    }


def _allow(name: str, actions: Iterable[str], resources: list[str]) -> Policy:
    return {"Sid": name, "Effect": "Allow", "Action": list(actions), "Resource": resources}


def _last_two(url: str) -> tuple[str, str]:
    account, name = urlsplit(url).path.rsplit("/", 2)[-2:]
    return account, name
