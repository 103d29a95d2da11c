"""The rule of Object Lock: the bucket has what the stage asks for, and that makes sense."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops.lint.rule import rule
from ops.lint.stage_rules import UNPROTECTED_STAGES
from ops.object_lock import COMPLIANCE, OBJECT_LOCK, OBJECT_LOCK_DAYS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ops.lint.stage import StageSettings

LOCK_MISSING = f"the bucket has no Object Lock, which {OBJECT_LOCK} asks for"


@rule(
    "object-lock",
    "Object Lock needs a mode and a period; once on, it can't be turned off.",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-configure.html",
)
def _object_lock(stage: StageSettings) -> Iterable[str]:
    wanted, has = stage.lock_wanted, stage.bucket.lock
    if wanted.is_on and not wanted.days:
        yield f"{OBJECT_LOCK} is {wanted.mode}, and {OBJECT_LOCK_DAYS} does not say for how long"
    if wanted.days and not wanted.is_on:
        yield f"{OBJECT_LOCK_DAYS} is {wanted.days}, but {OBJECT_LOCK} is off: nothing is locked"
    if wanted.mode == COMPLIANCE and stage.stage in UNPROTECTED_STAGES:
        yield (
            f"stage {stage.stage} is for trying and may be deleted, but nobody could delete its "
            f"bucket for {wanted.days} days: take governance"
        )
    if wanted.is_on and not has.is_on:
        yield LOCK_MISSING
    elif wanted.is_on and wanted != has:
        yield f"the bucket has {has}, and {OBJECT_LOCK} asks for {wanted}"
    elif has.is_on and not wanted.is_on:
        yield f"the bucket has {has}, which can't be turned off, and {OBJECT_LOCK} is off"


LOCK_RULES = (_object_lock,)
