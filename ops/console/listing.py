"""A list that one look reads whole: its newest rows, and what to say of those it leaves out."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from nicegui import ui

from ops.console.components import html, loaded, notice, table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from markupsafe import Markup

    from ops.console.components import Column
    from ops.console.markup import Child
    from ops.console.view import View


class Listing(NamedTuple):
    """A table's parts. `none` stands in for no rows, `left_out` says that these are not all."""

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Child]]
    none: Markup
    left_out: str | None


def show_listing(view: View, read: Callable[[], Listing]) -> None:
    """A list in a panel of its own, read in a thread once the page is there."""
    with ui.element("div").classes("panel flush"):
        loaded(view, read, _show)


def _show(listing: Listing) -> None:
    if listing.left_out is not None:
        html(notice(listing.left_out))
    if listing.rows:
        html(table(listing.caption, listing.columns, listing.rows))
    else:
        html(listing.none)
