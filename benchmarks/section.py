"""A section of `make bench`: it measures, and says what it has found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.goals import Goal


class Found(NamedTuple):
    """The figures of a section."""

    # The texts of the page's generated blocks, by their names.
    blocks: dict[str, str]
    goals: Sequence[Goal] = ()
    # `python -m ops cost` computes with them.
    counts: dict[str, Any] | None = None
