"""Findings: the rules that a stage would break, said before anything of it is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ops.deploy.problems import DeploymentProblem
from ops.lint.names_rule import OWN_NAMES
from ops.lint.rule import BROKEN
from ops.lint.rules import RULES
from ops.next_command import ops_command

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from ops.lint.rule import Rule
    from ops.lint.stage import StageSettings

RULE_NAMES = tuple(sorted(rule.name for rule in RULES))


@dataclass(frozen=True)
class Finding:
    """A broken rule, with its faults."""

    rule: Rule
    problems: Sequence[str]

    def lines(self) -> list[str]:
        """Write it as `ops lint` does."""
        return self.rule.lines(BROKEN, self.problems)


def findings_in(settings: StageSettings) -> list[Finding]:
    """List the rules of `ops lint` that a stage breaks."""
    found = (Finding(rule, rule.broken_by(settings)) for rule in RULES)
    return [finding for finding in found if finding.problems]


def require_no_findings(
    stage: str, findings: Sequence[Finding], despite: Collection[str]
) -> list[str]:
    """
    Refuse a stage that breaks a rule which nobody has waived. Return warnings of the others.

    Raises:
        DeploymentProblem: with all findings, and what to type.
    """
    refused = [finding for finding in findings if finding.rule.name not in despite]
    if refused:
        raise DeploymentProblem("\n".join(_refusal(stage, refused)))
    return [
        f"{finding.rule.name} is broken, as was asked for: {'; '.join(finding.problems)}."
        for finding in findings
    ]


def _refusal(stage: str, refused: Sequence[Finding]) -> list[str]:
    names = [finding.rule.name for finding in refused]
    rules = "a rule" if len(names) == 1 else f"{len(names)} rules"
    waived = " ".join(f"--despite {name}" for name in names)
    end = (
        "Mend that in .chalice/ or infrastructure/, and run the command again. To go on all the "
        f'same, add `{waived}` (with make: OPTIONS="{waived}").'
    )
    return [
        f"Stage {stage} would break {rules} of `ops lint`; nothing was made.",
        *(line for finding in refused for line in finding.lines()),
        *(_advice_on_copies(stage) if OWN_NAMES in names else ()),
        end,
    ]


def _advice_on_copies(stage: str) -> list[str]:
    advice = (
        "A copy by hand keeps names of the other stage. To have it written anew, type "
        f"`{ops_command('stage remove', stage)}` and `{ops_command('stage new', stage)}`."
    )
    return [advice]
