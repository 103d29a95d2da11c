"""Suspected duplicates: other ids, the same terms, handed in within a window of each other."""

from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.orders.record import Record
from ops.desk.suspected import MOST_NAMED, Suspicion, compared_terms, suspected
from tests.builders import START, order_text, submission

WINDOW = timedelta(minutes=10)


def accepted(order_id: str, received: float = 0, late: float = 0, **fields: Any) -> Record:
    """Make an accepted record: handed in so many seconds after the start, processed so late."""
    at = START + timedelta(seconds=received)
    made = submission(order_text(order_id, **fields), f"of-{order_id}", received_at=at)
    return Record.of_first(made, at + timedelta(seconds=late))


def found(*records: Record, window: timedelta = WINDOW) -> list[Suspicion]:
    newest_first = sorted(records, key=lambda record: record.audit_position, reverse=True)
    return list(suspected(newest_first, window))


def ids(suspicion: Suspicion) -> set[str]:
    return {order.order_id for order in suspicion.orders}


def test_a_double_click_that_mints_a_new_id_is_found() -> None:
    (suspicion,) = found(accepted("a"), accepted("b", 3))

    assert ids(suspicion) == {"a", "b"}
    assert suspicion.count == 2
    assert (suspicion.first_at, suspicion.last_at) == (START, START + timedelta(seconds=3))
    assert suspicion.terms["amount"] == Decimal("2580.00")
    assert suspicion.terms["toAccount"] == "7777777"


@pytest.mark.parametrize("other", [{"amount": 2581}, {"fromAccount": "1"}, {"toAccount": "2"}])
def test_orders_with_another_amount_or_account_are_not_suspected(other: dict[str, Any]) -> None:
    assert not found(accepted("a"), accepted("b", 3, **other))


def test_the_same_order_by_another_channel_is_suspected() -> None:
    (suspicion,) = found(accepted("a", channel="web"), accepted("b", 3, channel="mobile"))

    assert {order.channel for order in suspicion.orders} == {"web", "mobile"}


def test_one_amount_is_the_same_however_it_is_written() -> None:
    assert found(accepted("a", amount="25.8"), accepted("b", amount=25.80))


@pytest.mark.parametrize(("apart", "is_found"), [(600, True), (600.001, False)])
def test_the_window_is_between_the_times_of_handing_in(apart: float, is_found: bool) -> None:
    assert bool(found(accepted("a"), accepted("b", apart))) is is_found


def test_an_order_that_was_processed_much_later_is_found_all_the_same() -> None:
    """A dead letter that is redriven after days was handed in with the others."""
    days = 3 * 86_400
    others = [accepted(f"other-{n}", n * 3600, fromAccount=str(n)) for n in range(80)]

    (suspicion,) = found(accepted("a"), accepted("b", 5, late=days), *others)

    assert ids(suspicion) == {"a", "b"}


def test_orders_of_hours_are_not_suspected_since_a_backlog_was_drained_at_once() -> None:
    assert not found(accepted("a", 0, late=7200), accepted("b", 7200, late=1))


def test_a_claim_to_be_handed_in_later_than_processed_hides_nothing() -> None:
    assert found(accepted("a"), accepted("b", 86_400, late=5 - 86_400))


def test_a_row_of_orders_is_one_finding_though_its_ends_are_far_apart() -> None:
    (suspicion,) = found(*(accepted(f"o-{n}", n * 540) for n in range(5)))

    assert suspicion.count == 5


def test_a_finding_of_many_names_a_few_and_counts_all() -> None:
    (suspicion,) = found(*(accepted(f"o-{n}", n) for n in range(200)))

    assert suspicion.count == 200
    assert len(suspicion.orders) == MOST_NAMED


def test_memory_holds_the_window_only() -> None:
    """The groups that no record can belong to any more are let go as the walk goes on."""
    import gc  # noqa: PLC0415

    open_at_most = 0

    def newest_first() -> Any:
        nonlocal open_at_most
        for number in range(3000, 0, -1):
            yield accepted(f"o-{number}", number * 60, late=1, fromAccount=str(number))
            if number % 500 == 0:
                alive = sum(isinstance(each, Suspicion) for each in gc.get_objects())
                open_at_most = max(open_at_most, alive)

    assert not list(suspected(newest_first(), WINDOW))
    assert open_at_most <= 13


Handed = tuple[int, int, int]


def brute_force(records: list[Record], window: timedelta) -> set[frozenset[str]]:
    """Find what is suspected by its definition: sort by the time, and part where it is too far."""
    keys = {tuple(record.terms[name] for name in compared_terms()) for record in records}
    groups = set()
    for key in keys:
        alike = [r for r in records if tuple(r.terms[n] for n in compared_terms()) == key]
        alike.sort(key=handed_in)
        group = alike[:1]
        for before, record in pairwise(alike):
            if handed_in(record) - handed_in(before) > window:
                groups.add(frozenset(each.order_id for each in group))
                group = []
            group.append(record)
        groups.add(frozenset(each.order_id for each in group))
    return {group for group in groups if len(group) > 1}


def handed_in(record: Record) -> datetime:
    return min(record.received_at, record.processed_at)


@given(
    st.lists(
        st.tuples(st.integers(0, 60), st.integers(-5, 60), st.integers(0, 2)), max_size=MOST_NAMED
    ),
    st.integers(0, 20),
)
def test_what_is_found_is_what_the_definition_says(handed: list[Handed], minutes: int) -> None:
    records = [
        accepted(f"o-{n}", received * 60, late=late * 60, amount=amount + 1)
        for n, (received, late, amount) in enumerate(handed)
    ]
    window = timedelta(minutes=minutes)

    groups = found(*records, window=window)

    assert {frozenset(ids(group)) for group in groups} == brute_force(records, window)
    assert all(group.count == len(group.orders) for group in groups)
