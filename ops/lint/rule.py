"""A rule: an object with a name, which lists the faults that it finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ops.lint.stage import StageSettings

    Check: TypeAlias = Callable[[StageSettings], Iterable[str]]

LAMBDA_DOCS = "https://docs.aws.amazon.com/lambda/latest/dg"
SQS_DOCS = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide"


@dataclass(frozen=True)
class Rule:
    """A rule, its source (a recommendation), and the check that yields the faults."""

    name: str
    recommendation: str
    source: str
    check: Check

    def broken_by(self, stage: StageSettings) -> list[str]:
        """List the stage's faults by this rule."""
        return list(self.check(stage))


def rule(name: str, recommendation: str, source: str) -> Callable[[Check], Rule]:
    """Make a rule of a check: a decorator."""
    return lambda check: Rule(name, recommendation, source, check)
