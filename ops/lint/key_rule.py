"""
The rule of a KMS key of the user's own: its policy lets the functions use it.

The functions' own policies name no key, so that they are the same whether there is one or not. The
key's policy has to let the account use it through the services, as those of AWS's own keys do.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from operator import eq
from typing import TYPE_CHECKING, Any, TypeAlias

from ops.aws_hosts import suffixes
from ops.lint.rule import rule
from ops.lint.stage import statements_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ops.lint.stage import KeySettings, StageSettings

WHERE_THE_STATEMENT_IS = "docs/stages.md#a-key-of-your-own"
# SQS, S3 and SNS: AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html,
# AmazonS3/latest/userguide/UsingKMSEncryption.html, sns/latest/dg/sns-key-management.html.
WRITE_AND_READ = ("kms:Decrypt", "kms:GenerateDataKey")
NEEDED = {
    "sqs": WRITE_AND_READ,
    "s3": WRITE_AND_READ,
    "sns": WRITE_AND_READ,
    # amazondynamodb/latest/developerguide/encryption.usagenotes.html
    "dynamodb": (
        "kms:CreateGrant",
        "kms:Decrypt",
        "kms:DescribeKey",
        "kms:Encrypt",
        "kms:GenerateDataKey",
        "kms:ReEncryptFrom",
        "kms:ReEncryptTo",
    ),
}
Same: TypeAlias = "Callable[[str, str], bool]"
# Only StringLike takes * and ? for what they stand for.
SAME: Mapping[str, Same] = {"StringEquals": eq, "StringLike": fnmatchcase}
VIA_SERVICE = "kms:viaservice"
CALLER_ACCOUNTS = {"kms:calleraccount", "aws:principalaccount"}


@rule(
    "key-policy",
    "The policy of a customer managed key lets those use it who use what it encrypts.",
    "https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-services.html",
)
def _key_policy(stage: StageSettings) -> Iterable[str]:
    key = stage.key
    if key is None:
        return
    if not key.enabled:
        yield f"the key {key.arn} is not enabled: no order can be written or read"
    if not key.is_of_caller:
        yield (
            f"the key {key.arn} is of another account: the functions could use it only if their "
            f"own policies named it too, so take one of account {key.caller_account}"
        )
        return
    for service in key.services:
        missing = [action for action in NEEDED[service] if not _allows(key, service, action)]
        if missing:
            yield (
                f"the policy of key {key.arn} does not let account {key.caller_account} use it "
                f"through {service} ({', '.join(missing)}): {WHERE_THE_STATEMENT_IS} has the "
                "statement"
            )


def _allows(key: KeySettings, service: str, action: str) -> bool:
    """
    Tell whether a statement of the policy allows an action to all the account through a service.

    A statement for the account's root is not enough: it leaves the decision to the functions' own
    policies. Statements that deny are left out, and ones with a condition that isn't known here.
    """
    return any(
        statement["Effect"] == "Allow"
        and _is_for_everyone(statement.get("Principal"))
        and any(fnmatchcase(action.lower(), each.lower()) for each in _list(statement["Action"]))
        and _holds(statement.get("Condition", {}), key, service)
        for statement in statements_of(key.policy)
        if "Action" in statement
    )


def _is_for_everyone(principal: Any) -> bool:
    named = principal.get("AWS") if isinstance(principal, dict) else principal
    return "*" in _list(named)


def _holds(condition: Mapping[str, Mapping[str, Any]], key: KeySettings, service: str) -> bool:
    return all(
        operator in SAME and _matches(name.lower(), SAME[operator], _list(values), key, service)
        for operator, names in condition.items()
        for name, values in names.items()
    )


def _matches(name: str, same: Same, values: list[str], key: KeySettings, service: str) -> bool:
    if name in CALLER_ACCOUNTS:
        return any(same(key.caller_account, value) for value in values)
    return name == VIA_SERVICE and any(
        same(called, value) for value in values for called in _called(service, key.region, value)
    )


def _called(service: str, region: str, value: str) -> Iterable[str]:
    """
    Name a service as a value of `kms:ViaService` does.

    What follows service and region is the partition's own, so whatever the value has there is it.
    """
    _, _, after_region = value.partition(f"{region}.")
    ends = [suffix for suffix in suffixes() if value.endswith(suffix)]
    return [f"{service}.{region}{end}" for end in (f".{after_region}", *ends)]


def _list(one_or_several: Any) -> list[Any]:
    return one_or_several if isinstance(one_or_several, list) else [one_or_several]


KEY_RULES = (_key_policy,)
