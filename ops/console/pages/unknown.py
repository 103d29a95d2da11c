"""The page at an address that has none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops.console.components import empty, html
from ops.console.markup import tag

if TYPE_CHECKING:
    from ops.console.view import View


def show(view: View) -> None:
    """Build the page."""
    html(
        tag("div", tag("h1", view.t("unknown.title")), class_="heading"),
        tag("div", empty(view.t("unknown.words"), view.t("unknown.hint")), class_="panel"),
    )
