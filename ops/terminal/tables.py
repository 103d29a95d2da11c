"""Tables on the terminal. Every cell is one line of text."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rich import box
from rich.table import Table
from rich.text import Text

from ops.terminal.consoles import cell

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Cell = str | Text | None


class Column(NamedTuple):
    """A column: its heading, whether it holds numbers, and whether a cell is to be copied whole."""

    name: str
    numeric: bool = False
    whole: bool = False


def headed_table(columns: Iterable[Column], rows: Iterable[Sequence[Cell]]) -> Table:
    """Make a table with headings. Numbers stand to the right, and nothing is cut off."""
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for name, numeric, whole in columns:
        justify = "right" if numeric else "left"
        made.add_column(cell(name), justify=justify, overflow="fold", no_wrap=whole)  # type: ignore[arg-type]
    for row in rows:
        made.add_row(*map(_as_text, row))
    return made


def facts_table(values: Iterable[tuple[str, Cell]]) -> Table:
    """Make a table of names and values, without the values that there are not."""
    made = Table(box=None, show_header=False, pad_edge=False)
    made.add_column(style="dim", no_wrap=True)
    made.add_column(overflow="fold")
    for name, value in values:
        if value is not None:
            made.add_row(_as_text(name), _as_text(value))
    return made


def coloured_table(headings: Sequence[str], rows: Iterable[tuple[Sequence[str], str]]) -> Table:
    """Make a table of rows, each in a colour of its own."""
    made = Table(box=None, pad_edge=False, padding=(0, 2), header_style="bold")
    for heading in headings:
        made.add_column(cell(heading), no_wrap=True)
    for row, colour in rows:
        made.add_row(*map(_as_text, row), style=colour)
    return made


def _as_text(value: Cell) -> Text | None:
    return cell(value) if isinstance(value, str) else value
