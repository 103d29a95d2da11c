"""
Failures that no page expects: shown to whoever clicked, and logged with their traceback.

NiceGUI's own handler logs them on the terminal, where the operator may not look.
"""

from __future__ import annotations

import logging
import re
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING

from nicegui import ui

from ops.console.components import button, html
from ops.console.markup import join, tag
from ops.desk.masking import masked_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from markupsafe import Markup

    from chalicelib.texts import Texts
    from ops.console.view import View

SHOWN_CHARACTERS = 200
HIDE = 'document.querySelector("#unexpected:popover-open")?.hidePopover()'
SHOW = 'document.getElementById("unexpected").showPopover()'
# Longer than any word that an error's message needs: a key, a token, a signature.
SECRET = re.compile(r"[A-Za-z0-9+/=_-]{32,}|A[KS]IA[A-Z0-9]{12,}")

log = logging.getLogger(__name__)


def log_unexpected(error: Exception) -> None:
    """Write the failure, with its traceback, to the terminal."""
    log.error("The console failed", exc_info=error)


def described(error: Exception) -> str:
    """Name the failure in a line, in which no account and no secret stands."""
    message = SECRET.sub("…", masked_text(" ".join(str(error).split())))
    words = f"{type(error).__name__}: {message}" if message else type(error).__name__
    return words if len(words) <= SHOWN_CHARACTERS else f"{words[:SHOWN_CHARACTERS]}…"


def unexpected_words(t: Texts, error: Exception) -> str:
    """Say in plain text that something failed, and what to do."""
    return f"{t('state.unexpected')} {t('state.unexpected_hint')} ({described(error)})"


def unexpected_parts(t: Texts, error: Exception) -> Markup:
    """Say it in the parts of a notice."""
    return join(
        tag("strong", t("state.unexpected")),
        tag("p", t("state.unexpected_hint")),
        tag("p", tag("code", described(error))),
    )


def show_failures_of(view: View) -> None:
    """
    Show what fails on the page that is being built: a click, a form, a timer.

    The notice lies over an open dialog too.
    """
    notice = (
        ui.element("div")
        .classes("unexpected notice bad")
        .props('id="unexpected" popover="manual" role="alert"')
    )

    def show(error: Exception) -> None:
        notice.clear()
        with notice:
            html(unexpected_parts(view.t, error))
            button(view.t("frame.close"), lambda: ui.run_javascript(HIDE))
        # Shown anew, it comes to lie over a dialog that was opened meanwhile.
        ui.run_javascript(HIDE)
        ui.run_javascript(SHOW)

    ui.on_exception(show)


@contextmanager
def content_of_page(view: View) -> Iterator[None]:
    """Show what fails while the content of a page is built in its place."""
    with ui.element("div").props('id="content" tabindex="-1"') as content:
        try:
            yield
        except Exception as error:  # noqa: BLE001 (the boundary around one page)
            log_unexpected(error)
            ui.context.client.status_code = HTTPStatus.INTERNAL_SERVER_ERROR
            content.clear()
            html(tag("h1", view.t("state.unexpected")))
            html(tag("p", view.t("state.unexpected_hint")))
            html(tag("p", tag("code", described(error)), class_="notice bad"))
