"""A refusal of AWS: the right that an identity lacks, and the roles that have it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from botocore.exceptions import ClientError

from ops.roles.rights import RIGHTS, Right, Role, rights_to, roles_with_key

if TYPE_CHECKING:
    from collections.abc import Collection

# Each service has its own word for it.
CODES = {
    "AccessDenied",
    "AccessDeniedException",
    "AuthorizationError",
    "KMS.AccessDeniedException",
    "KmsAccessDenied",
    # S3 has no more to say to a HEAD.
    "403",
}
# IAM's user guide: "Troubleshoot access denied error messages". Some services say less.
SAID = re.compile(r'not authorized to perform: ([\w-]+:\w+)(?: on resource: "?(arn:[^\s"]+))?')
EXPLICIT = "explicit deny"
# IAM's names for calls that it names otherwise.
ACTIONS = {
    "HeadBucket": "s3:ListBucket",
    "HeadObject": "s3:GetObject",
    "ListObjectsV2": "s3:ListBucket",
    "ListObjectVersions": "s3:ListBucketVersions",
    "ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
    "DeleteMessageBatch": "sqs:DeleteMessage",
    "SendMessageBatch": "sqs:SendMessage",
}


class Denial(NamedTuple):
    """
    A refusal of a call.

    `keys`: the roles have the right for items of such partition keys only.
    `explicit`: a policy denies it, so that no role's policy helps.
    """

    action: str
    roles: tuple[Role, ...]
    keys: tuple[str, ...] = ()
    explicit: bool = False

    def among(self, roles: Collection[Role]) -> Denial:
        """Narrow the roles to those that are for what was wanted, if any of them is."""
        both = tuple(role for role in self.roles if role in roles)
        return self._replace(roles=both or self.roles)


def denial_in(error: BaseException | None) -> Denial | None:
    """Find AWS's refusal behind a failure; None if it is another failure."""
    while error is not None:
        if isinstance(error, ClientError):
            return _denial_of(error)
        error = error.__cause__
    return None


def _denial_of(error: ClientError) -> Denial | None:
    details = error.response.get("Error", {})
    if details.get("Code") not in CODES:
        return None
    words = details.get("Message", "")
    said = SAID.search(words)
    action = _as_written(said[1]) if said else _action_of(error.operation_name)
    rights = rights_to(action, said[2] if said else None)
    having = set[Role]().union(*(right.roles for right in rights), roles_with_key(action))
    roles = tuple(role for role in Role if role in having)
    return Denial(action, roles, _keys_of(rights), EXPLICIT in words)


def _keys_of(rights: list[Right]) -> tuple[str, ...]:
    if not all(right.only_keys for right in rights):
        return ()
    return tuple(key for right in rights for key in right.only_keys)


def _as_written(action: str) -> str:
    """Write an action as policies do: SQS says it in small letters."""
    known = (each for right in RIGHTS for each in right.actions)
    return next((each for each in known if each.casefold() == action.casefold()), action)


def _action_of(operation: str) -> str:
    known = (each for right in RIGHTS for each in right.actions)
    named = (each for each in known if each.partition(":")[2] == operation)
    return ACTIONS.get(operation) or next(named, operation)
