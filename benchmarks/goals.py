"""The goals of a run: what each section holds its figures to."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from benchmarks.report import table

if TYPE_CHECKING:
    from collections.abc import Iterable


class Goal(NamedTuple):
    """A figure, and what is wanted of it."""

    title: str
    measured: float
    wanted: str
    met: bool
    # Why it is not met, if that is known.
    reason: str = ""

    @property
    def verdict(self) -> str:
        """Say whether it is met, and if not, why."""
        if self.met:
            return "yes"
        return f"**no**: {self.reason}" if self.reason else "**no**"


def at_most(title: str, measured: float, limit: float, reason: str = "") -> Goal:
    """Hold a figure to a limit that it may not exceed; `reason` says why, if it does."""
    return Goal(title, measured, f"{limit:.2f} or less", measured <= limit, reason)


def at_least(title: str, measured: float, limit: float, reason: str = "") -> Goal:
    """Hold a figure to a limit that it has to reach; `reason` says why, if it does not."""
    return Goal(title, measured, f"{limit:.2f} or more", measured >= limit, reason)


def over(title: str, measured: float, limit: float) -> Goal:
    """Hold a figure to a limit that it has to exceed."""
    return Goal(title, measured, f"over {limit:.2f}", measured > limit)


def goals_table(goals: Iterable[Goal]) -> str:
    """Make the table of the goals, each with its measured figure."""
    rows = ([goal.title, f"{goal.measured:.2f}", goal.wanted, goal.verdict] for goal in goals)
    return table(["goal", "measured", "wanted", "met"], rows)
