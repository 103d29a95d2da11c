"""The console's parts without a browser: HTML, JSON as it was, guard, samples, depths, jobs."""

import threading
from collections.abc import Generator
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import sentinel

import pytest

from chalicelib.orders.record import Record, Status
from chalicelib.services.queries import MAX_LIMIT, AuditFilter, AuditList, AuditPage, AuditQuery
from chalicelib.services.unavailable import StoreUnavailable
from ops.console.bounded import read_newest
from ops.console.console import Console
from ops.console.depths import Depth, Depths
from ops.console.frame import places
from ops.console.guard import OwnPagesOnly
from ops.console.jobs import Job, JobRunning, Jobs
from ops.console.json_text import pretty
from ops.console.markup import join, tag
from ops.console.sampling import PER_READ, SLICES, sample
from ops.desk.letters import Handled
from tests.builders import Clock, submission

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", '" onclick="x', "a & b"])
def test_text_and_attributes_never_become_markup(text: str) -> None:
    made = tag("p", text, title=text)

    assert "<script>" not in made
    assert '" onclick' not in made
    assert made.count("<p") == 1


def test_elements_nest_and_leave_out_none() -> None:
    made = tag("ul", [tag("li", "a", class_="b"), None], hidden=True, aria_label=None)

    assert made == '<ul hidden><li class="b">a</li></ul>'
    assert join("<", tag("br")) == "&lt;<br>"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{"a":1.10,"b":"ñ"}', '{\n  "a": 1.10,\n  "b": "ñ"\n}'),
        ('{"n":12345678901234567890.12}', '{\n  "n": 12345678901234567890.12\n}'),
        ("{not json", "{not json"),
        ("[1, 2]", "[1, 2]"),
    ],
)
def test_json_is_shown_one_field_per_line_with_its_numbers_unchanged(text: str, shown: str) -> None:
    assert pretty(text) == shown


@pytest.mark.parametrize("deep", [100_000 * "[", '{"note": ' + 100_000 * "[" + 100_000 * "]" + "}"])
def test_json_that_is_too_deep_to_be_read_is_shown_as_it_is(deep: str) -> None:
    assert pretty(deep) == deep


@pytest.mark.parametrize(
    ("headers", "let_in"),
    [
        ({"host": "127.0.0.1:8001"}, True),
        ({"host": "localhost:8001", "origin": "http://localhost:8001"}, True),
        ({"host": "console.example:8001"}, False),
        ({"host": "127.0.0.1:8001", "origin": "http://127.0.0.1:9999"}, False),
        ({"host": "127.0.0.1:8001", "origin": "null"}, False),
        ({"host": "127.0.0.1:8001", "sec-fetch-site": "cross-site"}, False),
        ({"host": "127.0.0.1:8001", "origin": "http://[::1"}, False),
        ({"host": "[::1"}, False),
        ({"host": "user@127.0.0.1:8001"}, False),
        ({"host": "127.0.0.1:8001", "sec-fetch-site": "same-site"}, False),
        ({"host": "127.0.0.1:8001", "sec-fetch-dest": "iframe"}, False),
        ({"host": "127.0.0.1.console.example"}, False),
        ({"host": "[::1]:8001", "origin": "http://[::1]:8001"}, True),
        ({}, False),
    ],
)
@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_the_guard_admits_only_the_consoles_own_pages(
    headers: dict[str, str], kind: str, let_in: bool
) -> None:
    reached, sent = run_guard(kind, headers)

    assert reached == let_in
    assert bool(sent) != let_in


FROM_ELSEWHERE = {
    "host": "127.0.0.1:8001",
    "sec-fetch-site": "cross-site",
    "sec-fetch-mode": "navigate",
}
ONE_OF_ITS_OWN = {"host": "127.0.0.1:8001", "sec-fetch-site": "same-origin"}


def test_a_link_from_elsewhere_opens_a_page_and_begins_no_export() -> None:
    opened = FROM_ELSEWHERE | {"sec-fetch-dest": "document"}

    assert run_guard("http", opened, method="GET", path="/orders")[0]
    assert run_guard("http", FROM_ELSEWHERE, method="GET", path="/orders")[0]
    assert not run_guard("http", opened, method="POST", path="/orders")[0]
    assert not run_guard("http", opened, method="GET", path="/export")[0]


