"""Lists for people show the channel by which they are filtered: a message's, if no order's."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from chalicelib.orders.order import parse_order
from chalicelib.orders.record import Record
from chalicelib.orders.submission import Submission
from chalicelib.orders.times import now
from ops.desk.desk import Desk
from tests.builders import order_text
from tests.console_pages import console_of
from tests.coroutines import run_apart
from tests.full_stage import stage_holding
from tests.surfaces import type_words

BESIDE, OWN = "channel-beside", "channel-own"


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    """Open a stage with an order whose channel stands beside it, and one that has its own."""
    with stage_holding("plain") as desk:
        for order_id, channel in {BESIDE: None, OWN: "mobile"}.items():
            at = now() - timedelta(minutes=1)
            made = Submission(
                parse_order(order_text(order_id, channel=channel)),
                f"of-{order_id}",
                at,
                message_channel="atm",
            )
            assert desk.records.take(Record.of_first(made, at)) is None
        yield desk


def line_of(order_id: str, text: str) -> str:
    (line,) = [line for line in text.splitlines() if order_id in line]
    return line


@pytest.mark.parametrize(
    "words", [["orders", "list"], ["orders", "tail", "--since", "15m", "--count", "2"]]
)
def test_a_list_shows_the_channel_of_the_message_where_the_order_has_none(
    desk: Desk, words: list[str]
) -> None:
    listed = type_words(desk, words).stdout

    assert "atm" in line_of(BESIDE, listed)
    assert "mobile" in line_of(OWN, listed)
    assert "atm" not in line_of(OWN, listed)


def test_a_history_shows_it_too(desk: Desk) -> None:
    shown = type_words(desk, ["orders", "show", BESIDE]).stdout

    *_, row = [line for line in shown.splitlines() if "of-channel-b" in line]
    assert "atm" in row


def test_the_consoles_list_shows_it_too(desk: Desk) -> None:
    async def look() -> str:
        async with console_of(desk) as visitors:
            return (await visitors.open("/orders?channel=atm")).text

    text = run_apart(look())

    assert BESIDE in text
    assert OWN not in text
    _, _, row = text.partition(BESIDE)
    assert "ATM" in row
