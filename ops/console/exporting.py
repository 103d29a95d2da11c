"""The exports: the records of a filter as a file, written as they are read. Accounts are masked."""

from __future__ import annotations

import io
from typing import IO, TYPE_CHECKING, Any, NamedTuple, cast

from fastapi.responses import PlainTextResponse, Response

from chalicelib.http.parameters import InvalidParameters, audit_query
from chalicelib.orders.terms import SHOWN_CHARACTERS
from chalicelib.services.unavailable import StoreUnavailable
from ops.console.downloads import DownloadResponse, ReaderLeft, TooMany
from ops.console.loading import failure_words
from ops.console.unexpected import log_unexpected, unexpected_words
from ops.console.view import View
from ops.desk.exports import Format, FormatUnavailable, export, require_writable
from ops.roles.denial import denial_in

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from fastapi import Request

    from chalicelib.services.queries import AuditQuery
    from chalicelib.texts import Texts
    from ops.console.console import Console
    from ops.console.downloads import Download

RETRY_SECONDS = 10


class Wanted(NamedTuple):
    """An export that is wanted: the records, and the form of the file."""

    query: AuditQuery
    form: Format


async def export_orders(console: Console, request: Request) -> Response:
    """Answer with a file; with an error in words if there is none to be had."""
    view = View(console, request)
    try:
        wanted = _wanted(view)
    except _Refused as error:
        return _words(str(error), error.status)
    try:
        download = console.downloads.begin(lambda go_on: _chunks(console, wanted, go_on))
    except TooMany:
        busy = view.t("orders.export_busy", seconds=RETRY_SECONDS)
        return _words(busy, 503, {"Retry-After": str(RETRY_SECONDS)})
    answer: Response | None = None
    try:
        answer = await _answer(view, request, download, wanted)
    finally:
        if not isinstance(answer, DownloadResponse):
            download.end()
    return answer


class _Refused(Exception):
    """An export that can't be made: the message says why."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


def _wanted(view: View) -> Wanted:
    given = dict(view.parameters)
    form = given.pop("format", Format.CSV)
    if form not in list(Format):
        raise _Refused(400, _unknown_format(view.t, form))
    try:
        query = audit_query(given, view.now())
        require_writable(Format(form))
    except InvalidParameters as error:
        wrong = map(view.t.error, error.errors)
        raise _Refused(
            400, "\n".join(f"{each['field']} {each['message']}" for each in wrong)
        ) from error
    except FormatUnavailable as error:
        raise _Refused(501, str(error)) from error
    return Wanted(query, Format(form))


async def _answer(view: View, request: Request, download: Download, wanted: Wanted) -> Response:
    """Wait for the first chunk before the status is sent: later, a failure breaks the file off."""
    try:
        first = await download.chunk(request)
    except ReaderLeft:
        return Response(status_code=499)
    except StoreUnavailable as error:
        return _words(failure_words(view, error), 403 if denial_in(error) else 503)
    except Exception as error:  # noqa: BLE001 (the boundary around a download)
        log_unexpected(error)
        return _words(unexpected_words(view.t, error), 500)
    query, form = wanted
    name = f"orders-{view.console.stage}-{query.first_day}-{query.last_day}.{form}"
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "no-store",
    }
    return DownloadResponse(download, request, first or b"", headers)


def _words(words: str, status: int, headers: dict[str, str] | None = None) -> Response:
    return PlainTextResponse(f"{words}\n", status, {"Cache-Control": "no-store", **(headers or {})})


def _unknown_format(t: Texts, wanted: str) -> str:
    rule = t("rule.choice", choices=", ".join(Format))
    return f"format {t('parameter.bad', rule=rule, got=repr(wanted[:SHOWN_CHARACTERS]))}"


def _chunks(console: Console, wanted: Wanted, go_on: Callable[[], None]) -> Generator[bytes]:
    sink = _Sink()
    records = console.desk.orders.newest_first(wanted.query, go_on)
    for _ in export(records, cast("IO[bytes]", sink), wanted.form):
        yield sink.drain()
    yield sink.drain()


class _Sink(io.RawIOBase):
    """A file that keeps written bytes only until they are sent on."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self._written = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        chunk = bytes(data)
        self._chunks.append(chunk)
        self._written += len(chunk)
        return len(chunk)

    def tell(self) -> int:
        return self._written

    def drain(self) -> bytes:
        """Take out the bytes that were written since the last time."""
        data = b"".join(self._chunks)
        self._chunks.clear()
        return data
