"""Account numbers on a page: shown only once the audit trail says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

from ops.console.loading import FAILURES, failure_words

if TYPE_CHECKING:
    from ops.console.view import View


async def record_accounts_shown(view: View, where: str) -> bool:
    """Write an audit entry before accounts are shown. Return False, and say why, if it failed."""
    try:
        await view.fetch(lambda: view.console.desk.record_accounts_shown(where))
    except FAILURES as error:
        ui.notify(view.t("order.not_audited", error=failure_words(error)), type="negative")
        return False
    return True
