"""
`make bench-scale`: the API's latency, and how all grows with the work.

The emulators stand in for AWS here, so what is looked at is the shape of each curve: what is flat
and what is linear in our calls is so on AWS. Their own times are theirs.
"""

from __future__ import annotations

import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from statistics import median
from typing import TYPE_CHECKING, Any

import boto3
from cfnlint.decode import cfn_yaml

from benchmarks import api_latency, machine
from benchmarks.contender import Run
from benchmarks.events import Mix
from benchmarks.processes import ROOT, Contender, FakeAws, environment
from benchmarks.progress import Progress
from benchmarks.report import table, write
from chalicelib.order_archive import OrderArchive
from chalicelib.queries import AuditQuery, Queries
from chalicelib.record_items import to_item
from chalicelib.record_store import AuditFilter, RecordStore
from chalicelib.submissions import Record, settle
from chalicelib.wiring import now
from ops.local.ports import LOOPBACK, accepts_connections, free_port
from ops.local.stack import LocalResources
from tests.builders import order_text, submission

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mypy_boto3_dynamodb import DynamoDBClient

BATCH_SIZES = (1, 2, 5, 10, 25, 50, 100)
WORKERS = (1, 2, 4, 8)
TABLE_SIZES = (1_000, 10_000, 50_000)
SUBMISSIONS_OF_ONE_ORDER = 10_000
WRITERS = 16
REPETITIONS = 5
WRITE_BATCH = 25
TABLE_PROPERTIES = (
    "KeySchema",
    "AttributeDefinitions",
    "GlobalSecondaryIndexes",
    "LocalSecondaryIndexes",
    "BillingMode",
)
ROTO = ROOT / ".venv-bench" / "bin" / "roto-server"


def main() -> None:
    """Measure all, and write the page."""
    progress = Progress()
    note = f"Measured {machine.description()}."
    write("api", f"{note}\n\n{api_latency.measure(progress)}")
    write("batch-size", f"{note}\n\n{by_batch_size(progress)}")
    write("workers", f"{note}\n\n{by_workers(progress)}")
    with ministack() as url:
        grown = by_table_size(client_of("dynamodb", url), progress)
        write("table-size", f"{note}\n\n{grown}")
    with ministack() as url:
        hot = of_one_order(client_of("dynamodb", url), progress)
        write("hot-order", f"{note}\n\n{hot}")
    progress.step("done: docs/performance.md")


def by_batch_size(progress: Progress) -> str:
    """Orders a second and AWS calls, over the fake AWS."""
    rows = []
    with FakeAws() as aws:
        ours = Contender("ours", environment(aws.url))
        ours.perform(Run("warm-up", Mix.VALID, 100))
        aws.reset()
        for size in BATCH_SIZES:
            progress.step(f"batch of {size}")
            outcome = ours.perform(Run(f"size-{size}", Mix.VALID, size, seconds=1.0))
            calls = sum(aws.reset()["calls"].values()) / outcome.orders
            rows.append([str(size), f"{outcome.orders_per_second:.0f}", f"{calls:.2f}"])
        ours.stop()
    return table(["batch", "orders/s", "AWS calls/order"], rows)


def by_workers(progress: Progress) -> str:
    """Orders a second by the number of processes, on each emulator: the emulator is the limit."""
    rows = []
    for name, start in (("ministack", ministack), ("roto", roto)):
        with start() as url:
            rates = []
            for workers in WORKERS:
                progress.step(f"{name}, {workers} workers")
                rates.append(f"{_rate(url, f'{name}-{workers}', workers):.0f}")
            rows.append([name, *rates])
    return table(["orders/s with so many workers", *map(str, WORKERS)], rows)


def by_table_size(client: DynamoDBClient, progress: Progress) -> str:
    """What a GET of one order and of the list read, and how long that takes."""
    queries, reads = _queries(client), Reads(client)
    written, rows = 0, []
    for size in TABLE_SIZES:
        progress.step(f"table of {size:,} records")
        _write_records(client, range(written, size))
        written = size
        order = reads.of(lambda: queries.get_order("scale-7"))
        audit = reads.of(lambda: queries.list_orders(_today()))
        rows.append([f"{size:,}", *order, *audit])
    heads = [
        "records",
        "GET order: calls",
        "records read",
        "ms",
        "list: calls",
        "records read",
        "ms",
    ]
    return table(heads, rows)


