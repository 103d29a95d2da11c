"""The cost of reads as the table grows to a million records, and one order to ten thousand."""

from __future__ import annotations

import http.client
import json
import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from functools import partial
from itertools import pairwise, repeat
from statistics import mean, median
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from benchmarks.emulators import BUCKET, TABLE, client_of, dynamodb_local
from benchmarks.report import by_round, row, table, together
from chalicelib.aws.dynamodb import RecordStore
from chalicelib.aws.items import to_item
from chalicelib.aws.s3 import OrderArchive
from chalicelib.orders.record import Record
from chalicelib.orders.settle import settle
from chalicelib.orders.times import now
from chalicelib.services.queries import MAX_LIMIT, AuditFilter, AuditQuery, Queries
from tests.builders import START, order_text, submission

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mypy_boto3_dynamodb import DynamoDBClient

    from benchmarks.progress import Progress

TABLE_SIZES = (1_000, 10_000, 100_000, 1_000_000)
# The list covers the last of so many days, which has its share of the records.
DAYS = 3
SUBMISSIONS_OF_ONE_ORDER = 10_000
HOT_ORDER = "hot"
STEPS = 5
AUDIT_SHARDS = 4
REPETITIONS = 150
# Java compiles what it runs often: the first reads take several times as long.
WARM_UP = 300
LAST_DAY = AuditQuery(START.date(), START.date(), AuditFilter())
LOADERS = 2
CHUNK = 10_000
WRITE_BATCH = 25
BATCH_WRITE_HEADERS = {
    "Content-Type": "application/x-amz-json-1.0",
    "X-Amz-Target": "DynamoDB_20120810.BatchWriteItem",
    # DynamoDB Local looks for a key and a region in it, and checks no signature.
    "Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/dynamodb/aws4_request, "
    "SignedHeaders=host, Signature=none",
}


class Cost(NamedTuple):
    """The cost of one action: calls, records that they read, this process's CPU, and time."""

    calls: float
    records_read: float
    cpu_ms: float
    ms: float


class Meter:
    """Counts the calls of a client, and the records that they read as DynamoDB itself says it."""

    def __init__(self, client: DynamoDBClient) -> None:
        self._calls = self._records = 0
        client.meta.events.register("after-call.dynamodb", self._note)

    def cost(self, action: Callable[[], object]) -> Cost:
        """Measure an action."""
        self._calls = self._records = 0
        cpu_before, wall_before = time.process_time(), time.perf_counter()
        action()
        cpu, wall = time.process_time() - cpu_before, time.perf_counter() - wall_before
        return Cost(self._calls, self._records, cpu * 1000, wall * 1000)

    def _note(self, parsed: dict[str, Any], **_: Any) -> None:
        self._calls += 1
        self._records += parsed.get("ScannedCount", 0)


class Reads:
    """The reads that are measured, in one engine."""

    def __init__(self, url: str) -> None:
        client = client_of("dynamodb", url)
        store = RecordStore(client, TABLE, AUDIT_SHARDS)
        queries = _queries(store, url)
        self._meter = Meter(client)
        self.actions: dict[str, Callable[[], object]] = {
            "GET /orders/{orderId}": partial(queries.get_order, "scale-7"),
            "of which from the table itself": partial(store.read_shared_slots, "scale-7"),
            "GET /orders": partial(queries.list_orders, LAST_DAY),
        }

    def warm_up(self) -> None:
        for action in self.actions.values():
            for _ in range(WARM_UP):
                action()

    def cost(self, name: str) -> Cost:
        return self._meter.cost(self.actions[name])


def typical(costs: Sequence[Cost]) -> Cost:
    """Sum up actions that are alike: counts are the mean of them, times the median."""
    calls, records_read, cpu, wall = zip(*costs, strict=True)
    return Cost(mean(calls), mean(records_read), median(cpu), median(wall))


def by_table_size(url: str, progress: Progress) -> str:
    """
    Measure a GET of one order and of the list, by the number of records in the table.

    Another engine keeps a table of the first size. Reads of the two take turns, so that other work
    of the machine slows both.
    """
    first, growing = range(TABLE_SIZES[0]), Reads(url)
    found: dict[str, list[Cost]] = {name: [] for name in growing.actions}
    ratios: dict[str, list[float]] = {name: [] for name in growing.actions}
    with dynamodb_local() as small_url:
        small = Reads(small_url)
        for engine_url, reads in ((url, growing), (small_url, small)):
            _load(engine_url, first)
            reads.warm_up()
        for loaded, size in pairwise((len(first), *TABLE_SIZES)):
            progress.step(f"table of {size:,} records: loading")
            _load(url, range(loaded, size))
            progress.step(f"table of {size:,} records: reading")
            for name in growing.actions:
                cost, ratio = _compare(name, growing, small)
                found[name].append(cost)
                ratios[name].append(ratio)
    heads = [f"records in the table: {together(f'{size:,}' for size in TABLE_SIZES)}"]
    heads += ["calls", "records read", "our CPU ms", "ms", f"times a table of {TABLE_SIZES[0]:,}"]
    rows = [
        [name, *_figures(found[name]), together(f"{ratio:.2f}" for ratio in ratios[name])]
        for name in growing.actions
    ]
    return table(heads, rows)


def _compare(name: str, growing: Reads, small: Reads) -> tuple[Cost, float]:
    """Measure a read, and its time as a multiple of the same read of the small table."""
    pairs = [(growing.cost(name), small.cost(name)) for _ in range(REPETITIONS)]
    of_growing, of_small = zip(*pairs, strict=True)
    times = ([cost.ms for cost in costs] for costs in (of_growing, of_small))
    return typical(of_growing), median(by_round(*times))


def by_submissions(url: str, progress: Progress) -> str:
    """Measure one more submission of an order, and a page of them, by their number."""
    client = client_of("dynamodb", url)
    store, meter = RecordStore(client, TABLE, AUDIT_SHARDS), Meter(client)
    queries, adding, reading = _queries(store, url), list[Cost](), list[Cost]()
    step = SUBMISSIONS_OF_ONE_ORDER // STEPS
    for done in range(0, SUBMISSIONS_OF_ONE_ORDER, step):
        progress.step(f"one order, submissions {done:,} to {done + step:,}")
        more = [meter.cost(partial(_submit, store, number)) for number in range(done, done + step)]
        adding.append(typical(more))
        pages = [meter.cost(partial(queries.get_order, HOT_ORDER)) for _ in range(REPETITIONS)]
        reading.append(typical(pages))
    progress.step("one order, its whole history")
    _check_history(queries)
    sizes = (f"{(number + 1) * step:,}" for number in range(STEPS))
    heads = [f"submissions of one order: {together(sizes)}"]
    heads += ["calls", "records read", "our CPU ms", "ms"]
    rows = [["one more", *_figures(adding)], ["a page of its history", *_figures(reading)]]
    return table(heads, rows)


def _figures(costs: Sequence[Cost]) -> list[str]:
    columns = (
        [f"{round(cost.calls, 2):g}" for cost in costs],
        [f"{cost.records_read:.0f}" for cost in costs],
        [f"{cost.cpu_ms:.1f}" for cost in costs],
        [f"{cost.ms:,.1f}" for cost in costs],
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
    # Presigning makes no call: S3 is not there.
    return Queries(store, OrderArchive(client_of("s3", url), BUCKET), now)


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
