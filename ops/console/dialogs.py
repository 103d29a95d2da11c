"""Modal dialogs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

from ops.console.components import html
from ops.console.markup import tag

if TYPE_CHECKING:
    from collections.abc import Callable


class Dialog:
    """A modal dialog. Its content is made anew each time that it opens."""

    def __init__(self, title: str) -> None:
        self._element = ui.element("dialog")
        self._element.props["aria-label"] = title
        self._title = title

    def open(self, build: Callable[[], None]) -> None:
        self._element.clear()
        with self._element:
            html(tag("h2", self._title))
            build()
        self._run("if (!it.open) it.showModal()")

    def close(self) -> None:
        self._run("it.close()")

    def _run(self, code: str) -> None:
        with self._element:
            ui.run_javascript(f"const it = getHtmlElement({self._element.id}); {code}")