def of_one_order(client: DynamoDBClient, progress: Progress) -> str:
    """What further submissions of one order take as it has more and more, and a page of them."""
    store = RecordStore(client, "orders", audit_shards=4)
    queries, reads, rows = _queries(client), Reads(client), []
    step = SUBMISSIONS_OF_ONE_ORDER // 5
    for done in range(0, SUBMISSIONS_OF_ONE_ORDER, step):
        progress.step(f"one order, submissions {done:,} to {done + step:,}")
        started = time.perf_counter()
        for number in range(done, done + step):
            settle(submission(order_text("hot"), f"s-{number}"), store.take, now())
        each_ms = (time.perf_counter() - started) / step * 1000
        page = reads.of(lambda: queries.get_order("hot"))
        rows.append([f"{done + step:,}", f"{each_ms:.2f}", *page])
    heads = ["submissions", "ms for one more", "history page: calls", "records read", "ms"]
    return table(heads, rows)


class Reads:
    """Counts what is read of a table, as DynamoDB itself says it."""

    def __init__(self, client: DynamoDBClient) -> None:
        self._read: list[int] = []
        client.meta.events.register("after-call.dynamodb.Query", self._note)

    def of(self, action: Callable[[], object]) -> list[str]:
        """The calls of an action, the records that they read, and its median time in ms."""
        times = []
        self._read.clear()
        for _ in range(REPETITIONS):
            started = time.perf_counter()
            action()
            times.append((time.perf_counter() - started) * 1000)
        calls, records = len(self._read) / REPETITIONS, sum(self._read) / REPETITIONS
        return [f"{calls:.0f}", f"{records:.0f}", f"{median(times):.1f}"]

    def _note(self, parsed: dict[str, Any], **_: Any) -> None:
        self._read.append(parsed["ScannedCount"])


def _queries(client: DynamoDBClient) -> Queries:
    archive = OrderArchive(client_of("s3", client.meta.endpoint_url), "orders")
    return Queries(RecordStore(client, "orders", audit_shards=4), archive, now)


@contextmanager
def ministack() -> Iterator[str]:
    """Ministack with the resources of the template, under the names that contenders use."""
    with LocalResources() as resources:
        _create(resources.aws_url)
        yield resources.aws_url


@contextmanager
def roto() -> Iterator[str]:
    """Roto, in memory, with the same."""
    port = free_port()
    process = subprocess.Popen(
        [str(ROTO), "--ephemeral", "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while not accepts_connections(LOOPBACK, port):
            time.sleep(0.05)
        url = f"http://{LOOPBACK}:{port}"
        _create(url)
        yield url
    finally:
        process.terminate()
        process.wait()


def client_of(service: str, url: str) -> Any:
    """A client of an emulator, and of nothing else."""
    return boto3.client(
        service,  # type: ignore[call-overload]
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106 (no account has it)
    )


def _create(url: str) -> None:
    template = cfn_yaml.load(str(ROOT / "infrastructure" / "resources.yaml"))
    properties = template["Resources"]["OrdersTable"]["Properties"]
    wanted = {name: properties[name] for name in TABLE_PROPERTIES}
    client_of("dynamodb", url).create_table(TableName="orders", **wanted)
    client_of("s3", url).create_bucket(Bucket="orders")


def _rate(url: str, run: str, workers: int) -> float:
    contenders = [Contender("ours", environment(url), pinned=False) for _ in range(workers)]

    def perform(number: int) -> int:
        return contenders[number].perform(Run(f"{run}-{number}", Mix.VALID, 10, seconds=2)).orders

    try:
        with ThreadPoolExecutor(workers) as executor:
            list(
                executor.map(
                    lambda n: contenders[n].perform(Run(f"w-{run}-{n}", Mix.VALID, 10)),
                    range(workers),
                )
            )
            started = time.perf_counter()
            orders = sum(executor.map(perform, range(workers)))
            return orders / (time.perf_counter() - started)
    finally:
        for contender in contenders:
            contender.stop()


def _write_records(client: DynamoDBClient, numbers: range) -> None:
    def write_batch(start: int) -> None:
        batch = range(start, min(start + WRITE_BATCH, numbers.stop))
        puts = [{"PutRequest": {"Item": to_item(_record(number), 4)}} for number in batch]
        client.batch_write_item(RequestItems={"orders": puts})  # type: ignore[dict-item]

    with ThreadPoolExecutor(WRITERS) as executor:
        list(executor.map(write_batch, range(numbers.start, numbers.stop, WRITE_BATCH)))


def _today() -> AuditQuery:
    return AuditQuery(now().date(), now().date(), AuditFilter())


def _record(number: int) -> Record:
    return Record.of_first(submission(order_text(f"scale-{number}"), f"s-{number}"), now())


if __name__ == "__main__":
    main()
