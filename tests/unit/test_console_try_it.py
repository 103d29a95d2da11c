"""The page Try it: each order that is handed in there has a line, and on it its verdict."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator

import pytest
from botocore.exceptions import ClientError

from chalicelib.orders.errors import UnreadableOrder
from chalicelib.orders.order import parse_order
from chalicelib.orders.settle import settle
from chalicelib.orders.submission import Submission
from chalicelib.orders.times import now
from ops.console.pages.try_it import page as try_it
from ops.desk.desk import Desk
from tests.console_pages import ATTEMPTS, Visit, console_of
from tests.coroutines import run_apart
from tests.full_stage import stage_holding


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setattr(try_it, "DRAW_SECONDS", 0.02)
    with stage_holding("plain") as desk:
        yield desk


def process(desk: Desk) -> int:
    """Do what the processor does with all that is on the queue. Return how much that was."""
    sqs, settings = desk.stage.sqs, desk.stage.settings
    done = 0
    while received := sqs.receive_message(
        QueueUrl=settings.queue_url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
    ).get("Messages"):
        for message in received:
            _process(desk, message["Body"], message)
            sqs.delete_message(QueueUrl=settings.queue_url, ReceiptHandle=message["ReceiptHandle"])
            done += 1
    return done


def _process(desk: Desk, body: str, message: object) -> None:
    assert isinstance(message, dict)
    attributes = message.get("MessageAttributes", {})
    try:
        order = parse_order(body)
    except UnreadableOrder as unreadable:
        said = {"unreadableReason": unreadable.reason, "submissionId": message["MessageId"]}
        desk.stage.sqs.send_message(
            QueueUrl=desk.stage.settings.dead_letter_queue_url,
            MessageBody=body,
            MessageAttributes={
                name: {"DataType": "String", "StringValue": text} for name, text in said.items()
            },
        )
        return
    submission_id = attributes["submissionId"]["StringValue"]
    settle(Submission(order, submission_id, now()), desk.records.take, now())


def visited(desk: Desk, visit: Callable[[Visit], Awaitable[object]], language: str = "en") -> str:
    async def in_the_console() -> str:
        async with console_of(desk) as visitors:
            visitors._client.headers["accept-language"] = language
            page = await visitors.open("/try-it")
            await visit(page)
            return page.text

    return run_apart(in_the_console())


async def shows(page: Visit, *words: str) -> None:
    """Wait until the page shows all of it."""
    for _ in range(ATTEMPTS):
        if all(each in page.text for each in words):
            return
        await asyncio.sleep(0.025)
    raise AssertionError(f"the page does not show {words}")


async def press(page: Visit, kind: str, count: str = "") -> None:
    await page.submit(("do", kind), ("count", count))


def test_an_order_is_on_the_queue_until_its_verdict_takes_that_place(desk: Desk) -> None:
    async def visit(page: Visit) -> None:
        await press(page, "valid")
        await shows(page, "On the queue", "known: 0 of 1")
        process(desk)
        await shows(page, "Accepted", "known: 1 of 1")

    text = visited(desk, visit)

    assert "A valid order:" in text
    assert 'href="/orders/try-' in text
    assert "On the queue" not in text


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("invalid", ["Rejected", "must be more than 0", "must differ from fromAccount"]),
        ("duplicate", ["Duplicate", "the same as the accepted one in every field"]),
        ("conflict", ["Conflict", "differs from the accepted one in: Amount"]),
        ("replay", ["The same order again, under its key:", "known: 2 of 2"]),
        ("reused_key", ["Refused", "The key stands for", "known: 2 of 2"]),
        ("unreadable", ["Dead letter", "It is not JSON", 'href="/dead-letters?reason=not_json"']),
    ],
)
def test_each_kind_ends_in_its_own_verdict(
    kind: str, words: list[str], desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ops.desk.following.UNREADABLE_AFTER_SECONDS", 0.1)

    async def visit(page: Visit) -> None:
        await press(page, kind)
        process(desk)
        await shows(page, *words)

    visited(desk, visit)


def test_verdicts_are_in_the_readers_language(desk: Desk) -> None:
    async def visit(page: Visit) -> None:
        await press(page, "invalid")
        process(desk)
        await shows(page, "Rechazada", "debe ser mayor que 0", "Veredictos conocidos: 1 de 1")

    visited(desk, visit, "es")


def test_a_burst_has_a_line_for_each_order_and_counts_the_verdicts(desk: Desk) -> None:
    async def visit(page: Visit) -> None:
        await press(page, "burst", "12")
        await shows(page, "A burst of orders: 13")
        process(desk)
        await shows(page, "Accepted: 11, Rejected: 1, Conflict: 1", "known: 13 of 13")

    text = visited(desk, visit)

    assert text.count('href="/orders/try-') == 13


def test_one_burst_is_handed_in_at_a_time(desk: Desk) -> None:
    async def visit(page: Visit) -> None:
        await press(page, "burst", "150")
        await press(page, "burst", "150")
        await shows(page, "A burst is being handed in")

    visited(desk, visit)


def test_only_a_verdict_that_comes_alone_is_read_out_by_itself(desk: Desk) -> None:
    async def visit(page: Visit) -> None:
        await press(page, "valid")
        process(desk)
        await shows(page, "known: 1 of 1")

    text = visited(desk, visit)

    (heard,) = [line for line in text.splitlines() if "'role': 'status'" in line]
    assert "A valid order:" in heard
    assert "Accepted" in heard


def test_a_look_that_fails_is_said_and_made_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = desk.stage.dynamodb.batch_get_item
    fails = [True]

    def batch_get_item(**request: object) -> object:
        if fails:
            raise ClientError(
                {"Error": {"Code": "ProvisionedThroughputExceededException"}}, "BatchGetItem"
            )
        return read(**request)  # type: ignore[arg-type]

    monkeypatch.setattr(desk.stage.dynamodb, "batch_get_item", batch_get_item)

    async def visit(page: Visit) -> None:
        await press(page, "valid")
        process(desk)
        await shows(page, "That did not work: DynamoDB BatchGetItem")
        fails.clear()
        await shows(page, "known: 1 of 1")

    assert "That did not work" not in visited(desk, visit)


def test_an_order_that_can_not_be_handed_in_says_so(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def send_message(**_: object) -> None:
        raise ClientError({"Error": {"Code": "ServiceUnavailable"}}, "SendMessage")

    monkeypatch.setattr(desk.stage.sqs, "send_message", send_message)

    text = visited(desk, lambda page: press(page, "unreadable"))

    assert "That did not work" in text


def test_a_page_that_is_left_hands_nothing_in_any_more_and_looks_no_more(desk: Desk) -> None:
    looks: list[object] = []
    sent: list[object] = []
    sending, left = threading.Event(), threading.Event()

    def send(**_: object) -> None:
        sent.append(1)
        if len(sent) > 1:
            sending.set()
            left.wait(10)

    desk.stage.session.events.register(
        "before-call.dynamodb.BatchGetItem", lambda **_: looks.append(1)
    )
    desk.stage.sqs.meta.events.register("before-call.sqs.SendMessage", send)

    async def leave() -> int:
        async with console_of(desk) as visitors:
            page = await visitors.open("/try-it")
            await press(page, "burst", "300")
            await asyncio.to_thread(sending.wait, 10)
            await leave_page(page)
            left.set()
            await asyncio.sleep(0.3)
            looked = len(looks)
            await asyncio.sleep(0.5)
            return len(looks) - looked

    async def leave_page(page: Visit) -> None:
        assert page._user.client
        page._user.client.delete()

    later_looks = run_apart(leave())

    # The one that was under way when the page was left is the last.
    assert len(sent) == 2
    assert later_looks == 0
