"""The policy of a role on a stage, with the names of the stage's resources in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ops.aws_hosts import region_of
from ops.roles.rights import KEY_ACTIONS, KEY_SERVICES, RIGHTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

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
    dead_letters = variables.get("ORDERS_DLQ_URL", f"/*/orders-dlq-{stage}")
    return {
        "region": region_of(queue_url) or "*",
        "account": account,
        "queue": queue,
        "dead_letters": _last_two(dead_letters)[1],
        "table": variables.get("ORDERS_TABLE", f"orders-{stage}"),
        "bucket": variables.get("ORDERS_BUCKET", f"orders-{stage}-{'?' * 12}"),
    }


def policy_of(role: Role, names: dict[str, str], key_arn: str = "") -> Policy:
    """Write the policy of a role. `key_arn` is the stage's own KMS key, if it has one."""
    statements = [_statement(right, names) for right in RIGHTS if role in right.roles]
    if key_arn:
        statements.append(_use_of_key(role, key_arn))
    return {"Version": "2012-10-17", "Statement": statements}


def _statement(right: Right, names: dict[str, str]) -> Policy:
    resources = [place.arn(names) for place in right.places]
    statement = _allow(right.name, right.actions, resources)
    if resources == ["*"]:
        # There is no resource, so nobody's account that it could be of.
        return statement
    return statement | {"Condition": OWN_ACCOUNT | _on_keys(right)}


def _on_keys(right: Right) -> Policy:
    """Bound a right to items by their partition keys."""
    patterns = {"StringLike": right.only_keys, "StringNotLike": right.but_keys}
    bounds = {
        f"ForAllValues:{operator}": {"dynamodb:LeadingKeys": list(keys)}
        for operator, keys in patterns.items()
        if keys
    }
    # `ForAllValues` is true of a call without any key, so a second condition demands one.
    return bounds | {"Null": {"dynamodb:LeadingKeys": "false"}} if bounds else {}


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
