"""Parts of a page that are read once the page is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from botocore.exceptions import BotoCoreError, ClientError
from nicegui import ui

from chalicelib.orders.record import UnreadableRecord
from chalicelib.services.unavailable import StoreUnavailable
from ops.console.components import button, html
from ops.console.denials import denial_parts, denial_words
from ops.console.markup import join, tag
from ops.console.unexpected import log_unexpected, unexpected_parts
from ops.desk.masking import masked_text
from ops.roles.denial import denial_in

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from markupsafe import Markup

    from ops.console.view import View

Found = TypeVar("Found")

# Errors of a read: the stage is out of reach, the credentials do not suffice, or an item is broken.
FAILURES = (StoreUnavailable, UnreadableRecord, BotoCoreError, ClientError)


def show_loaded(
    view: View,
    read: Callable[[], Found],
    show: Callable[[Found], None],
    loading: Callable[[], None] | None = None,
) -> Callable[[], Awaitable[None]]:
    """
    Add a part that is read once the page is there. Return a function that reads it anew.

    It says that it loads, or what `loading` adds; or that it could not be read, with a button to
    try again.
    """
    area = ui.element("div").classes("loaded").props('aria-live="polite" aria-busy="true"')
    with area:
        loading() if loading else show_loading(view)

    def fill(build: Callable[[], None]) -> None:
        area.clear()
        with area:
            build()

    async def load() -> None:
        try:
            found = await view.fetch(read)
            fill(lambda: show(found))
        except FAILURES as error:
            failure = error
            fill(lambda: show_failure(view, failure, load))
        except Exception as error:  # noqa: BLE001 (the boundary around one part of a page)
            log_unexpected(error)
            parts = unexpected_parts(view.t, error)
            fill(lambda: show_retry(view, parts, load))
        area.props('aria-busy="false"')

    ui.timer(0, load, once=True)
    return load


def failure_words(view: View, error: Exception) -> str:
    """
    Write why a call failed; of a refusal, which right is missing and who has it.

    AWS's own words may quote what was sent, and so an account.
    """
    denial = denial_in(error)
    return denial_words(view, denial) if denial else masked_text(str(error))


def notify_failure(view: View, words: str) -> None:
    """Say what failed until the reader closes it: which right is missing takes time to read."""
    close = view.t("frame.close")
    ui.notify(words, type="negative", multi_line=True, timeout=0, close_button=close)


def show_loading(view: View) -> None:
    """Say that the part is on its way."""
    html(tag("p", tag("span", class_="spinner", aria_hidden="true"), view.t("state.loading")))


def show_failure(view: View, error: Exception, again: Callable[[], Awaitable[None]]) -> None:
    """Say that the part could not be read, why, and what to do."""
    if denial := denial_in(error):
        # Nothing failed: this identity is not to see it.
        show_retry(view, denial_parts(view, denial), again, kind="warn")
        return
    parts = join(
        tag("strong", view.t("state.failed")),
        tag("p", view.t("state.failed_hint", stage=view.console.stage)),
        tag("p", tag("code", masked_text(str(error)))),
        tag("p", tag("a", view.t("state.what_answers"), href="/health")),
    )
    show_retry(view, parts, again)


def show_retry(
    view: View, parts: Markup, again: Callable[[], Awaitable[None]], kind: str = "bad"
) -> None:
    """Say what failed, with a button to try again."""
    with ui.element("div").classes(f"notice {kind}").props('role="alert"'):
        html(parts)
        button(view.t("state.again"), again)
