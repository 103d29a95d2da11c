"""
The console's door.

It listens on 127.0.0.1 and holds the operator's credentials, so any page in the operator's browser
could try to use it. A request is let in only if it names the console by an address of this machine
(a foreign name that leads to 127.0.0.1 is DNS rebinding), was not begun by another site's page, and
is not for a frame, in which another page could have the operator click on what they don't see.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops.own_names import names_this_machine

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Receive, Scope, Send

SAFE_FETCH_SITES = {"", "same-origin", "none"}
# Browsers say what a request is for (Sec-Fetch-Dest). Nothing here is for a frame, of any page.
FRAMES = {"iframe", "frame", "fencedframe", "embed", "object"}
# Not a page: a link from elsewhere would begin work that nobody here has asked for.
EXPORT_PATH = "/export"


class OwnPagesOnly:
    """Middleware that refuses requests and WebSockets from any page but the console's own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket") and not _is_own(scope):
            await _refuse(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _is_own(scope: Scope) -> bool:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    host, origin = headers.get("host", ""), headers.get("origin")
    if not names_this_machine(host):
        return False
    if origin is not None and origin.partition("://")[2] != host:
        return False
    if headers.get("sec-fetch-dest") in FRAMES:
        return False
    return headers.get("sec-fetch-site", "") in SAFE_FETCH_SITES or _opens_a_page(scope, headers)


def _opens_a_page(scope: Scope, headers: Mapping[str, str]) -> bool:
    """Tell whether a link from elsewhere opens a page. It may do nothing more."""
    return (
        scope.get("method") == "GET"
        and headers.get("sec-fetch-mode") == "navigate"
        and headers.get("sec-fetch-dest", "document") == "document"
        and scope.get("path") != EXPORT_PATH
    )


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008})
        return
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": b"The console answers its own pages only.\n"})