@pytest.mark.parametrize("site", ["cross-site", "same-site", "same-origin", "none"])
@pytest.mark.parametrize("place", ["iframe", "frame", "fencedframe", "embed", "object"])
@pytest.mark.parametrize("path", ["/", "/dead-letters", "/assets/console.css", "/export"])
def test_nothing_is_sent_into_a_frame(path: str, place: str, site: str) -> None:
    headers = FROM_ELSEWHERE | {"sec-fetch-dest": place, "sec-fetch-site": site}

    reached, sent = run_guard("http", headers, method="GET", path=path)

    assert not reached
    assert sent[0]["status"] == 403


@pytest.mark.parametrize("place", ["script", "style", "font", "image", "empty"])
def test_the_console_gets_its_own_files(place: str) -> None:
    assert run_guard("http", ONE_OF_ITS_OWN | {"sec-fetch-dest": place}, method="GET")[0]


def run_guard(
    kind: str, headers: dict[str, str], method: str = "POST", path: str = "/"
) -> tuple[bool, list[Any]]:
    reached: list[Any] = []
    sent: list[Any] = []

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        reached.append(scope)

    async def receive() -> Any:
        return {}

    async def send(message: Any) -> None:
        sent.append(message)

    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": kind, "method": method, "path": path, "headers": raw}
    coroutine = OwnPagesOnly(app)(scope, receive, send)
    with pytest.raises(StopIteration):
        coroutine.send(None)
    return bool(reached), sent


