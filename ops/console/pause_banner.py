"""The banner of every page while the processing is paused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

from ops.console.components import html, notice
from ops.console.loading import FAILURES
from ops.console.markup import join, tag
from ops.console.unexpected import log_unexpected
from ops.desk.masking import masked_text
from ops.processing_switch import SwitchMissing

if TYPE_CHECKING:
    from markupsafe import Markup

    from ops.console.view import View
    from ops.desk.processing import Look


def show_pause(view: View) -> None:
    """
    Add the banner, if the processing is paused, once the page is there.

    Whoever may not read the switch, or has none, sees no banner: the page itself is not at fault.
    """
    area = ui.element("div").props('aria-live="polite" aria-busy="true"')

    async def load() -> None:
        try:
            look = await view.fetch(view.console.desk.processing.look)
            if look.paused:
                with area:
                    html(notice(_banner(view, look), "warn"))
        except (SwitchMissing, *FAILURES):
            pass
        except Exception as error:  # noqa: BLE001 (the boundary around one part of a page)
            log_unexpected(error)
        area.props('aria-busy="false"')

    ui.timer(0, load, once=True)


def _banner(view: View, look: Look) -> Markup:
    t, by = view.t, look.by
    words = [
        t(
            "pause.by",
            since=view.f.moment(by.at),
            who=masked_text(by.who.rsplit(":", 1)[-1]),
            why=masked_text(by.why),
        )
        if by
        else t("pause.other"),
        t("pause.waiting", count=view.f.number(look.waiting.messages)),
    ]
    words.append(_limit(view, look))
    words.append(t("pause.resume"))
    command = tag("code", view.console.desk.stage.command("resume"))
    return join(tag("strong", t("pause.title")), " ", " ".join(words), " ", command)


def _limit(view: View, look: Look) -> str:
    """Say how long what waits may wait."""
    t, f = view.t, view.f
    if not look.safe_until or look.safe_for is None:
        return t("pause.kept", duration=f.duration(look.waiting.retention.total_seconds()))
    moment, left = f.moment(look.safe_until), look.safe_for.total_seconds()
    if not left:
        return t("pause.expired", moment=moment)
    return t("pause.safe_until", moment=moment, duration=f.duration(left))
