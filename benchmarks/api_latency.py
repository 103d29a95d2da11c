"""p50 and p99 of POST and GET under the local stack, beside a bare route on the same server."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from http import HTTPStatus
from itertools import product
from pathlib import Path
from statistics import quantiles
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.events import KNOWN_ORDER, record
from benchmarks.processes import ROOT, environment
from benchmarks.report import row, table, together
from ops.local.stack import LocalStack
from ops.ports import LOOPBACK, accepts_connections, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.progress import Progress

CLIENTS = (1, 8, 32)
ROUNDS = 2
SECONDS = 2
# A class of the locustfile for each kind of request.
USERS = {"POST /orders": "Submitting", "GET /orders/{orderId}": "Reading"}
LOCUST = ROOT / ".venv-bench" / "bin" / "locust"
LOCUSTFILE = ROOT / "benchmarks" / "locustfile.py"


class Answers(NamedTuple):
    """The durations of requests, and the number of answers in a second."""

    times_ms: list[float]
    per_second: float

    def percentile(self, percent: int) -> float:
        return quantiles(self.times_ms, n=100)[percent - 1]


def measure(progress: Progress) -> str:
    """Measure all requests, and make their table by the number of clients."""
    figures: dict[str, list[list[str]]] = {request: [] for request in USERS}
    with _stack() as ours_url, _bare_api() as bare_url:
        for request, clients in product(USERS, CLIENTS):
            progress.step(f"API, {request}, {clients} clients")
            bare, ours = _in_turn((bare_url, ours_url), USERS[request], clients)
            figures[request].append(_figures(bare, ours))
    rows = ([request, *row(zip(*found, strict=True))] for request, found in figures.items())
    heads = [f"clients: {together(map(str, CLIENTS))}"]
    for percentile in ("p50", "p99"):
        heads += [f"bare {percentile} ms", f"ours {percentile} ms", "share that is ours"]
    return table([*heads, "bare/s", "ours/s"], rows)


@contextmanager
def _stack() -> Iterator[str]:
    """Run the local stack with one order recorded and the worker at rest; the API's URL."""
    with (
        tempfile.TemporaryDirectory() as directory,
        LocalStack(log_file=Path(directory) / "log") as stack,
    ):
        _submit_known_order(stack.api_url)
        stack.stop_worker()
        yield stack.api_url


@contextmanager
def _bare_api() -> Iterator[str]:
    """Run the bare app as a process for as long as the `with` block lasts; its URL."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.bare_api", str(port)], cwd=ROOT)
    try:
        while not accepts_connections(LOOPBACK, port):
            time.sleep(0.05)
        yield f"http://{LOOPBACK}:{port}"
    finally:
        process.terminate()
        process.wait()


def _submit_known_order(api_url: str) -> None:
    body = record(KNOWN_ORDER, KNOWN_ORDER)["body"].encode()
    headers = {"Content-Type": "application/json"}
    post = urllib.request.Request(f"{api_url}/orders", body, headers)  # noqa: S310 (it is our own)
    with urllib.request.urlopen(post, timeout=30):  # noqa: S310
        pass
    while not _is_recorded(f"{api_url}/orders/{KNOWN_ORDER}"):
        time.sleep(0.1)


def _is_recorded(order_url: str) -> bool:
    try:
        with urllib.request.urlopen(order_url, timeout=30):  # noqa: S310
            return True
    except urllib.error.HTTPError as error:
        with error:
            if error.code != HTTPStatus.NOT_FOUND:
                raise
        return False


def _in_turn(urls: tuple[str, ...], user: str, clients: int) -> list[Answers]:
    """Measure each in turn, so that a slow moment of the machine slows all of them."""
    runs = [[_requests(url, user, clients) for url in urls] for _ in range(ROUNDS)]
    return [_answers(of_one) for of_one in zip(*runs, strict=True)]


def _requests(url: str, user: str, clients: int) -> list[tuple[float, float]]:
    """Run locust once, and list for each request its start in s and its duration in ms."""
    with tempfile.NamedTemporaryFile("r", encoding="ascii") as times:
        count = ["--users", str(clients), "--spawn-rate", str(clients)]
        duration = ["--run-time", f"{SECONDS}s", "--stop-timeout", "30"]
        output = ["--times-file", times.name, "--only-summary", "--loglevel", "WARNING"]
        command = [str(LOCUST), "--headless", "--locustfile", str(LOCUSTFILE), "--host", url]
        run = subprocess.run(
            [*command, *count, *duration, *output, user],
            cwd=ROOT,
            env=environment(url),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        # Locust's exit code is 1 if a single request failed.
        if run.returncode:
            raise RuntimeError(f"{user} of {clients} clients failed:\n{run.stdout}")
        requests: list[tuple[float, float]] = json.load(times)
        return requests


def _answers(runs: tuple[list[tuple[float, float]], ...]) -> Answers:
    times = [took_ms for run in runs for _, took_ms in run]
    return Answers(times, len(times) / sum(_seconds(run) for run in runs))


def _seconds(run: list[tuple[float, float]]) -> float:
    return max(start + took_ms / 1000 for start, took_ms in run) - min(start for start, _ in run)


def _figures(bare: Answers, ours: Answers) -> list[str]:
    found = []
    for percent in (50, 99):
        bare_ms, ours_ms = bare.percentile(percent), ours.percentile(percent)
        found += [f"{bare_ms:.1f}", f"{ours_ms:.1f}", f"{1 - bare_ms / ours_ms:.0%}"]
    return [*found, f"{bare.per_second:.0f}", f"{ours.per_second:.0f}"]