class Evenly:
    """Records at even distances, in one shard, without ever holding them all."""

    audit_shards = 1

    def __init__(self, every: timedelta, first: datetime) -> None:
        self._every = every
        self._first = first
        self.read = 0

    def read_audit(
        self, day: date, shard: int, before: str, limit: int, only: AuditFilter
    ) -> AuditPage:
        assert (shard, only) == (0, AuditFilter())
        midnight = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
        end = midnight if before == "~" else datetime.fromisoformat(before)
        count = -(-(end - self._first) // self._every)
        start_of_day = midnight - timedelta(days=1)
        found: list[Record] = []
        while count > 0 and len(found) < limit:
            count -= 1
            at = self._first + self._every * count
            if at < start_of_day:
                break
            found.append(record_at(at))
        self.read += len(found)
        more = found[-1].audit_position if len(found) == limit else None
        return AuditPage(tuple(found), more, len(found))


def record_at(moment: datetime) -> Record:
    return Record.of_first(
        submission(received_at=moment - timedelta(milliseconds=100)), processed_at=moment
    )


@pytest.mark.parametrize("end", [NOON, datetime(2026, 3, 1, 0, 10, tzinfo=UTC)])
def test_a_bounded_sample_estimates_the_whole_number(end: datetime) -> None:
    period = timedelta(hours=24)
    records = Evenly(timedelta(milliseconds=86.4), end - timedelta(hours=48))

    statistics, size = sample(records, end, period)

    assert size is not None
    assert records.read <= 2 * SLICES * PER_READ
    assert statistics.total.count == pytest.approx(1_000_000, rel=0.05)
    assert statistics.total.by_status[Status.ACCEPTED] == statistics.total.count
    counts = [part.count for part in statistics.slices]
    assert min(counts) > 0.9 * max(counts)


@pytest.mark.parametrize("end", [NOON, datetime(2026, 3, 1, 0, 10, tzinfo=UTC)])
def test_small_numbers_are_counted_exactly(end: datetime) -> None:
    records = Evenly(timedelta(minutes=10), end - timedelta(hours=48))

    statistics, _ = sample(records, end, timedelta(hours=24))

    assert statistics.total.count == 24 * 6


def depths(found: list[Depth] | StoreUnavailable, clock: Clock) -> Depths:
    def history(_start: datetime, _end: datetime) -> list[Depth]:
        if isinstance(found, StoreUnavailable):
            raise found
        return found

    looks = {"queue": 3, "inFlight": 1, "deadLetters": 2, "deadLettersHidden": 5}
    return Depths(lambda: looks, history, clock)


def test_depths_begin_with_cloudwatchs_values() -> None:
    clock = Clock(NOON)
    before = [Depth(NOON - timedelta(minutes=minutes), minutes, 0, 0) for minutes in (2, 1, 3)]
    known = depths(before, clock)

    known.look()
    known.watch(stopped())

    assert [depth.queue for depth in known.since(NOON - timedelta(hours=1))] == [3, 2, 1, 3]
    assert known.since(NOON)[0].dead_letters == 7


def test_depths_without_metrics_begin_with_the_console() -> None:
    known = depths(StoreUnavailable("denied"), Clock(NOON))

    known.watch(stopped())

    assert known.since(NOON - timedelta(days=1)) == []


def stopped() -> threading.Event:
    event = threading.Event()
    event.set()
    return event


def handled(count: int, *, closed: list[bool], error: str | None = None) -> Generator[Handled]:
    try:
        for _ in range(count):
            yield Handled(sentinel.letter, error)
    finally:
        closed.append(True)


def test_a_job_counts_successes_and_failures() -> None:
    job = Job("redrive", 3, lambda: handled(3, closed=[], error="no"))

    job.run()

    assert (job.done, job.failed, job.error, job.ended) == (0, 3, "no", True)


def test_a_cancelled_job_stops_after_the_current_letter() -> None:
    closed: list[bool] = []
    job = Job("redrive", 3, lambda: handled(3, closed=closed))
    job.cancel()

    job.run()

    assert (job.done, job.ended, closed) == (1, True, [True])


def test_two_jobs_do_not_run_at_once() -> None:
    jobs: Jobs[Job] = Jobs()
    wait = threading.Event()

    def waiting() -> Generator[Handled]:
        wait.wait(10)
        yield Handled(sentinel.letter)

    jobs.start(Job("redrive", 1, waiting))
    with pytest.raises(JobRunning):
        jobs.start(Job("discard", 1, waiting))
    wait.set()


def test_a_job_reports_the_stages_failure() -> None:
    def unreachable() -> Generator[Handled]:
        raise StoreUnavailable("SQS ReceiveMessage")
        yield

    job = Job("redrive", 1, unreachable)

    job.run()

    assert (job.error, job.ended) == ("SQS ReceiveMessage", True)


class Pages:
    """A list of orders with so many records on each page."""

    def __init__(self, *sizes: int) -> None:
        self._sizes = sizes
        self.asked = 0

    def page(self, query: AuditQuery, cursor: str | None) -> AuditList:
        assert query.limit == MAX_LIMIT
        self.asked += 1
        number = int(cursor or 0)
        more = str(number + 1) if number + 1 < len(self._sizes) else None
        return AuditList([record_at(NOON)] * self._sizes[number], more)


@pytest.mark.parametrize(
    ("sizes", "found", "complete", "asked"),
    [
        ((0,), 0, True, 1),
        ((MAX_LIMIT, 7), MAX_LIMIT + 7, True, 2),
        ((MAX_LIMIT, 3, MAX_LIMIT), MAX_LIMIT + 3, False, 2),
        ((MAX_LIMIT,) * 9, 2 * MAX_LIMIT, False, 2),
    ],
)
def test_a_page_reads_on_while_it_finds_enough_up_to_a_limit(
    sizes: tuple[int, ...], found: int, complete: bool, asked: int
) -> None:
    pages = Pages(*sizes)
    query = AuditQuery(NOON.date(), NOON.date(), AuditFilter())

    newest = read_newest(cast("Any", pages), query, at_most=2 * MAX_LIMIT)

    assert (len(newest.records), newest.complete, pages.asked) == (found, complete, asked)


@pytest.mark.parametrize(
    ("stage", "offered"), [("local", True), ("dev", True), ("prod", False), ("uat", False)]
)
def test_orders_are_made_up_only_on_stages_without_customers(stage: str, offered: bool) -> None:
    console = Console(cast("Any", SimpleNamespace(stage=SimpleNamespace(name=stage))))

    keys = [place.key for place in places(cast("Any", SimpleNamespace(console=console)))]

    assert console.may_try == offered
    assert ("try_it" in keys) == offered
