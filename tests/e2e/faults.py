"""The faults of a server: what goes wrong with an attempt, and which answers there are."""

import gzip
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from email.utils import formatdate
from enum import StrEnum
from typing import NamedTuple

RETRIED = (408, 425, 429, 500, 502, 503, 504, 599)
PROBLEM = json.dumps(
    {"type": "urn:orders:problem:unavailable", "status": 503, "detail": "it did not answer"}
).encode()
# By kind: the content type, and the body. A client must live with any of them.
BODIES: Mapping[str, tuple[str | None, bytes]] = {
    "problem": ("application/problem+json", PROBLEM),
    "html": ("text/html", b"<html><h1>503 Service Temporarily Unavailable</h1></html>"),
    "empty": (None, b""),
    "a list": ("application/json", b"[1, 2]"),
    "a number": ("application/json", b"5"),
    "null": ("application/json", b"null"),
    "odd members": ("application/json", b'{"type": 5, "detail": ["x"], "status": null}'),
    "half of the JSON": ("application/json", PROBLEM[:20]),
    "no UTF-8": ("application/json", b'{"type": "\xff\xfe"}'),
    "deep JSON": ("application/json", b"[" * 50_000),
    "truncated gzip": ("application/json", gzip.compress(PROBLEM)[:-9]),
}


def http_date(seconds: float) -> str:
    return formatdate(time.time() + seconds, usegmt=True)


# By kind; made when the answer is. The second two are the only ones that make a client wait.
RETRY_AFTER: Mapping[str, Callable[[], str | None]] = {
    "none": lambda: None,
    "zero": lambda: "0",
    "a date that is past": lambda: http_date(-3600),
    "a date long past": lambda: "Thu, 01 Jan 1970 00:00:00 GMT",
    "empty": lambda: "",
    "a word": lambda: "soon",
    "no date": lambda: "Sun, 99 Foo 2026 99:99:99 GMT",
    "negative": lambda: "-5",
    "a fraction": lambda: "0.5",
    "not a number": lambda: "NaN",
    "digits of another script": lambda: "\u00b2",
    "one second": lambda: "1",
    "a date to come": lambda: http_date(2),
}
PROMPT = tuple(kind for kind in RETRY_AFTER if kind not in {"one second", "a date to come"})


class How(StrEnum):
    """The way in which an attempt goes wrong."""

    WHOLE = "whole"
    CUT = "cut"
    RESET = "reset"
    CLOSE = "close"
    HANG = "hang"
    DRIP = "drip"
    DRIP_HEAD = "drip_head"


class Fault(NamedTuple):
    """
    A fault of one attempt.

    `taken`: the API gets the request before the client gets the fault. With the status 0, the fault
    is done to the API's own answer.
    """

    how: How = How.WHOLE
    status: int = 0
    body: str = "problem"
    retry_after: str = "none"
    taken: bool = False


WELL = Fault(taken=True)


@dataclass(frozen=True)
class Script:
    """The faults of the attempts, in order; after them all goes well."""

    posts: Sequence[Fault] = ()
    gets: Sequence[Fault] = ()
