"""The console's search for orders, and its list of suspected duplicates, in this process."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta

import pytest

from chalicelib.orders.order import parse_order
from chalicelib.orders.record import Record
from chalicelib.orders.submission import Submission
from chalicelib.orders.times import now
from chalicelib.services.unavailable import StoreUnavailable
from ops.console.pages import duplicates, orders_search
from ops.desk.audit_trail import Action
from ops.desk.desk import Desk
from tests.builders import order_text
from tests.console_pages import ATTEMPTS, Visit, Visitors, console_of
from tests.coroutines import run_apart
from tests.full_stage import stage_holding

ACCOUNT = "4012887001"


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    with stage_holding("plain") as desk:
        for number in range(60):
            at = now() - timedelta(hours=1, seconds=number)
            text = order_text(f"mine-{number}", fromAccount=ACCOUNT, amount=number + 1)
            made = Submission(parse_order(text), f"of-{number}", at)
            assert desk.records.take(Record.of_first(made, at)) is None
        yield desk


def visited(desk: Desk, visit: Callable[[Visitors], Awaitable[str]]) -> str:
    async def in_the_console() -> str:
        async with console_of(desk) as visitors:
            return await visit(visitors)

    return run_apart(in_the_console())


def found(desk: Desk, *fields: tuple[str, str], address: str = "/orders") -> str:
    """Search on the page of orders: its text, once it has read what is found."""

    async def search(visitors: Visitors) -> str:
        page = await visitors.open(address)
        await page.submit(*fields)
        await answered(page)
        return page.text

    return visited(desk, search)


ANSWERS = ("Submissions that were found", "can't be searched for", "written to the audit:")


async def answered(page: Visit) -> None:
    """Wait until the page has answered a search."""
    for _ in range(ATTEMPTS):
        if any(words in page.text for words in ANSWERS):
            return
        await asyncio.sleep(0.025)
    raise AssertionError("the page does not answer")


def searches(desk: Desk) -> list[Action]:
    today = now().date()
    actions = desk.audit_trail.newest_first(today - timedelta(days=1), today)
    return [action for action in actions if action.what == "accounts.searched"]


def test_an_account_is_found_masked_and_the_audit_trail_says_so(desk: Desk) -> None:
    before = len(searches(desk))

    text = found(desk, ("account", ACCOUNT), ("amount", "7.00"), ("submittedBy", ""))

    assert "mine-6" in text
    assert "Submissions that were found" in text
    assert "That was all." in text
    assert ACCOUNT not in text
    assert [action.details["account"] for action in searches(desk)][before:] == [ACCOUNT]


def test_a_value_that_no_record_can_have_is_named_in_the_readers_words(desk: Desk) -> None:
    text = found(desk, ("account", "DE89"), ("amount", "1.005"))

    assert "Account, on either side: must hold only digits" in text
    assert "Amount: must have at most 2 decimals" in text
    assert "Submissions that were found" not in text


def test_a_search_goes_on_where_it_stopped(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders_search, "MOST_READS", 4)

    async def go_on(visitors: Visitors) -> str:
        page = await visitors.open("/orders")
        await page.submit(("account", ACCOUNT))
        await answered(page)
        assert "50 on this page" in page.text
        await page.press("Older", until=lambda text: "the search can go on" in text)
        assert "mine-59" in page.text
        await page.press("Older", until=lambda text: "None found so far" in text)
        return page.text

    visited(desk, go_on)


def test_nothing_is_searched_for_if_the_audit_trail_can_not_be_written(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise StoreUnavailable("DynamoDB PutItem: Throttled")

    monkeypatch.setattr(desk.audit_trail, "write", fail)

    text = found(desk, ("account", ACCOUNT))

    assert "could not be written to the audit" in text
    assert "Submissions that were found" not in text


def test_suspected_duplicates_have_a_list_of_their_own(desk: Desk) -> None:
    async def look(visitors: Visitors) -> str:
        return (await visitors.open("/duplicates?show=suspected")).text

    text = visited(desk, look)

    assert "order-l" in text
    assert "mine-" not in text
    assert "not searched to their end" not in text


def test_a_list_of_suspected_duplicates_says_how_far_it_came(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duplicates, "MOST_READS", 1)

    async def look(visitors: Visitors) -> str:
        return (await visitors.open("/duplicates?show=suspected")).text

    assert "not searched to their end" in visited(desk, look)


@pytest.mark.parametrize("kind", ["suspected", "conflicts"])
def test_a_list_of_duplicates_that_is_cut_short_says_so(
    desk: Desk, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut, whole = "The newest {} are shown.", 0

    async def look(visitors: Visitors) -> str:
        return (await visitors.open(f"/duplicates?show={kind}")).text

    assert cut.format(100) not in visited(desk, look)
    monkeypatch.setattr(duplicates, "SHOWN", whole)
    assert cut.format(whole) in visited(desk, look)
