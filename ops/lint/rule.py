"""A rule: an object with a name, which lists the faults that it finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ops.lint.stage import StageSettings

    Check: TypeAlias = Callable[[StageSettings], Iterable[str]]

LAMBDA_DOCS = "https://docs.aws.amazon.com/lambda/latest/dg"
SQS_DOCS = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide"
BROKEN = "broken"
INDENT = " " * 8


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

    def lines(self, outcome: str, problems: Sequence[str]) -> list[str]:
        """Write how a stage keeps this rule; where it is broken, with what AWS recommends."""
        said = [f"{outcome:<{len(INDENT)}}{self.name}", *(f"{INDENT}{each}." for each in problems)]
        advice = [f"{INDENT}AWS: {self.recommendation} {self.source}"]
        return said + (advice if outcome == BROKEN else [])


def rule(name: str, recommendation: str, source: str) -> Callable[[Check], Rule]:
    """Make a rule of a check: a decorator."""
    return lambda check: Rule(name, recommendation, source, check)
