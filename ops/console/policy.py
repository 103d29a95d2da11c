"""
The headers of every answer of the console: which browsers may do what with it.

No page may show the console in a frame, where a click meant for that page would be one on it. Its
own pages run the scripts that it sends them, and load nothing from elsewhere.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from jinja2 import BaseLoader
from nicegui import client

if TYPE_CHECKING:
    from collections.abc import Callable

    from jinja2 import Environment
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

NONCE = "csp_nonce"
ATTRIBUTE = f'nonce="{{{{ request.state.{NONCE} }}}}"'
# Replaced in NiceGUI's templates, before there are any data in them: an element that came by way of
# the data never gets a nonce. The first style of a body is NiceGUI's; an attribute can't have one.
REPLACED = (
    ("<script", f"<script {ATTRIBUTE}"),
    ("<style", f"<style {ATTRIBUTE}"),
    (
        "{{ body_html | safe }}",
        "{{ body_html | replace('<style>', '<style nonce=\"' + request.state."
        + NONCE
        + "+ '\">', 1) | safe }}",
    ),
    ('style="display: none"', "hidden"),
)
# 'unsafe-eval' is for NiceGUI: its page gets the code of each handler as a text, and evaluates it.
POLICY = (
    "default-src 'none'",
    "script-src 'self' 'nonce-{nonce}' 'unsafe-eval'",
    "style-src 'self' 'nonce-{nonce}'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "object-src 'none'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
)
HEADERS = {
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class StrictPolicy:
    """Middleware that gives every answer these headers, be it a page, a file or an error."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        _give_scripts_a_nonce()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        nonce = secrets.token_urlsafe(16)
        scope.setdefault("state", {})[NONCE] = nonce
        policy = "; ".join(POLICY).format(nonce=nonce)
        added = [
            (name.lower().encode(), value.encode())
            for name, value in {"Content-Security-Policy": policy, **HEADERS}.items()
        ]

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *added]
            await send(message)

        await self.app(scope, receive, send_with_headers)


class _WithNonces(BaseLoader):
    """NiceGUI's templates, whose own inline scripts and styles get the request's nonce."""

    def __init__(self, loader: BaseLoader) -> None:
        self._loader = loader

    def get_source(
        self, environment: Environment, template: str
    ) -> tuple[str, str | None, Callable[[], bool] | None]:
        source, name, is_current = self._loader.get_source(environment, template)
        for found, replacement in REPLACED:
            source = source.replace(found, replacement)
        return source, name, is_current


def _give_scripts_a_nonce() -> None:
    environment: Any = client.templates.env
    if not isinstance(environment.loader, _WithNonces):
        environment.loader = _WithNonces(environment.loader)
        environment.cache.clear()
