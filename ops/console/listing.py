"""The frame that the list pages share: a table in a panel, and the parts around it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from nicegui import ui

from ops.console.components import html, notice
from ops.console.forms import form
from ops.console.loading import show_loaded
from ops.console.markup import join, tag
from ops.console.tables import table
from ops.desk.unreadable_records import named

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from ops.console.forms import OnSubmit
    from ops.console.markup import Child
    from ops.console.tables import Column
    from ops.console.view import View


class Listing(NamedTuple):
    """A list as it was read. `none` stands in for the table where there are no rows."""

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Child]]
    none: Child
    above: Child = None
    below: Child = None


def show_list(
    view: View,
    read: Callable[[], Listing],
    on_submit: OnSubmit | None = None,
    loading: Callable[[], None] | None = None,
) -> Callable[[], Awaitable[None]]:
    """
    Show a list in a panel of its own, read in a thread once the page is there.

    Return a function that reads it again. With `on_submit`, the rows are fields of a form;
    `loading` shows how far the reading has come.
    """
    with ui.element("div").classes("panel flush"):
        return show_loaded(view, read, lambda listing: _show(view, listing, on_submit), loading)


def _show(view: View, listing: Listing, on_submit: OnSubmit | None) -> None:
    above = [*unreadable_notices(view), listing.above]
    if not listing.rows:
        html(*above, listing.none)
    elif on_submit:
        with form(on_submit):
            html(*above, _table(listing))
    else:
        html(*above, _table(listing))
    if listing.below is not None:
        html(listing.below)


def unreadable_notices(view: View) -> Iterator[Child]:
    """Name the items that the console has met, and that can't be read as records."""
    for each in view.console.desk.unreadable:
        item = tag("code", named(each))
        yield notice(join(view.t("state.unreadable"), " ", item), "warn")


def _table(listing: Listing) -> Child:
    return table(listing.caption, listing.columns, listing.rows)
