"""Findings that only an emulator causes. On AWS itself none of them is excused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops.lint.lock_rule import LOCK_MISSING
from ops.lint.stage_rules import NO_EXPIRY, NO_RECOVERY, NO_ROUTES, no_alarm
from ops.stage_names import REJECTED_SHARE_ALARM

if TYPE_CHECKING:
    from collections.abc import Sequence

# Seen on ministack 1.5.33, which keeps all other settings: each that was broken there was found.
WHY = {
    NO_RECOVERY: "the emulator drops this setting",
    NO_EXPIRY: "the emulator drops this setting",
    LOCK_MISSING: "the emulator drops this setting",
    NO_ROUTES: "the emulator takes none of the routes that `chalice deploy` imports",
    no_alarm(REJECTED_SHARE_ALARM): "the emulator makes no alarm on an expression",
}


def excuse(problems: Sequence[str]) -> str:
    """Say why an emulator causes all of the findings; nothing if AWS would have one of them too."""
    return "; ".join(WHY[each] for each in problems) if set(problems) <= WHY.keys() else ""


def with_excuse(problem: str) -> str:
    """Write a finding, with the reason if an emulator causes it."""
    return f"{problem}: {WHY[problem]}" if problem in WHY else problem
