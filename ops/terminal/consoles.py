"""Rich's console and its progress line, in which everything is text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from ops.terminal.visible import visible, visible_lines

if TYPE_CHECKING:
    from rich.style import Style


class PlainConsole(Console):
    """
    A console at which a string is a line of text: no markup, no emoji code, no control sequence.

    Rich makes text of every string in one place, of those in a table's cells and headings too.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, **settings)

    def render_str(
        self,
        text: str,
        *,
        style: str | Style = "",
        justify: Any = None,
        overflow: Any = None,
        **_: Any,
    ) -> Text:
        """Make text of a string."""
        return Text(visible(text), style=style, justify=justify, overflow=overflow)


def cell(text: str, style: str = "") -> Text:
    """Make the text of a cell or of a line, in a colour."""
    return Text(visible(text), style)


def lines(text: str) -> Text:
    """Make a text of several lines, whose line breaks are its own."""
    return Text(visible_lines(text))


def progress_line(console: PlainConsole, total: int | None, *, shown: bool) -> Progress:
    """Make a line that goes with the work: a bar, or a count where no total is known."""
    columns: list[ProgressColumn] = [TextColumn("{task.description}", markup=False)]
    columns += (
        [BarColumn(), MofNCompleteColumn()]
        if total
        else [TextColumn("{task.completed:,.0f}", markup=False)]
    )
    columns.append(TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True, disable=not shown)
