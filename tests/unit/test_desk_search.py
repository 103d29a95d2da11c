"""A search for records: what can be asked for, and a walk that is bounded and goes on."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.orders.record import Record
from chalicelib.orders.terms import TERMS, Term
from chalicelib.services.queries import AuditFilter, AuditQuery
from ops.desk.newest_first import Bounds, NewestFirst, Source
from ops.desk.search import (
    ANYTHING,
    BadSearch,
    Sender,
    Wanted,
    read_wanted,
    search_names,
    term_kinds,
)
from ops.desk.unreadable_records import UnreadableRecords
from tests.builders import START, order_text, submission
from tests.desk_fakes import FakeOrderTable, FakeRecordSearch
from tests.fakes import FakeRecordStore

ROLE = "arn:aws:sts::111122223333:assumed-role/orders-web"
TODAY = START.date()
PERIOD_DAYS = 7
PERIOD = AuditQuery(TODAY - timedelta(days=PERIOD_DAYS - 1), TODAY, AuditFilter())


def test_all_terms_but_the_apis_own_filter_can_be_searched_for() -> None:
    assert term_kinds() == {"amount": ["amount"], "account": ["fromAccount", "toAccount"]}
    assert search_names() == ["amount", "account", "submittedBy"]


def test_a_new_term_can_be_searched_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TERMS, "reference", Term(lambda _, value: (value, [])))

    assert read_wanted({"reference": "rent"}) == Wanted({"reference": "rent"})


@pytest.mark.parametrize("text", ["25.8", "25.80", "25.800"])
def test_an_amount_is_a_decimal_however_it_is_written(text: str) -> None:
    assert read_wanted({"amount": text}).terms == {"amount": Decimal("25.80")}


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"amount": "2,580"}, "not_a_number"),
        ({"amount": "-1"}, "not_positive"),
        ({"amount": "1.005"}, "too_many_decimals"),
        ({"amount": ""}, "not_a_number"),
        ({"account": "DE89"}, "not_digits"),
        ({"account": ""}, "not_digits"),
        ({"account": "1" * 35}, "too_long"),
        ({"account": "１１１"}, "not_digits"),  # noqa: RUF001 (they are meant)
        ({"submittedBy": ""}, "bad_sender"),
        ({"submittedBy": "arn:aws:iam::*:user/x"}, "bad_sender"),
        ({"submittedBy": "two words"}, "bad_sender"),
        ({"submittedBy": "a" * 2049}, "bad_sender"),
    ],
)
def test_a_value_that_no_record_can_have_is_refused(given: dict[str, str], code: str) -> None:
    with pytest.raises(BadSearch) as refused:
        read_wanted(given)

    assert [(error.field, error.code) for error in refused.value.errors] == [(*given, code)]


def test_only_what_is_masked_elsewhere_is_an_account() -> None:
    assert read_wanted({"amount": "1", "account": "007", "submittedBy": "x"}).accounts == {
        "account": "007"
    }
    assert not ANYTHING.accounts


@pytest.mark.parametrize(
    ("text", "sender"),
    [
        (ROLE, Sender(ROLE, f"{ROLE}/")),
        (f"{ROLE}/session", Sender(f"{ROLE}/session")),
        ("arn:aws:iam::111122223333:role/orders-web", Sender(ROLE, f"{ROLE}/")),
        ("arn:aws:iam::111122223333:role/teams/a/orders-web", Sender(ROLE, f"{ROLE}/")),
        ("arn:aws:iam::111122223333:user/ana", Sender("arn:aws:iam::111122223333:user/ana")),
        ("AROAEXAMPLEID4711", Sender("AROAEXAMPLEID4711", "AROAEXAMPLEID4711:")),
        ("AROAEXAMPLEID4711:s", Sender("AROAEXAMPLEID4711:s")),
        ("gateway-7", Sender("gateway-7")),
    ],
)
def test_a_role_stands_for_all_its_sessions(text: str, sender: Sender) -> None:
    assert read_wanted({"submittedBy": text}).sender == sender


class Recorded:
    """Records of some days, of which some are wanted."""

    def __init__(self, shards: int = 3) -> None:
        self.store = FakeRecordStore(audit_shards=shards)
        self.unreadable = UnreadableRecords()

    def add(self, order_id: str, at: datetime, **fields: Any) -> Record:
        record = Record.of_first(submission(order_text(order_id, **fields)), at)
        assert self.store.take(record) is None
        return record

    def walk(
        self, wanted: Wanted = ANYTHING, bounds: Bounds | None = None, page_size: int = 5
    ) -> NewestFirst:
        table = FakeOrderTable(self.store)
        records = FakeRecordSearch(self.store, wanted)
        source = Source(records, table.recorded_days, self.unreadable, page_size)
        return NewestFirst(source, PERIOD, TODAY, bounds or Bounds())


def names(records: Iterator[Record]) -> list[str]:
    return [record.order_id for record in records]


def test_an_account_is_found_on_either_side_and_exactly() -> None:
    recorded = Recorded()
    recorded.add("from", START, fromAccount="123")
    recorded.add("to", START, toAccount="123")
    recorded.add("longer", START, fromAccount="1234")
    recorded.add("zeros", START, fromAccount="0123")

    found = recorded.walk(read_wanted({"account": "123"}))

    assert set(names(iter(found))) == {"from", "to"}


def test_a_walk_without_bounds_comes_to_the_end() -> None:
    recorded = Recorded()
    recorded.add("old", START - timedelta(days=3))
    walk = recorded.walk()

    assert names(iter(walk)) == ["old"]
    assert walk.stopped_at is None


def test_a_walk_makes_no_more_reads_than_it_may() -> None:
    recorded = Recorded(shards=1)
    for number in range(20):
        recorded.add(f"o-{number}", START - timedelta(minutes=number))
    walk = recorded.walk(bounds=Bounds(most_reads=2), page_size=5)

    found = names(iter(walk))

    assert walk.reads == 2
    assert walk.stopped_at == START - timedelta(minutes=9)
    assert found == [f"o-{number}" for number in range(9)]


def test_a_walk_says_how_far_it_has_come_whenever_it_reads() -> None:
    recorded = Recorded(shards=1)
    for number in range(7):
        recorded.add(f"o-{number}", START - timedelta(days=1, minutes=number))
    walk = recorded.walk(read_wanted({"amount": "0.01"}), page_size=5)
    told: list[tuple[date | None, int]] = []
    walk.on_read = lambda: told.append((walk.day, walk.scanned))

    assert names(iter(walk)) == []

    assert (TODAY - timedelta(days=1), 5) in told
    assert walk.scanned == 7


def test_a_walk_that_is_told_to_end_goes_on_later_where_it_has_stopped() -> None:
    recorded = Recorded(shards=1)
    for number in range(20):
        recorded.add(f"o-{number}", START - timedelta(minutes=number))
    found: list[str] = []
    walk = recorded.walk(bounds=Bounds(is_over=lambda: len(found) > 5), page_size=5)

    found.extend(record.order_id for record in walk)

    assert walk.stopped_at is not None
    assert 5 < len(found) < 20
    found += names(iter(recorded.walk(bounds=Bounds(walk.stopped_at))))
    assert found == [f"o-{number}" for number in range(20)]


def test_a_walk_that_may_not_read_on_says_so_at_the_end_of_a_day() -> None:
    recorded = Recorded(shards=1)
    recorded.add("old", START - timedelta(days=1))
    walk = recorded.walk(bounds=Bounds(most_reads=1))

    assert names(iter(walk)) == []
    assert walk.stopped_at == datetime.combine(
        TODAY - timedelta(days=1), datetime.max.time(), START.tzinfo
    ).replace(microsecond=999_000)
    assert names(iter(recorded.walk(bounds=Bounds(walk.stopped_at, 1)))) == ["old"]


def test_a_walk_of_years_that_may_not_read_on_hides_no_day() -> None:
    """The search for days with records, beside the walk, has not come to its end then."""
    recorded = Recorded(shards=1)
    for number in range(40):
        recorded.add(f"older-{number}", START - timedelta(days=200, seconds=number))
    recorded.add("old", START - timedelta(days=60))
    years = PERIOD._replace(first_day=date(2020, 1, 1))
    table = FakeOrderTable(recorded.store)

    found: list[str] = []
    bounds = Bounds(most_reads=7)
    for _ in range(200):
        source = Source(recorded.store, table.recorded_days, recorded.unreadable)
        walk = NewestFirst(source, years, TODAY, bounds)
        found += names(iter(walk))
        if walk.stopped_at is None:
            break
        bounds = Bounds(walk.stopped_at, 7)

    assert found == ["old", *(f"older-{number}" for number in range(40))]


Moments = dict[int, list[bool]]


@given(
    st.dictionaries(st.integers(0, 40), st.lists(st.booleans(), min_size=1, max_size=3)),
    st.sampled_from([1, 1_000, 86_400_000 // 20]),
    st.integers(1, 4),
    st.integers(1, 6),
    st.integers(0, 10),
)
def test_walks_that_go_on_where_one_has_stopped_find_each_record_once(
    moments: Moments, step_ms: int, shards: int, page_size: int, more_reads: int
) -> None:
    recorded = Recorded(shards)
    for steps, records in moments.items():
        at = START - timedelta(milliseconds=steps * step_ms)
        for number, is_wanted in enumerate(records):
            recorded.add(f"o-{steps}-{number}", at, amount=1 if is_wanted else 2)
    wanted = read_wanted({"amount": "1"})
    # A walk must get beyond one millisecond, in each shard.
    most_reads = shards * 4 + more_reads

    found: list[str] = []
    bounds = Bounds(most_reads=most_reads)
    while True:
        walk = recorded.walk(wanted, bounds, page_size)
        found += names(iter(walk))
        assert walk.reads <= most_reads
        if walk.stopped_at is None:
            break
        assert bounds.before is None or walk.stopped_at < bounds.before
        bounds = Bounds(walk.stopped_at, most_reads)

    assert found == names(iter(recorded.walk(wanted)))
    assert len(found) == sum(map(sum, moments.values()))


def test_a_walk_comes_further_though_nothing_of_a_large_day_is_wanted() -> None:
    """It must not read one shard to its end, and leave nothing for the others."""
    recorded = Recorded(shards=4)
    for number in range(200):
        recorded.add(f"o-{number}", START - timedelta(seconds=number))
    nothing = read_wanted({"amount": "1"})
    stops = [START + timedelta(seconds=1)]

    for _ in range(100):
        walk = recorded.walk(nothing, Bounds(stops[-1], 8))
        assert names(iter(walk)) == []
        if walk.stopped_at is None:
            return
        stops.append(walk.stopped_at)
        assert stops[-1] < stops[-2]

    raise AssertionError("it never comes to the end")


def test_a_walk_that_may_read_less_often_than_there_are_shards_still_goes_on() -> None:
    """As long as one shard was not read, nothing is whole, and a walk would stop where it began."""
    recorded = Recorded(shards=20)
    for number in range(60):
        recorded.add(f"o-{number}", START - timedelta(hours=number))

    found: list[str] = []
    bounds = Bounds(most_reads=2)
    for _ in range(PERIOD_DAYS + 1):
        walk = recorded.walk(bounds=bounds)
        found += names(iter(walk))
        if walk.stopped_at is None:
            break
        bounds = Bounds(walk.stopped_at, 2)

    assert found == [f"o-{number}" for number in range(60)]
