"""A verdict: how all is, in one line at the top of a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ops.console.frame import icon
from ops.console.markup import tag

if TYPE_CHECKING:
    from markupsafe import Markup

    from ops.console.view import View

ICONS = {
    "good": "M5 13l4 4L19 7",
    "warn": "M12 4l9 16H3zM12 10v4M12 17h.01",
    "bad": "M6 6l12 12M18 6L6 18",
}


class Verdict(NamedTuple):
    """The stage's state: `good`, `warn` or `bad`, and words. `href` leads to the remedy."""

    kind: str
    words: str
    href: str | None = None


def verdict_line(view: View, verdict: Verdict) -> Markup:
    """Make the line."""
    return tag(
        "p",
        icon(ICONS[verdict.kind]),
        tag("span", verdict.words),
        tag("a", view.t("overview.look"), href=verdict.href) if verdict.href else None,
        class_=f"verdict {verdict.kind}",
    )
