"""The console's server: its pages, its files, and the exports, on 127.0.0.1."""

from __future__ import annotations

import io
import threading
from contextlib import asynccontextmanager
from itertools import chain
from typing import IO, TYPE_CHECKING, Any, cast

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse, Response, StreamingResponse
from fastapi.staticfiles import StaticFiles
from nicegui import ui

from chalicelib.http.parameters import InvalidParameters, audit_query
from chalicelib.orders.terms import SHOWN_CHARACTERS
from chalicelib.services.unavailable import StoreUnavailable
from ops.console.console import ASSETS
from ops.console.frame import show_frame
from ops.console.guard import OwnPagesOnly
from ops.console.pages import audit, duplicates, health, orders, rejected, try_it, unknown
from ops.console.pages.dead_letters import page as dead_letters
from ops.console.pages.order import page as order
from ops.console.pages.overview import page as overview
from ops.console.view import View
from ops.desk.exports import Format, FormatUnavailable, export, require_writable
from ops.ports import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from chalicelib.orders.record import Record
    from chalicelib.texts import Texts
    from ops.console.console import Console

# The address, the page's key in the texts and the navigation, and its builder.
PAGES = (
    ("/", "overview", overview.show),
    ("/orders", "orders", orders.show),
    ("/orders/{order_id}", "orders", order.show),
    ("/duplicates", "duplicates", duplicates.show),
    ("/rejected", "rejected", rejected.show),
    ("/dead-letters", "dead_letters", dead_letters.show),
    ("/try-it", "try_it", try_it.show),
    ("/audit", "audit", audit.show),
    ("/health", "health", health.show),
)
GRACE_SECONDS = 2


def run_console(console: Console, port: int, on_ready: Callable[[], None]) -> None:
    """Serve until SIGTERM or Ctrl-C. `on_ready` is called once it answers."""
    config = uvicorn.Config(
        make_app(console),
        host=LOOPBACK,
        port=port,
        log_level="warning",
        # Strict on what is no HTTP/1.1: httptools also takes two Hosts, and HTTP/0.9.
        http="h11",
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    _Server(config, on_ready).run()


class _Server(uvicorn.Server):
    """A server that says when it listens."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, *arguments: object, **options: object) -> None:
        await super().startup(*arguments, **options)  # type: ignore[arg-type]
        if self.started:
            self._on_ready()


def make_app(console: Console) -> FastAPI:
    """Make the ASGI application: one a process, since NiceGUI has one set of pages."""
    stop = threading.Event()

    @asynccontextmanager
    async def watching(_app: FastAPI) -> AsyncIterator[None]:
        threading.Thread(target=console.depths.watch, args=[stop], daemon=True).start()
        yield
        stop.set()
        console.jobs.cancel()

    app = FastAPI(lifespan=watching, openapi_url=None)
    app.mount("/assets", StaticFiles(directory=ASSETS))

    @app.get("/export")
    def export_orders(request: Request) -> Response:
        response = _export(console, request)
        response.headers["Cache-Control"] = "no-store"
        return response

    app.add_middleware(OwnPagesOnly)
    for path, key, build in PAGES:
        _add_page(console, path, key, build)
    # Last: the page for all other addresses.
    _add_page(console, "/{_:path}", "unknown", unknown.show)
    ui.run_with(app, title="Orders", tailwind=False, show_welcome_message=False)
    return app


def _add_page(
    console: Console, path: str, key: str, build: Callable[[View], Response | None]
) -> None:
    @ui.page(path)
    def page(request: Request) -> Response | None:
        view = View(console, request)
        title = view.path_parameters.get("order_id") or view.t(f"{key}.title")
        show_frame(view, title, key)
        with ui.element("div").props('id="content" tabindex="-1"'):
            return build(view)


def _export(console: Console, request: Request) -> Response:
    """Send the records of a filter as a file, written as they are read. Accounts are masked."""
    view = View(console, request)
    given = dict(view.parameters)
    wanted = given.pop("format", Format.CSV)
    if wanted not in list(Format):
        return PlainTextResponse(_unknown_format(view.t, wanted), status_code=400)
    form = Format(wanted)
    try:
        query = audit_query(given, view.now())
        require_writable(form)
    except InvalidParameters as error:
        wrong = [f"{each['field']} {each['message']}\n" for each in map(view.t.error, error.errors)]
        return PlainTextResponse("".join(wrong), status_code=400)
    except FormatUnavailable as error:
        return PlainTextResponse(f"{error}\n", status_code=501)
    name = f"orders-{console.stage}-{query.first_day}-{query.last_day}.{form}"
    chunks = _chunks(console.desk.orders.newest_first(query), form)
    try:
        # Before the status is sent: a later failure can only break the file off.
        first = next(chunks)
    except StoreUnavailable as error:
        return PlainTextResponse(f"{error}\n", status_code=503)
    whole = chain([first], chunks)
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(whole, media_type="application/octet-stream", headers=headers)


def _unknown_format(t: Texts, wanted: str) -> str:
    rule = t("rule.choice", choices=", ".join(Format))
    return f"format {t('parameter.bad', rule=rule, got=repr(wanted[:SHOWN_CHARACTERS]))}\n"


def _chunks(records: Iterator[Record], form: Format) -> Iterator[bytes]:
    sink = _Sink()
    for _ in export(records, cast("IO[bytes]", sink), form):
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
