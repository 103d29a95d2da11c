"""
Locust's users: each sends one kind of request, one after the other, without a pause.

    locust --headless -f benchmarks/locustfile.py -H URL -u USERS -t 2s --times-file FILE Reading

Locust's own statistics, and so its --csv and --json, round to whole milliseconds. A bare route
takes less. So FILE gets each request as [start in seconds, duration in ms], in JSON. Locust's exit
code says whether a request failed.
"""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

from locust import FastHttpUser, events

from benchmarks.events import KNOWN_ORDER, record

# A user's first request makes its connection; it isn't measured.
FIRST = "first"
MEASURED = "measured"

_requests: list[tuple[float, float]] = []


class Submitting(FastHttpUser):  # type: ignore[misc]
    """A user who hands in valid orders, each under an id of its own."""

    def on_start(self) -> None:
        self.submit(FIRST)

    def submit(self, name: str = MEASURED) -> None:
        order_id = str(uuid.uuid4())
        headers = {"Content-Type": "application/json"}
        body = record(order_id, order_id)["body"]
        self.client.post("/orders", data=body, headers=headers, name=name)

    tasks = (submit,)


class Reading(FastHttpUser):  # type: ignore[misc]
    """A user who reads one recorded order."""

    def on_start(self) -> None:
        self.read(FIRST)

    def read(self, name: str = MEASURED) -> None:
        self.client.get(f"/orders/{KNOWN_ORDER}", name=name)

    tasks = (read,)


def _add_arguments(parser: Any) -> None:
    parser.add_argument("--times-file", type=Path, required=True)


def _note(name: str, start_time: float, response_time: float, **_: Any) -> None:
    if name == MEASURED:
        _requests.append((start_time, response_time))


def _write(environment: Any, **_: Any) -> None:
    times_file: Path = environment.parsed_options.times_file
    times_file.write_text(json.dumps(_requests), encoding="ascii")


events.init_command_line_parser.add_listener(_add_arguments)
events.request.add_listener(_note)
events.quitting.add_listener(_write)
