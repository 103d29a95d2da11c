"""The cost of reads as the table grows to a million records, and one order to ten thousand."""

from __future__ import annotations

import http.client
import json
import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from functools import partial
from itertools import repeat
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from benchmarks.emulators import BUCKET, TABLE, client_of
from benchmarks.report import row, table, together
from chalicelib.aws.dynamodb import RecordStore
from chalicelib.aws.items import to_item
from chalicelib.aws.s3 import OrderArchive
from chalicelib.orders.record import Record
from chalicelib.orders.settle import settle
from chalicelib.orders.times import now
from chalicelib.services.queries import MAX_LIMIT, AuditFilter, AuditQuery, Queries
from tests.builders import START, order_text, submission

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from mypy_boto3_dynamodb import DynamoDBClient

    from benchmarks.progress import Progress

TABLE_SIZES = (1_000, 10_000, 100_000, 1_000_000)
# The list covers the last of so many days, which has its share of the records.
DAYS = 3
SUBMISSIONS_OF_ONE_ORDER = 10_000
HOT_ORDER = "hot"
STEPS = 5
AUDIT_SHARDS = 4
REPETITIONS = 5
# A longer action is not repeated: only the emulator's time would differ.
ENOUGH_SECONDS = 5.0
# Roto takes seconds for each read of an index with a million records in it.
PATIENCE_SECONDS = 600.0
LAST_DAY = AuditQuery(START.date(), START.date(), AuditFilter())
LOADERS = 2
CHUNK = 10_000
WRITE_BATCH = 25
BATCH_WRITE_HEADERS = {
    "Content-Type": "application/x-amz-json-1.0",
    "X-Amz-Target": "DynamoDB_20120810.BatchWriteItem",
    # Roto looks for the region and the service in it, and checks no signature.
    "Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/dynamodb/aws4_request, "
    "SignedHeaders=host, Signature=none",
}


class Cost(NamedTuple):
    """The cost of one action: calls, records that they read, this process's CPU, and time."""

    calls: float
    records_read: float
    cpu_ms: float
    median_ms: float


class Meter:
    """Counts the calls of a client, and the records that they read as DynamoDB itself says it."""

    def __init__(self, client: DynamoDBClient) -> None:
        self._calls = self._records = 0
        client.meta.events.register("after-call.dynamodb", self._note)

    def of(self, actions: Iterable[Callable[[], object]]) -> Cost:
        """Measure actions that are alike: counts are the mean of them, times the median."""
        self._calls = self._records = 0
        cpu, wall = [], []
        for action in actions:
            cpu_before, wall_before = time.process_time(), time.perf_counter()
            action()
            cpu.append((time.process_time() - cpu_before) * 1000)
            wall.append((time.perf_counter() - wall_before) * 1000)
        count = len(wall)
        counts = (self._calls / count, self._records / count)
        return Cost(*counts, median(cpu), median(wall))

    def _note(self, parsed: dict[str, Any], **_: Any) -> None:
        self._calls += 1
        self._records += parsed.get("ScannedCount", 0)


def by_table_size(url: str, progress: Progress) -> str:
    """Measure a GET of one order and of the list, by the number of records in the table."""
    client = client_of("dynamodb", url, read_timeout_seconds=PATIENCE_SECONDS)
    store, meter = RecordStore(client, TABLE, AUDIT_SHARDS), Meter(client)
    queries = _queries(store, url)
    actions: dict[str, Callable[[], object]] = {
        "GET /orders/{orderId}": lambda: queries.get_order("scale-7"),
        "of which from the table itself": lambda: store.read_shared_slots("scale-7"),
        "GET /orders": lambda: queries.list_orders(LAST_DAY),
    }
    costs: dict[str, list[Cost]] = {name: [] for name in actions}
    loaded = 0
    for size in TABLE_SIZES:
        progress.step(f"table of {size:,} records: loading")
        _load(url, range(loaded, size))
        loaded = size
        progress.step(f"table of {size:,} records: reading")
        for name, action in actions.items():
            costs[name].append(meter.of(_repeated(action)))
    heads = [f"records in the table: {together(f'{size:,}' for size in TABLE_SIZES)}"]
    heads += ["calls", "records read", "our CPU ms", "ms, on roto"]
    return table(heads, ([name, *_figures(found)] for name, found in costs.items()))


