"""p50 and p99 of POST and GET under the local stack, beside a bare route on the same server."""

from __future__ import annotations

import http.client
import itertools
import json
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import quantiles
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.events import record
from benchmarks.processes import ROOT
from benchmarks.report import table
from ops.local.ports import LOOPBACK, accepts_connections, free_port
from ops.local.stack import LocalStack

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.progress import Progress

CLIENTS = (1, 8, 32)
REQUESTS = 480
KNOWN_ORDER = "known"


class Request(NamedTuple):
    """One kind of request."""

    name: str
    method: str
    make: Callable[[], tuple[str, str | None]]


def measure(progress: Progress) -> str:
    """The table of all requests, by the number of clients."""
    numbers = itertools.count()
    requests = [
        Request("POST /orders", "POST", lambda: ("/orders", _order(f"api-{next(numbers)}"))),
        Request("GET /orders/{orderId}", "GET", lambda: (f"/orders/{KNOWN_ORDER}", None)),
    ]
    rows = []
    with tempfile.TemporaryDirectory() as directory:
        log = Path(directory) / "log"
        with LocalStack(log_file=log) as stack, _bare_api() as bare_port:
            _call(stack.api_port, "POST", "/orders", _order(KNOWN_ORDER))
            while _call(stack.api_port, "GET", f"/orders/{KNOWN_ORDER}", None) != http.client.OK:
                time.sleep(0.1)
            stack.stop_worker()
            for request, clients in itertools.product(requests, CLIENTS):
                progress.step(f"API, {request.name}, {clients} clients")
                bare = _latencies_ms(bare_port, request, clients)
                ours = _latencies_ms(stack.api_port, request, clients)
                rows.append([request.name, str(clients), *_figures(bare, ours)])
    heads = ["", "clients", "bare p50 ms", "ours p50 ms", "bare p99 ms", "ours p99 ms", "ours/s"]
    return table(heads, rows)


class _bare_api:  # noqa: N801 (used as a function)
    """The bare app as a process, for as long as the `with` block lasts."""

    def __enter__(self) -> int:
        port = free_port()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.bare_api", str(port)], cwd=ROOT
        )
        while not accepts_connections(LOOPBACK, port):
            time.sleep(0.05)
        return port

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()


def _latencies_ms(port: int, request: Request, clients: int) -> tuple[list[float], float]:
    """The time of each request, and how many were answered in a second."""

    def client(count: int) -> list[float]:
        connection = http.client.HTTPConnection(LOOPBACK, port, timeout=30)
        times = []
        for _ in range(count):
            path, body = request.make()
            started = time.perf_counter()
            connection.request(request.method, path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            times.append((time.perf_counter() - started) * 1000)
            if answer.status >= http.client.BAD_REQUEST:
                raise RuntimeError(f"{request.name}: {answer.status}")
        connection.close()
        return times

    client(10)
    started = time.perf_counter()
    with ThreadPoolExecutor(clients) as executor:
        times = [t for each in executor.map(client, clients * [REQUESTS // clients]) for t in each]
    return times, len(times) / (time.perf_counter() - started)


def _figures(bare: tuple[list[float], float], ours: tuple[list[float], float]) -> list[str]:
    (bare_times, _), (our_times, our_rate) = bare, ours
    bare_cuts, our_cuts = quantiles(bare_times, n=100), quantiles(our_times, n=100)
    figures = (bare_cuts[49], our_cuts[49], bare_cuts[98], our_cuts[98])
    return [*(f"{figure:.1f}" for figure in figures), f"{our_rate:.0f}"]


def _call(port: int, method: str, path: str, body: str | None) -> int:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=30)
    connection.request(method, path, body, {"Content-Type": "application/json"})
    status = connection.getresponse().status
    connection.close()
    return status


def _order(order_id: str) -> str:
    body: str = record(order_id, order_id)["body"]
    json.loads(body)
    return body
