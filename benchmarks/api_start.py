"""The API's first and later answers, beside a bare Chalice app over boto3, in turn."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, nullcontext
from itertools import product
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import boto3

from benchmarks.cold_start import make_package
from benchmarks.cpu_share import CpuShare
from benchmarks.goals import at_most
from benchmarks.processes import ROOT, Awake, FakeAws, cores, environment
from benchmarks.report import by_round, table, together
from benchmarks.throughput import MEMORY_MB
from chalicelib.aws.items import to_item
from chalicelib.orders.record import Record
from tests.builders import START, gateway_event, order_text, submission

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.goals import Goal
    from benchmarks.progress import Progress

ROUNDS, THROTTLED_ROUNDS = 15, 3
WARM_ROUNDS, WARM_REQUESTS = 5, 40
BARE, OURS = "bare", "ours"
# Each has the app as its `app`.
MODULES = {BARE: "benchmarks.contenders.bare_chalice", OURS: "app"}
# Each route's event, and the status of its answer. The order that GET finds is in the table.
ROUTES = {
    "POST /orders": (gateway_event("POST", "/orders", body=order_text("order-1")), 202),
    "GET /orders/{orderId}": (
        gateway_event("GET", "/orders/order-1", resource="/orders/{order_id}"),
        200,
    ),
}
MOST_OF_FIRST, MOST_OF_WARM = 0.70, 0.60
# Why a goal may not be met: what both sides have to do.
SHARED_IMPORTS = "Python's own start and the imports of Chalice and botocore are most of both"
SHARED_CALL = "botocore's call is most of both: decision 27"

Start = tuple[str, dict[str, str]]


class First(NamedTuple):
    """The cost of a process up to its first answer, and the whole wait for it."""

    cpu_ms: float
    wall_ms: float


# By route and side.
Key = tuple[str, str]


class Results(NamedTuple):
    """The first answers, at a whole core and at a share of one, and the CPU of later ones."""

    full: dict[Key, list[First]]
    throttled: dict[Key, list[First]]
    warm_cpu_ms: dict[Key, list[float]]


class App:
    """An app as a process, as long as the `with` block lasts."""

    def __init__(self, module: str, variables: Mapping[str, str]) -> None:
        self._started = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "benchmarks.first_request", module],
            env=dict(variables),
            cwd=tempfile.gettempdir(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            bufsize=1,
        )
        os.sched_setaffinity(self.process.pid, cores()[1])
        self._line()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self.process:
            self.process.kill()

    def first(self, route: str, memory_mb: int | None = None) -> First:
        """Answer the first request. As on Lambda, only the import has a whole core."""
        with CpuShare(self.process.pid, memory_mb) if memory_mb else nullcontext():
            cpu_seconds = self.answer(route)
            wall_seconds = time.perf_counter() - self._started
        return First(cpu_seconds * 1000, wall_seconds * 1000)

    def answer(self, route: str, times: int = 1) -> float:
        """Answer requests; return the CPU time of the process so far, in seconds."""
        event, expected = ROUTES[route]
        assert self.process.stdin
        self.process.stdin.write(json.dumps({"event": event, "times": times}) + "\n")
        status, cpu_seconds = self._line().split()
        if int(status) != expected:
            raise RuntimeError(f"{route}: answered with {status}, not {expected}")
        return float(cpu_seconds)

    def _line(self) -> str:
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the app ended with exit code {self.process.wait()}")
        return line


def measure(progress: Progress) -> Results:
    """Measure both sides in turn: fresh processes, then later requests of the same ones."""
    progress.step(f"the API's start, {ROUNDS} of each")
    with FakeAws() as aws, tempfile.TemporaryDirectory() as directory:
        record_order(aws.url)
        starts = _starts(aws.url, Path(directory))
        return Results(
            _firsts(starts, ROUNDS),
            _firsts(starts, THROTTLED_ROUNDS, MEMORY_MB),
            _warm(starts),
        )


def record_order(url: str) -> None:
    """Put the order that is asked for into the table."""
    client = boto3.client(
        "dynamodb",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106 (the fake AWS checks none)
    )
    record = Record.of_first(submission(order_text("order-1")), START)
    client.put_item(TableName="orders", Item=to_item(record, audit_shards=4))


def _starts(url: str, directory: Path) -> dict[str, Start]:
    """Start ours from its package, and the bare app with bytecode, which Lambda has not."""
    given = environment(url, _HANDLER="app.app")
    package = make_package(directory / "packaged", vendored=True)
    packaged = {"PYTHONPATH": f"{package}:{ROOT}", "PYTHONDONTWRITEBYTECODE": "1"}
    return {
        BARE: (MODULES[BARE], given),
        OURS: (MODULES[OURS], {**given, **packaged}),
    }


def _firsts(
    starts: Mapping[str, Start], rounds: int, memory_mb: int | None = None
) -> dict[Key, list[First]]:
    found: dict[Key, list[First]] = {key: [] for key in product(ROUTES, starts)}
    # The first round writes the bare app's bytecode.
    for number, (route, side) in product(range(-1, rounds), found):
        with App(*starts[side]) as app:
            first = app.first(route, memory_mb)
        if number >= 0:
            found[route, side].append(first)
    return found


def _warm(starts: Mapping[str, Start]) -> dict[Key, list[float]]:
    found: dict[Key, list[float]] = {key: [] for key in product(ROUTES, starts)}
    with Awake(), ExitStack() as running:
        apps = {side: running.enter_context(App(*start)) for side, start in starts.items()}
        for route, side in found:
            apps[side].answer(route, WARM_REQUESTS)
        for _, (route, side) in product(range(WARM_ROUNDS), found):
            # The other route's requests have been in between.
            before = apps[side].answer(route)
            after = apps[side].answer(route, WARM_REQUESTS)
            found[route, side].append((after - before) * 1000 / WARM_REQUESTS)
    return found


def report(results: Results) -> str:
    """Make the table: medians of both sides, and the share as the median of the rounds."""
    heads = ["bare Chalice · ours", "CPU ms", "of bare", "wall ms", f"wall ms at {MEMORY_MB} MB"]
    firsts = [
        [
            f"first {route}",
            together(f"{median(_cpu_ms(each)):.0f}" for each in _sides(results.full, route)),
            f"{_share_of_first(results, route):.2f}",
            together(f"{_wall_ms(each):.0f}" for each in _sides(results.full, route)),
            together(f"{_wall_ms(each):.0f}" for each in _sides(results.throttled, route)),
        ]
        for route in ROUTES
    ]
    warm = [
        [
            f"warm {route}",
            together(f"{median(each):.2f}" for each in _sides(results.warm_cpu_ms, route)),
            f"{_share_of_warm(results, route):.2f}",
            "",
            "",
        ]
        for route in ROUTES
    ]
    return table(heads, [*firsts, *warm])


def goals(results: Results) -> list[Goal]:
    """Hold the first and the later answers of each route to their goals."""
    return [
        at_most(
            f"{when} {route} CPU, of bare Chalice with boto3", share(results, route), most, reason
        )
        for when, share, most, reason in (
            ("first", _share_of_first, MOST_OF_FIRST, SHARED_IMPORTS),
            ("warm", _share_of_warm, MOST_OF_WARM, SHARED_CALL),
        )
        for route in ROUTES
    ]


def _sides(found: Mapping[Key, Any], route: str) -> list[Any]:
    return [found[route, BARE], found[route, OURS]]


def _share_of_first(results: Results, route: str) -> float:
    bare, ours = map(_cpu_ms, _sides(results.full, route))
    return median(by_round(ours, bare))


def _share_of_warm(results: Results, route: str) -> float:
    bare, ours = _sides(results.warm_cpu_ms, route)
    return median(by_round(ours, bare))


def _cpu_ms(firsts: list[First]) -> list[float]:
    return [each.cpu_ms for each in firsts]


def _wall_ms(firsts: list[First]) -> float:
    return median(each.wall_ms for each in firsts)
