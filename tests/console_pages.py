"""The console's pages in this process: built, loaded, clicked, and read as a browser gets them."""

import asyncio
import html
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache
from typing import Any, cast

import httpx
from nicegui import ui
from nicegui.testing.user import User

from ops.console.console import Console
from ops.console.server import make_app
from ops.desk.desk import Desk

# The guard lets only addresses of this machine in.
ADDRESS = "http://127.0.0.1:8001"
ATTEMPTS = 400


class Visit:
    """A visit to one page, which shows what has been sent to the browser so far."""

    def __init__(self, user: User, first: str) -> None:
        self._user = user
        self._first = first

    @property
    def text(self) -> str:
        """All that the browser has got: texts, attributes and messages, without HTML's escapes."""
        assert self._user.client
        elements = [
            f"{element._props} {getattr(element, '_text', '')}"
            for element in self._user.client.elements.values()
        ]
        return html.unescape(
            "\n".join([html.unescape(self._first), *elements, *self._user.notify.messages])
        )

    async def loaded(self) -> None:
        """Wait until no part of the page is being read."""
        assert self._user.client
        await asyncio.sleep(0.05)
        for _ in range(ATTEMPTS):
            busy = [e._props.get("aria-busy") for e in self._user.client.elements.values()]
            if "true" not in busy:
                return
            await asyncio.sleep(0.025)
        raise AssertionError("the page is loading for ever")

    async def wait_for(self, words: str) -> None:
        """Wait until the page shows these words."""
        for _ in range(ATTEMPTS):
            if words in self.text:
                return
            await asyncio.sleep(0.025)
        raise AssertionError(f"the page never shows {words!r}")

    async def press(self, words: str, until: Callable[[str], object]) -> None:
        """Press the button with these words, and wait until the page's text is as expected."""
        assert self._user.client
        (button,) = (
            element
            for element in self._user.client.elements.values()
            if element.tag == "button" and words in str([it._props for it in element.descendants()])
        )
        await self._send(button, "click", [], until)

    async def submit(
        self, *fields: tuple[str, str], until: Callable[[str], object] | None = None
    ) -> None:
        """Send the page's last form, and wait until something, or what is given, has changed."""
        assert self._user.client
        forms = [e for e in self._user.client.elements.values() if e.tag == "form"]
        before = self.text
        given = [list(pair) for pair in fields]
        await self._send(forms[-1], "submit", given, until or (lambda text: text != before))

    async def _send(
        self, element: ui.element, kind: str, arguments: Any, until: Callable[[str], object]
    ) -> None:
        (listener,) = (it for it in element._event_listeners.values() if it.type == kind)
        element._handle_event({"listener_id": listener.id, "args": arguments})
        for _ in range(ATTEMPTS):
            await asyncio.sleep(0.025)
            if until(self.text):
                return
        raise AssertionError("the page stays as it was")


@asynccontextmanager
async def console_of(desk: Desk) -> AsyncIterator["Visitors"]:
    """Run the console over a desk."""
    console, app = _only_app()
    # Nothing that an earlier desk's pages knew may be left.
    vars(console).clear()
    vars(console).update(vars(Console(desk)))
    transport = httpx.ASGITransport(app)
    async with (
        app.app.router.lifespan_context(app.app),
        httpx.AsyncClient(transport=transport, base_url=ADDRESS) as client,
    ):
        yield Visitors(client)


def console_app() -> Any:
    """Return the ASGI application of the console, to look at its routes."""
    return _only_app()[1]


@cache
def _only_app() -> tuple[Console, Any]:
    """Make the console of this process: NiceGUI has one set of pages."""
    console = Console(cast("Desk", None))
    return console, make_app(console)


class Visitors:
    """Visitors of the console."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def open(self, address: str) -> Visit:
        """Open a page, and wait until it has read what it shows."""
        user = User(self._client)
        await user.open(address)
        first = await self.get(address)
        visit = Visit(user, first)
        await visit.loaded()
        return visit

    async def get(self, address: str) -> str:
        """Get what an address answers, as text."""
        answer = await self._client.get(address, follow_redirects=True)
        return answer.content.decode("utf-8", "backslashreplace")
