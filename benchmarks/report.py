"""Tables, and the pages that they are written to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.processes import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

PAGES = (ROOT / "docs" / "performance.md", ROOT / "docs" / "scaling.md")


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Make a Markdown table: text to the left in the first column, figures to the right."""
    lines = [_line(heads), "|---|" + "---:|" * (len(heads) - 1), *map(_line, rows)]
    return "\n".join(lines)


def together(figures: Iterable[str]) -> str:
    """Put the figures of several sizes or contenders into one cell."""
    return " · ".join(figures)


def row(columns: Iterable[Sequence[str]]) -> list[str]:
    """Make a cell of each column; a figure that is the same for all sizes stands once."""
    return [together(column if len(set(column)) > 1 else column[:1]) for column in columns]


def by_round(ones: Iterable[float], others: Iterable[float]) -> list[float]:
    """Compute the ratios round by round: other work of the machine meanwhile slows both."""
    return [one / other for one, other in zip(ones, others, strict=False)]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def page_of(section: str) -> Path:
    """Find the page that has a section's markers; there is one."""
    (page,) = [each for each in PAGES if _begin(section) in each.read_text(encoding="utf-8")]
    return page


def write(section: str, text: str) -> None:
    """Put a text between a section's markers in its page."""
    page = page_of(section)
    end = f"<!-- {section}: end -->"
    before, rest = page.read_text(encoding="utf-8").split(_begin(section))
    _, after = rest.split(end)
    page.write_text(f"{before}{_begin(section)}\n{text.strip()}\n{end}{after}", encoding="utf-8")


def _begin(section: str) -> str:
    return f"<!-- {section}: begin -->"
