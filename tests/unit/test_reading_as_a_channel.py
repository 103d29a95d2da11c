"""A channel's reading: nothing of another channel's records is in an answer, no own one is lost."""

import base64
import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.http.problems import problem_of
from chalicelib.http.representation import audit_json, history_json, submission_json, to_json
from chalicelib.orders.record import Listed, Record
from chalicelib.orders.settle import settle
from chalicelib.orders.terms import CHANNELS
from chalicelib.orders.times import iso
from chalicelib.services.cursors import DIGEST_BYTES
from chalicelib.services.paging import MAX_ROUNDS, HistoryPosition
from chalicelib.services.principals import Caller
from chalicelib.services.queries import (
    AuditFilter,
    AuditPage,
    AuditQuery,
    OrderNotFound,
    Queries,
)
from chalicelib.services.submissions import SubmissionAmbiguous, SubmissionNotFound, Submissions
from chalicelib.texts import texts_in
from tests.builders import START, Clock, order_text, submission
from tests.fakes import FakeArchive, FakeRecordStore

TEXTS = texts_in("en")
ORDERS = ("order-a", "order-b")
LATE = START + timedelta(days=2)


class ShortPages(FakeRecordStore):
    """A store whose reads end early, as DynamoDB's do at 1 MB of records."""

    def __init__(self, page_size: int = 1) -> None:
        super().__init__(audit_shards=2)
        self.page_size = page_size

    def read_history(
        self,
        order_id: str,
        after: HistoryPosition | None,
        limit: int,
        channel: str | None = None,
    ) -> tuple[list[Listed], HistoryPosition | None]:
        self.calls.append("read_history")
        return super().read_history(order_id, after, min(limit, self.page_size), channel)

    def read_audit(
        self, day: date, shard: int, before: str, limit: int, only: AuditFilter
    ) -> AuditPage:
        self.calls.append("read_audit")
        return super().read_audit(day, shard, before, min(limit, self.page_size), only)


class HandedIn(NamedTuple):
    """A submission of a random channel, which its body names or its message."""

    order_id: str
    channel: str | None
    in_body: bool
    valid: bool
    pause: timedelta


handed_in = st.builds(
    HandedIn,
    order_id=st.sampled_from(ORDERS),
    channel=st.sampled_from([*CHANNELS, None]),
    in_body=st.booleans(),
    valid=st.booleans(),
    pause=st.sampled_from([timedelta(milliseconds=7), timedelta(seconds=3), timedelta(hours=5)]),
)


def recorded(store: FakeRecordStore, submissions: list[HandedIn]) -> list[Record]:
    """Record submissions, each with values that no other has."""
    now, records = START, []
    for number, each in enumerate(submissions, start=1):
        now += each.pause + timedelta(milliseconds=13)
        text = order_text(
            each.order_id,
            amount=7_000_000 + number if each.valid else -7_000_000 - number,
            fromAccount=f"81{number:06}",
            toAccount=f"82{number:06}",
            channel=each.channel if each.in_body else None,
        )
        made = submission(
            text,
            f"secret-{number:04}",
            received_at=now - timedelta(milliseconds=5),
            message_channel=None if each.in_body else each.channel,
            submitted_by=f"arn:aws:iam::111122223333:user/secret-{number:04}",
        )
        records.append(settle(made, store.take, now).record)
    return records


def secrets_of(record: Record) -> Iterator[str]:
    """Yield all that an answer to others must not hold."""
    yield record.submission_id
    yield record.payload_sha256
    yield record.identity_digest[:16]
    yield iso(record.received_at)
    yield iso(record.processed_at)
    for name in ("amount", "fromAccount", "toAccount"):
        if record.terms[name] is not None:
            yield str(record.terms[name]).removesuffix(".00")
    if record.payload:
        yield record.payload


def opened(text: str) -> str:
    """Add to an answer what its cursors hold, which everyone can decode."""
    found = re.findall(r'"cursor":"([^"]+)"', text)
    return text + "".join(map(place_in, found))


def place_in(cursor: str) -> str:
    return base64.urlsafe_b64decode(cursor + "==")[DIGEST_BYTES:].decode()


class Reading:
    """All that a caller can read, and the answers to it."""

    def __init__(self, store: FakeRecordStore, caller: Caller) -> None:
        self.caller = caller
        self.answers: list[str] = []
        self.seen: list[tuple[str, str]] = []
        self._queries = Queries(store, FakeArchive(), Clock(LATE))
        self._submissions = Submissions(store, FakeArchive())

    def list_all(self, limit: int) -> list[Record]:
        query = AuditQuery(START.date(), LATE.date(), AuditFilter(), limit)
        found: list[Record] = []
        cursor = None
        while True:
            page = self._queries.list_orders(query, cursor, self.caller)
            self.answers.append(to_json(audit_json(page, TEXTS)))
            found += page.records
            if page.cursor is None:
                return found
            assert page.cursor != cursor
            cursor = page.cursor

    def history(self, order_id: str, limit: int) -> list[Record]:
        found: list[Record] = []
        cursor = None
        while True:
            try:
                page = self._queries.get_order(order_id, cursor, limit, self.caller)
            except OrderNotFound as error:
                self._refused(error)
                return found
            self.answers.append(to_json(history_json(page, TEXTS)))
            found += page.records
            if page.cursor is None:
                return found
            assert page.cursor != cursor
            cursor = page.cursor

    def submission(self, asked: Record, payload_sha256: str | None) -> None:
        # Whoever asks has the id and perhaps the hash: the answer to a foreign one repeats the id.
        try:
            read = self._submissions.read(
                asked.order_id, asked.submission_id, payload_sha256, self.caller
            )
        except (SubmissionNotFound, SubmissionAmbiguous) as error:
            text = to_json(problem_of(error).body(TEXTS))
            self.answers.append(text.replace(asked.submission_id, ""))
        else:
            self.answers.append(to_json(submission_json(read, TEXTS)))

    def _refused(self, error: Exception) -> None:
        self.answers.append(to_json(problem_of(error).body(TEXTS)))


