"""
The roles, and the rights that each has: the one place from which policies are written.

`uses.py` lists what each role is for. A test records what that calls, and holds these rights to it.
"""

from __future__ import annotations

from enum import StrEnum
from fnmatch import fnmatchcase
from typing import NamedTuple

from chalicelib.aws.dynamodb import AUDIT_INDEX, HISTORY_INDEX
from chalicelib.aws.key_store import KEY_PREFIX
from ops.audit_keys import PREFIX as AUDIT_PREFIX


class Role(StrEnum):
    """A role that people have on a stage."""

    READER = "reader"
    AUDITOR = "auditor"
    OPERATOR = "operator"


class Place(StrEnum):
    """A resource of a stage: its ARN after the partition, without the names of the stage."""

    QUEUE = "sqs:{region}:{account}:{queue}"
    DEAD_LETTERS = "sqs:{region}:{account}:{dead_letters}"
    TABLE = "dynamodb:{region}:{account}:table/{table}"
    HISTORY = "dynamodb:{region}:{account}:table/{table}/index/" + HISTORY_INDEX
    AUDIT = "dynamodb:{region}:{account}:table/{table}/index/" + AUDIT_INDEX
    # No stage's own table has a dot in its name.
    REBUILT = "dynamodb:{region}:{account}:table/{table}.*"
    BUCKET = "s3:::{bucket}"
    ARCHIVE = "s3:::{bucket}/orders/*"
    DECISIONS = "s3:::{bucket}/decisions/*"
    BUS = "events:{region}:{account}:event-bus/{bus}"
    TOPIC = "sns:{region}:{account}:{topic}"
    # A mapping's id says nothing of its stage: its function does.
    MAPPINGS = "lambda:{region}:{account}:event-source-mapping:*"
    PROCESSOR = "lambda:{region}:{account}:function:{processor}"
    SEALS = "s3:::{bucket}/seals/*"
    SEAL_KEY = "{seal_key}"
    ANYTHING = "*"
    """CloudWatch knows no resource in a metric, nor Lambda in a list of mappings."""

    def arn(self, names: dict[str, str]) -> str:
        return "*" if self is Place.ANYTHING else f"arn:*:{self.format(**names)}"


class Right(NamedTuple):
    """
    Actions on places, and the roles that have them.

    `only_keys` and `but_keys`: patterns of the partition keys that it is for, or is not for.
    `function`: of which function the event source mappings are that it is for.
    """

    name: str
    roles: frozenset[Role]
    actions: tuple[str, ...]
    places: tuple[Place, ...]
    only_keys: tuple[str, ...] = ()
    but_keys: tuple[str, ...] = ()
    function: Place | None = None


EVERYONE = frozenset(Role)
OVERSEERS = frozenset({Role.OPERATOR, Role.AUDITOR})
OPERATORS = frozenset({Role.OPERATOR})

_QUERY, _SCAN, _PUT = "dynamodb:Query", "dynamodb:Scan", "dynamodb:PutItem"
_KEYS, _ENTRIES = (f"{KEY_PREFIX}*",), (f"{AUDIT_PREFIX}*",)

