"""One request for a page: its language, its parameters, and the system that it looks at."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote, urlencode

from chalicelib.http.parameters import is_date
from chalicelib.orders.order import is_order_id
from ops.console.formats import Formats
from ops.console.texts import chosen_language, texts_in
from ops.desk.masking import masked_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from fastapi import Request

    from chalicelib.texts import Texts
    from ops.console.console import Console

THEMES = ("auto", "light", "dark")
# Parameters that may be an order's id.
ORDER_IDS = {"id", "order", "order_id"}
LANGUAGE_COOKIE = "orders-language"
THEME_COOKIE = "orders-theme"

Found = TypeVar("Found")


class View:
    """The request that a page is built for. `t` has the words, `f` writes figures."""

    def __init__(self, console: Console, request: Request) -> None:
        self.console = console
        self.path = request.url.path
        self.path_parameters = _as_shown(request.path_params)
        # A form sends every field, those left empty too.
        given = {name: value for name, value in request.query_params.items() if value}
        self.parameters = _as_shown(given)
        self.t: Texts = texts_in(
            chosen_language(
                request.cookies.get(LANGUAGE_COOKIE), request.headers.get("accept-language", "")
            )
        )
        theme = request.cookies.get(THEME_COOKIE, "")
        self.theme = theme if theme in THEMES else THEMES[0]

    @cached_property
    def f(self) -> Formats:
        return Formats(self.t)

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def fetch(self, read: Callable[[], Found]) -> Found:
        """Call `read` in a thread: the console serves others meanwhile."""
        return await asyncio.to_thread(read)

    def choice(self, name: str, choices: Sequence[str]) -> str:
        """Return the choice of the address's parameter; the first, if it is none of them."""
        chosen = self.parameters.get(name, "")
        return chosen if chosen in choices else choices[0]

    def link(self, **changes: str | None) -> str:
        """Make the page's own address with some parameters changed, or left out for None."""
        return address(self.path, {**self.parameters, **changes})


def _as_shown(given: Mapping[str, str]) -> dict[str, str]:
    """Mask what the page may say again, but for what the console works with."""
    return {
        name: value if _is_usable(name, value) else masked_text(value)
        for name, value in given.items()
    }


def _is_usable(name: str, value: str) -> bool:
    """Tell whether a parameter is an order's id, a day, or a cursor, which the console wrote."""
    match name:
        case "cursor":
            return True
        case "from" | "to":
            return is_date(value)
        case _:
            return name in ORDER_IDS and is_order_id(value)


def address(path: str, parameters: Mapping[str, str | None]) -> str:
    """Make an address on the console. Parameters that are None are left out."""
    given = {name: value for name, value in parameters.items() if value is not None}
    return f"{path}?{urlencode(given)}" if given else path


def order_address(order_id: str) -> str:
    """Make the address of an order's page."""
    return f"/orders/{quote(order_id, safe='')}"