@given(
    submissions=st.lists(handed_in, min_size=1, max_size=12),
    channel=st.sampled_from(CHANNELS),
    limit=st.integers(1, 4),
    page_size=st.integers(1, 3),
)
def test_no_byte_of_a_foreign_record_is_in_an_answer_to_a_channel_and_no_own_one_is_missing(
    submissions: list[HandedIn], channel: str, limit: int, page_size: int
) -> None:
    store = ShortPages(page_size)
    records = recorded(store, submissions)
    own = [record for record in records if record.channel == channel]
    foreign = [record for record in records if record.channel != channel]
    reading = Reading(store, Caller("arn", channel, reads_all=False, restricted=True))

    listed = reading.list_all(limit)
    histories = [record for each in ORDERS for record in reading.history(each, limit)]
    for record in records:
        reading.submission(record, None)
        reading.submission(record, record.payload_sha256)

    answers = opened("\n".join(reading.answers))
    assert [each for record in foreign for each in secrets_of(record) if each in answers] == []
    assert identities(listed) == identities(own)
    assert identities(histories) == identities(own)
    # A test that could not fail would find nothing of the own ones either.
    assert all(each in answers for record in own for each in (record.submission_id,))


def identities(records: list[Record]) -> list[tuple[str, str]]:
    return sorted((record.submission_id, record.payload_sha256) for record in records)


@pytest.mark.parametrize(
    "pause",
    [
        timedelta(milliseconds=1),
        timedelta(milliseconds=250),
        timedelta(seconds=20),
        timedelta(minutes=17),
        timedelta(hours=3),
    ],
)
@pytest.mark.parametrize("limit", [1, 3, 50])
def test_a_list_goes_on_through_many_foreign_records_without_telling_their_places(
    pause: timedelta, limit: int
) -> None:
    """Each page reads so many records at most; most end among others' only."""
    store = ShortPages()
    foreign = HandedIn("order-a", "mobile", in_body=False, valid=True, pause=pause)
    own = foreign._replace(channel="web")
    records = recorded(store, [own, *[foreign] * 150, own, own, *[foreign] * 100])
    mine = [record for record in records if record.channel == "web"]
    reading = Reading(store, Caller("arn", "web", reads_all=False, restricted=True))

    listed = list_until(reading, store, records[-1].processed_at, limit)

    assert listed == mine[::-1]
    told = opened("\n".join(reading.answers))
    theirs = [record for record in records if record.channel != "web"]
    assert [each for record in theirs for each in secrets_of(record) if each in told] == []


def list_until(reading: Reading, store: ShortPages, last: datetime, limit: int) -> list[Record]:
    """List a period page by page: each reads a bounded number of times."""
    queries = Queries(store, FakeArchive(), Clock(last))
    query = AuditQuery(START.date(), last.date(), AuditFilter(), limit)
    found: list[Record] = []
    cursor: str | None = None
    for _ in range(2 * len(store.all())):
        store.calls.clear()
        page = queries.list_orders(query, cursor, reading.caller)
        assert len(store.calls) <= MAX_ROUNDS * store.audit_shards
        reading.answers.append(to_json(audit_json(page, TEXTS)))
        found += page.records
        if page.cursor is None:
            return found
        cursor = page.cursor
    raise AssertionError("the list never ends")


def test_a_flood_of_foreign_records_ends_a_history_and_hides_no_submission() -> None:
    """The list of an order's records ends then; what became of a submission is always told."""
    store = ShortPages()
    foreign = HandedIn("order-a", "mobile", in_body=False, valid=True, pause=timedelta(seconds=1))
    own = foreign._replace(channel="web")
    records = recorded(store, [foreign, own, *[foreign] * (MAX_ROUNDS + 5), own])
    reading = Reading(store, Caller("arn", "web", reads_all=False, restricted=True))
    store.calls.clear()

    listed = reading.history("order-a", 50)

    assert listed == [records[1]]
    # Two pages; the second one looks for the oldest own record anew.
    assert len(store.calls) <= 2 * MAX_ROUNDS + 2
    reading.submission(records[-1], records[-1].payload_sha256)
    assert records[-1].payload_sha256 in reading.answers[-1]


def test_an_order_of_others_costs_the_calls_of_an_unknown_one() -> None:
    """Else the time of the answer would tell one from the other."""
    store = ShortPages(250)
    foreign = HandedIn("order-a", "mobile", in_body=True, valid=True, pause=timedelta(seconds=1))
    recorded(store, [foreign])
    reading = Reading(store, Caller("arn", "web", reads_all=False, restricted=True))
    counts: list[list[str]] = []

    for order_id in ORDERS:
        store.calls.clear()
        assert reading.history(order_id, 50) == []
        counts.append(list(store.calls))

    assert counts[0] == counts[1]