RIGHTS = (
    # Entries of the audit trail hold what operators discarded, and why.
    Right("ReadOrders", EVERYONE, (_QUERY,), (Place.TABLE, Place.HISTORY), but_keys=_ENTRIES),
    Right(
        "ReadItems",
        EVERYONE,
        ("dynamodb:GetItem", "dynamodb:BatchGetItem"),
        (Place.TABLE,),
        but_keys=_ENTRIES,
    ),
    Right("ListRecords", EVERYONE, (_QUERY,), (Place.AUDIT,)),
    # A long period is searched for the days that have records.
    Right("FindDays", EVERYONE, (_SCAN,), (Place.AUDIT,)),
    Right(
        "CountMessages", EVERYONE, ("sqs:GetQueueAttributes",), (Place.QUEUE, Place.DEAD_LETTERS)
    ),
    Right("ListArchive", EVERYONE, ("s3:ListBucket",), (Place.BUCKET,)),
    Right("ReadArchive", EVERYONE, ("s3:GetObject",), (Place.ARCHIVE, Place.DECISIONS)),
    Right("ReadMetrics", EVERYONE, ("cloudwatch:GetMetricData",), (Place.ANYTHING,)),
    # A pause is a mapping that is off. Its note is on the queue, as tags.
    Right("LookForPause", EVERYONE, ("lambda:ListEventSourceMappings",), (Place.ANYTHING,)),
    Right("ReadNoteOfPause", EVERYONE, ("sqs:ListQueueTags",), (Place.QUEUE,)),
    Right("ReadWholeTable", OVERSEERS, (_SCAN,), (Place.TABLE, Place.REBUILT)),
    Right("FindRebuilt", OVERSEERS, ("dynamodb:DescribeTable",), (Place.REBUILT,)),
    Right("ListVersions", OVERSEERS, ("s3:ListBucketVersions",), (Place.BUCKET,)),
    Right(
        "LookAtDeadLetters",
        OVERSEERS,
        ("sqs:ReceiveMessage", "sqs:ChangeMessageVisibility"),
        (Place.DEAD_LETTERS,),
    ),
    Right("ReadAuditTrail", OVERSEERS, (_QUERY,), (Place.TABLE,), only_keys=_ENTRIES),
    Right("WriteAuditTrail", OVERSEERS, (_PUT,), (Place.TABLE,), only_keys=_ENTRIES),
    Right("TakeKeys", OPERATORS, (_PUT,), (Place.TABLE,), only_keys=_KEYS),
    Right("HandIn", OPERATORS, ("sqs:SendMessage",), (Place.QUEUE,)),
    Right("NotePause", OPERATORS, ("sqs:TagQueue", "sqs:UntagQueue"), (Place.QUEUE,)),
    Right(
        "PauseAndResume",
        OPERATORS,
        ("lambda:UpdateEventSourceMapping",),
        (Place.MAPPINGS,),
        function=Place.PROCESSOR,
    ),
    Right("TakeDeadLetters", OPERATORS, ("sqs:DeleteMessage",), (Place.DEAD_LETTERS,)),
    Right("Decide", OPERATORS, ("s3:PutObject",), (Place.DECISIONS,)),
    Right("ReadSeals", OVERSEERS, ("s3:GetObject",), (Place.SEALS,)),
    Right("ReadSealKey", OVERSEERS, ("kms:GetPublicKey",), (Place.SEAL_KEY,)),
    Right("KeepSeals", OPERATORS, ("s3:PutObject",), (Place.SEALS,)),
    Right(
        "RepairArchive",
        OPERATORS,
        ("s3:PutObject", "s3:GetObjectVersion", "s3:DeleteObject", "s3:DeleteObjectVersion"),
        (Place.ARCHIVE,),
    ),
    Right("SignSeals", OPERATORS, ("kms:Sign",), (Place.SEAL_KEY,)),
    # Events again: a stage has a bus or a topic.
    Right("PublishToBus", OPERATORS, ("events:PutEvents",), (Place.BUS,)),
    Right("PublishToTopic", OPERATORS, ("sns:Publish",), (Place.TOPIC,)),
    Right("CopyTable", OPERATORS, ("dynamodb:DescribeTable",), (Place.TABLE,)),
    Right("Rebuild", OPERATORS, ("dynamodb:CreateTable", _PUT), (Place.REBUILT,)),
)

# The stage's own key, if it has one. AWS's CDK grants these to whoever reads a table with such a
# key, and the others besides to whoever writes to it (aws-dynamodb, `perms`). Whoever makes a table
# with it lets DynamoDB use it from then on, by a grant.
_TO_READ = ("kms:Decrypt", "kms:DescribeKey")
_TO_WRITE = (*_TO_READ, "kms:Encrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*")
_TO_CREATE = (*_TO_WRITE, "kms:CreateGrant")
KEY_ACTIONS = {Role.READER: _TO_READ, Role.AUDITOR: _TO_WRITE, Role.OPERATOR: _TO_CREATE}
KEY_SERVICES = {
    # Whoever receives no message need not read one.
    Role.READER: ("dynamodb", "s3"),
    Role.AUDITOR: ("dynamodb", "s3", "sqs"),
    Role.OPERATOR: ("dynamodb", "s3", "sqs", "sns"),
}


NAMES = (
    "region",
    "account",
    "queue",
    "dead_letters",
    "table",
    "bucket",
    "processor",
    "seal_key",
    "bus",
    "topic",
)
ANY_NAMES = dict.fromkeys(NAMES, "*")


def rights_to(action: str, arn: str | None = None) -> list[Right]:
    """List the rights to an action, on a resource of this ARN if it is known."""
    return [right for right in RIGHTS if _has(right.actions, action) and _is_on(right, arn)]


def roles_with_key(action: str) -> list[Role]:
    """List the roles that may do an action with the stage's own key."""
    return [role for role in Role if _has(KEY_ACTIONS[role], action)]


def _has(actions: tuple[str, ...], action: str) -> bool:
    """Tell whether an action is one of others: IAM takes capital and small letters for the same."""
    return any(fnmatchcase(action.casefold(), each.casefold()) for each in actions)


def _is_on(right: Right, arn: str | None) -> bool:
    return arn is None or any(fnmatchcase(arn, place.arn(ANY_NAMES)) for place in right.places)
