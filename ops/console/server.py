"""The console's server: its pages, its files, and the exports, on 127.0.0.1."""

from __future__ import annotations

import threading
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.staticfiles import StaticFiles
from nicegui import ui

from ops.console.console import ASSETS
from ops.console.exporting import export_orders
from ops.console.frame import show_frame
from ops.console.guard import EXPORT_PATH, OwnPagesOnly
from ops.console.pages import audit, duplicates, health, orders, rejected, unknown
from ops.console.pages.dead_letters import page as dead_letters
from ops.console.pages.order import page as order
from ops.console.pages.overview import page as overview
from ops.console.pages.seals import page as seals
from ops.console.pages.try_it import page as try_it
from ops.console.pause_banner import show_pause
from ops.console.policy import StrictPolicy
from ops.console.unexpected import content_of_page, show_failures_of
from ops.console.view import View
from ops.ports import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

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
    ("/seals", "seals", seals.show),
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


def make_app(console: Console) -> StrictPolicy:
    """Make the ASGI application: one a process, since NiceGUI has one set of pages."""
    stop = threading.Event()

    @asynccontextmanager
    async def watching(_app: FastAPI) -> AsyncIterator[None]:
        threading.Thread(target=console.depths.watch, args=[stop], daemon=True).start()
        yield
        stop.set()
        console.jobs.cancel()
        console.seal_jobs.cancel()

    app = FastAPI(lifespan=watching, openapi_url=None)
    app.mount("/assets", StaticFiles(directory=ASSETS))

    async def export(request: Request) -> Response:
        return await export_orders(console, request)

    app.add_api_route(EXPORT_PATH, export, response_model=None)
    app.add_middleware(OwnPagesOnly)
    for path, key, build in PAGES:
        _add_page(console, path, key, build)
    # Last: the page for all other addresses.
    _add_page(console, "/{_:path}", "unknown", unknown.show)
    ui.run_with(app, title="Orders", tailwind=False, show_welcome_message=False)
    # Around all of it: Starlette answers some failures outside of its middlewares.
    return StrictPolicy(app)


def _add_page(
    console: Console, path: str, key: str, build: Callable[[View], Response | None]
) -> None:
    @ui.page(path)
    def page(request: Request) -> Response | None:
        view = View(console, request)
        show_failures_of(view)
        title = view.path_parameters.get("order_id") or view.t(f"{key}.title")
        show_frame(view, title, key)
        with content_of_page(view):
            show_pause(view)
            return build(view)
        return None
