"""Account numbers on a page: shown or searched for only once the audit trail says so."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from ops.console.loading import FAILURES, failure_words, notify_failure

if TYPE_CHECKING:
    from collections.abc import Callable

    from ops.console.view import View
    from ops.desk.search import Wanted


async def record_accounts_shown(view: View, where: str) -> bool:
    """Write an audit entry before accounts are shown. Return False, and say why, if it failed."""
    write = partial(view.console.desk.record_accounts_shown, where)
    return await _is_written(view, write, "order.not_audited")


async def record_search(view: View, wanted: Wanted, where: str) -> bool:
    """Write an audit entry before an account is searched for, if it is one; the same return."""
    write = partial(view.console.desk.record_search, wanted, where)
    return await _is_written(view, write, "search.not_audited")


async def _is_written(view: View, write: Callable[[], None], key: str) -> bool:
    try:
        await view.fetch(write)
    except FAILURES as error:
        notify_failure(view, view.t(key, error=failure_words(view, error)))
        return False
    return True
