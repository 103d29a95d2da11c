"""Account numbers on a page: shown or searched for only once the audit trail says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

from ops.console.loading import FAILURES, failure_words

if TYPE_CHECKING:
    from collections.abc import Callable

    from ops.console.view import View
    from ops.desk.search import Wanted


async def record_accounts_shown(view: View, where: str) -> bool:
    """Write an audit entry before accounts are shown. Return False, and say why, if it failed."""
    return await _is_written(view, lambda: view.console.desk.record_accounts_shown(where))


async def record_search(view: View, wanted: Wanted, where: str) -> bool:
    """Write an audit entry before an account is searched for, if it is one; the same return."""
    return await _is_written(view, lambda: view.console.desk.record_search(wanted, where))


async def _is_written(view: View, write: Callable[[], None]) -> bool:
    try:
        await view.fetch(write)
    except FAILURES as error:
        ui.notify(view.t("order.not_audited", error=failure_words(view, error)), type="negative")
        return False
    return True
