"""The rule of seals: a stage that seals each night has a function, an alarm, and a key to sign."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops.lint.rule import rule
from ops.lint.stage_rules import no_alarm
from ops.stage_names import SEALS_ALARM, alarm_name, seal_key_alias, sealer_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ops.lint.stage import SealKey, StageSettings

WHERE_IT_IS_SAID = "docs/stages.md#seals-each-night"
KEY_SPEC, KEY_USAGE = "ECC_NIST_P256", "SIGN_VERIFY"


@rule(
    "seals",
    "A signature of ECDSA_SHA_256 takes a KMS key ECC_NIST_P256 for SIGN_VERIFY.",
    "https://docs.aws.amazon.com/kms/latest/developerguide/symm-asymm-choose-key-spec.html",
)
def _seals(stage: StageSettings) -> Iterable[str]:
    seals = stage.seals
    if seals.key:
        yield from _faults_of(seals.key, seals.key_arn)
        if seals.on:
            yield from _what_the_function_may_not(seals.key, stage)
    if not seals.on:
        return
    if not seals.key_arn:
        yield f"Seals is on, and SealKeyArn names no key to sign with: see {WHERE_IT_IS_SAID}"
    if stage.sealer is None:
        yield f"Seals is on, and there is no function {sealer_name(stage.stage)}: deploy the app"
    if alarm_name(stage.stage, SEALS_ALARM) not in stage.alarms:
        yield no_alarm(SEALS_ALARM)


def _faults_of(key: SealKey, arn: str) -> Iterator[str]:
    if not key.enabled:
        yield f"the key {arn} is not enabled: no day can be sealed"
    if (key.spec, key.usage) != (KEY_SPEC, KEY_USAGE):
        yield (
            f"the key {arn} is {key.spec} for {key.usage}, and seals need {KEY_SPEC} for "
            f"{KEY_USAGE}: see {WHERE_IT_IS_SAID}"
        )


def _what_the_function_may_not(key: SealKey, stage: StageSettings) -> Iterator[str]:
    """Find what keeps the function from signing: its policy names an alias of its account."""
    alias = seal_key_alias(stage.stage)
    if not key.is_of_account:
        yield f"the key {stage.seals.key_arn} is of another account, where no policy here reaches"
    elif alias not in key.aliases:
        yield (
            f"the key {stage.seals.key_arn} has no alias {alias}, by which the function may sign: "
            f"type `aws kms create-alias --alias-name {alias} --target-key-id "
            f"{stage.seals.key_arn}`"
        )


SEALS_RULES = (_seals,)
