"""The console's search for orders, and its list of suspected duplicates, in this process."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.orders.order import parse_order
from chalicelib.orders.record import Record
from chalicelib.orders.settle import settle
from chalicelib.orders.submission import Submission
from chalicelib.orders.times import now
from chalicelib.services.queries import AuditList
from chalicelib.services.unavailable import StoreUnavailable
from ops.console import searching
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
    # Each shard is read once, whatever the bound is: so none of the newest is suspected here.
    monkeypatch.setattr(duplicates, "suspected", lambda walk, _: list(walk)[:0])

    async def look(visitors: Visitors) -> str:
        return (await visitors.open("/duplicates?show=suspected")).text

    text = visited(desk, look)

    assert "not searched to their end" in text
    assert "There is none in what was looked at." in text
    assert "Nothing is suspected" not in text
    assert "`python -m ops duplicates --suspected`" in text


class SlowReads:
    """Reads of the table: once it is slow, the first is made at once, the others when they may."""

    def __init__(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        self._read = desk.records.read_narrowed
        self.made = 0
        self.let = threading.Event()
        self.let.set()
        monkeypatch.setattr(desk.records, "read_narrowed", self._read_slowly)

    def begin(self) -> None:
        self.made = 0
        self.let.clear()

    def _read_slowly(self, *arguments: Any) -> Any:
        if self.made:
            self.let.wait(timeout=60)
        self.made += 1
        return self._read(*arguments)


@pytest.fixture
def slow(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowReads]:
    monkeypatch.setattr(searching, "PROGRESS_SECONDS", 0.02)
    slow = SlowReads(desk, monkeypatch)
    yield slow
    slow.let.set()


async def wait(is_so: Callable[[], bool]) -> None:
    """Wait until the page is so; whatever the caller asserts says if it never was."""
    for _ in range(ATTEMPTS):
        if is_so():
            break
        await asyncio.sleep(0.025)


async def stop_search(page: Visit, slow: SlowReads) -> None:
    await wait(lambda: "Looked through so far: " in page.text)
    assert f"records, back to {now().date()}" in page.text
    await page.press("Stop", until=lambda _: True)
    slow.let.set()


def test_a_search_says_how_far_it_has_come_and_can_be_stopped(desk: Desk, slow: SlowReads) -> None:
    async def search(visitors: Visitors) -> str:
        page = await visitors.open("/orders")
        slow.begin()
        await page.submit(("amount", "0.07"))
        await stop_search(page, slow)
        await wait(lambda: "the search can go on" in page.text)
        return page.text

    text = visited(desk, search)

    assert "was looked through, in 2 reads: the search can go on." in text
    assert "Search on" in text


def test_a_search_ends_when_another_takes_its_place(desk: Desk, slow: SlowReads) -> None:
    async def search(visitors: Visitors) -> int:
        page = await visitors.open("/orders")
        slow.begin()
        await page.submit(("amount", "0.07"))
        await wait(lambda: "Looked through so far: " in page.text)
        # What no order can have: it is answered without a read.
        await page.submit(("amount", "x"))
        # The page changes by itself as well: so its own answer is waited for.
        await wait(lambda: "Looked through so far: " not in page.text)
        slow.let.set()
        await asyncio.sleep(0.3)
        return slow.made

    assert run_apart(in_console(desk, search)) <= 2


def test_a_search_ends_when_its_page_is_left(desk: Desk, slow: SlowReads) -> None:
    async def search(visitors: Visitors) -> int:
        page = await visitors.open("/orders")
        slow.begin()
        await page.submit(("amount", "0.07"))
        assert page._user.client
        page._user.client.delete()
        slow.let.set()
        await asyncio.sleep(0.3)
        return slow.made

    assert run_apart(in_console(desk, search)) <= 2


async def in_console(desk: Desk, visit: Callable[[Visitors], Awaitable[int]]) -> int:
    async with console_of(desk) as visitors:
        return await visit(visitors)


def test_a_list_that_is_cut_off_says_so(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplicates, "SHOWN", 1)
    # The stage has a conflict and a suspicion; here are one more of each.
    for name in ("cut-1", "cut-2"):
        made = Submission(parse_order(order_text(name, amount=3)), f"of-{name}", now())
        settle(made, desk.records.take, now())
    for number in range(2):
        made = Submission(parse_order(order_text("cut-1", amount=4)), f"again-{number}", now())
        settle(made, desk.records.take, now())

    async def look(visitors: Visitors) -> str:
        conflicts = await visitors.open("/duplicates")
        assert "The newest 1 are shown." in conflicts.text
        return (await visitors.open("/duplicates?show=suspected")).text

    assert "The newest 1 are shown." in visited(desk, look)


def test_a_suspicion_of_many_orders_says_how_many_it_does_not_name(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ops.desk.suspected.MOST_NAMED", 2)
    for number in range(5):
        name = f"many-{number}"
        made = Submission(parse_order(order_text(name, amount=9)), f"of-{name}", now())
        settle(made, desk.records.take, now())

    async def look(visitors: Visitors) -> str:
        return (await visitors.open("/duplicates?show=suspected")).text

    assert "and 3 more" in visited(desk, look)


@pytest.mark.parametrize("address", ["/duplicates", "/rejected"])
def test_a_list_that_was_not_read_to_its_end_does_not_say_that_there_is_nothing(
    desk: Desk, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "ops.desk.orders.Orders.page", lambda *_: AuditList(records=[], cursor="more")
    )

    async def look(visitors: Visitors) -> str:
        return (await visitors.open(address)).text

    text = visited(desk, look)

    assert "There is none in what was looked at." in text
    assert "In the last seven days every order kept the rules" not in text
    assert "No conflicts." not in text