def by_submissions(url: str, progress: Progress) -> str:
    """Measure one more submission of an order, and a page of them, by their number."""
    client = client_of("dynamodb", url)
    store, meter = RecordStore(client, TABLE, AUDIT_SHARDS), Meter(client)
    queries, adding, reading = _queries(store, url), list[Cost](), list[Cost]()
    step = SUBMISSIONS_OF_ONE_ORDER // STEPS
    for done in range(0, SUBMISSIONS_OF_ONE_ORDER, step):
        progress.step(f"one order, submissions {done:,} to {done + step:,}")
        adding.append(
            meter.of(partial(_submit, store, number) for number in range(done, done + step))
        )
        reading.append(meter.of(_repeated(lambda: queries.get_order(HOT_ORDER))))
    progress.step("one order, its whole history")
    _check_history(queries)
    sizes = (f"{(number + 1) * step:,}" for number in range(STEPS))
    heads = [f"submissions of one order: {together(sizes)}"]
    heads += ["calls", "records read", "our CPU ms", "ms, on roto"]
    rows = [["one more", *_figures(adding)], ["a page of its history", *_figures(reading)]]
    return table(heads, rows)


def _figures(costs: Sequence[Cost]) -> list[str]:
    columns = (
        [f"{round(cost.calls, 2):g}" for cost in costs],
        [f"{cost.records_read:.0f}" for cost in costs],
        [f"{cost.cpu_ms:.1f}" for cost in costs],
        [f"{cost.median_ms:,.1f}" for cost in costs],
    )
    return row(columns)


def _check_history(queries: Queries) -> None:
    """
    Follow the cursors to the end.

    Raises:
        RuntimeError: a submission is missing, or there more than once.
    """
    found, page = list[str](), queries.get_order(HOT_ORDER, None, MAX_LIMIT)
    found += [record.submission_id for record in page.records]
    while page.cursor:
        page = queries.get_order(HOT_ORDER, page.cursor, MAX_LIMIT)
        found += [record.submission_id for record in page.records]
    if sorted(found) != sorted(map(_submission_id, range(SUBMISSIONS_OF_ONE_ORDER))):
        raise RuntimeError(f"the history of {HOT_ORDER} is not what was submitted")


def _queries(store: RecordStore, url: str) -> Queries:
    return Queries(store, OrderArchive(client_of("s3", url), BUCKET), now)


def _repeated(action: Callable[[], object]) -> Iterator[Callable[[], object]]:
    started = time.perf_counter()
    for _ in range(REPETITIONS):
        yield action
        if time.perf_counter() - started > ENOUGH_SECONDS:
            return


def _submit(store: RecordStore, number: int) -> None:
    settle(submission(order_text(HOT_ORDER), _submission_id(number)), store.take, now())


def _submission_id(number: int) -> str:
    return f"s-{number}"


def _load(url: str, numbers: range) -> None:
    """Write the records by some processes at once: a million take minutes even so."""
    chunks = [numbers[start : start + CHUNK] for start in range(0, len(numbers), CHUNK)]
    # Not forked: this process has threads.
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(LOADERS, mp_context=spawn) as loaders:
        for _ in loaders.map(_write_chunk, repeat(url), chunks):
            pass


def _write_chunk(url: str, numbers: range) -> None:
    """
    Write records, without a client: botocore would take most of the time.

    Raises:
        RuntimeError: not all of them were written.
    """
    address = urlsplit(url)
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=60)
    for start in range(0, len(numbers), WRITE_BATCH):
        items = [_item(number) for number in numbers[start : start + WRITE_BATCH]]
        puts = {"RequestItems": {TABLE: [{"PutRequest": {"Item": item}} for item in items]}}
        connection.request("POST", "/", json.dumps(puts), BATCH_WRITE_HEADERS)
        response = connection.getresponse()
        answer = response.read()
        if response.status != http.client.OK or json.loads(answer).get("UnprocessedItems"):
            raise RuntimeError(f"BatchWriteItem: {response.status} {answer!r}")
    connection.close()


def _item(number: int) -> dict[str, Any]:
    handed_in = submission(order_text(f"scale-{number}"), _submission_id(number))
    processed_at = START - timedelta(days=number % DAYS)
    return to_item(Record.of_first(handed_in, processed_at), AUDIT_SHARDS)
