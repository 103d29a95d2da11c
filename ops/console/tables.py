"""Tables, which become lists of cards on a narrow screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ops.console.markup import Child, tag

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from markupsafe import Markup


class Column(NamedTuple):
    """A table's column: its heading, and whether it holds figures."""

    heading: str
    numeric: bool = False
    hidden_heading: bool = False


def table(
    caption: str,
    columns: Sequence[Column],
    rows: Iterable[Sequence[Child]],
    classes: str = "",
) -> Markup:
    """
    Make a table, which console.css makes a list of cards on a narrow screen.

    Roles are given, since a table that is not laid out as one is none to a screen reader.
    """
    headings = [
        tag(
            "th",
            tag("span", column.heading, class_="unseen")
            if column.hidden_heading
            else column.heading,
            scope="col",
            role="columnheader",
            class_="num" if column.numeric else None,
        )
        for column in columns
    ]
    return tag(
        "table",
        tag("caption", caption),
        tag("thead", tag("tr", *headings, role="row"), role="rowgroup"),
        tag("tbody", *[_row(columns, row) for row in rows], role="rowgroup"),
        role="table",
        class_=f"cards {classes}".strip(),
    )


def _row(columns: Sequence[Column], cells: Sequence[Child]) -> Markup:
    return tag(
        "tr",
        *[
            tag(
                "td",
                cell,
                role="cell",
                data_label=None if column.hidden_heading else column.heading,
                class_="num" if column.numeric else None,
            )
            for column, cell in zip(columns, cells, strict=True)
        ],
        role="row",
    )
