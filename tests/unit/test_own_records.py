"""The place at which a channel's list rests: one of the clock, that no record tells."""

import pytest

from chalicelib.services.own_records import resting_place
from chalicelib.services.principals import Caller
from chalicelib.services.queries import OrderNotFound, Queries
from tests.builders import Clock
from tests.fakes import FakeArchive, FakeRecordStore

DAY = "2026-03-01T"
DIGEST = "0123456789abcdef"


@pytest.mark.parametrize(
    ("start", "read_to", "place"),
    [
        # Nothing of the day was shown before: the next full hour after what was read.
        ("~", "12:34:56.789", "13:00:00.000Z"),
        ("~", "12:00:00.000", "13:00:00.000Z"),
        ("13:00:00.001Z#f", "12:34:56.789", "13:00:00.000Z"),
        # That would be no progress: the next minute, second or millisecond.
        ("13:00:00.000Z", "12:34:56.789", "12:35:00.000Z"),
        ("12:40:00.000Z#f", "12:34:56.789", "12:35:00.000Z"),
        ("12:35:00.000Z", "12:34:56.789", "12:34:57.000Z"),
        ("12:34:57.000Z", "12:34:56.789", "12:34:56.790Z"),
        # There is none between.
        ("12:34:56.789Z#ffff", "12:34:56.789", None),
    ],
)
def test_a_list_rests_at_the_coarsest_place_that_is_progress(
    start: str, read_to: str, place: str | None
) -> None:
    begun = start if start == "~" else f"{DAY}{start}"

    found = resting_place(begun, f"{DAY}{read_to}Z#{DIGEST}")

    assert found == (place and f"{DAY}{place}")


def test_a_day_that_is_done_is_a_place() -> None:
    assert resting_place("~", "~") == "~"


@pytest.mark.parametrize("read_to", ["", "x", "#", f"2026-02-30T00:00:00.000Z#{DIGEST}"])
def test_someones_own_item_is_no_place(read_to: str) -> None:
    assert resting_place("~", read_to) is None


@pytest.mark.parametrize("order_id", ["", ".", "..", "a/b", "#key#1", "x" * 65])
def test_a_channel_finds_nothing_under_an_id_that_no_order_can_have(order_id: str) -> None:
    store = FakeRecordStore()
    queries = Queries(store, FakeArchive(), Clock())
    web = Caller("arn", "web", reads_all=False, restricted=True)

    with store.outage(), pytest.raises(OrderNotFound):
        queries.get_order(order_id, caller=web)
