"""Many orders in one request, at random: each line by itself, byte for byte, and counted once."""

import itertools
import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from io import BytesIO
from typing import Any, NamedTuple

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chalicelib.http.batches import result_json
from chalicelib.orders.order import MAX_PAYLOAD_BYTES, sha256_of
from chalicelib.orders.submission import submission_id_for_line
from chalicelib.services.batch_intake import BatchIntake
from chalicelib.services.batch_judgement import BatchReceipt, LineStatus
from chalicelib.services.batch_lines import lines_in
from chalicelib.services.message import Message
from chalicelib.services.outgoing import MOST_MESSAGES_PER_CALL, Outgoing
from chalicelib.services.processing import Processor
from chalicelib.services.unavailable import StoreUnavailable
from chalicelib.texts import texts_in
from ops.bulk.judging import judge_file
from tests.builders import Clock, lines_event, order_text, sqs_record
from tests.desk_fakes import Killed
from tests.fakes import FakeArchive, FakeQueue, FakeRecordStore, FakeReporter
from tests.http.conftest import Api, post_lines, running

KEY = "key-1"

ends = st.sampled_from([b"\n", b"\r\n", b"\n\n", b"\r", b"\r\r\n", b" \n"])
lines = st.sampled_from(
    [order_text("a"), order_text("b", amount=0), "", " ", "[]", "{", '{"id": "a b"}']
).map(str.encode)
bodies = (
    st.binary()
    | st.text().map(str.encode)
    | st.lists(st.tuples(lines | st.binary(max_size=9), ends)).map(
        lambda parts: b"".join(itertools.chain(*parts))
    )
)


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    with running() as api:
        yield api


def lines_by_hand(body: bytes) -> list[tuple[int, bytes]]:
    """Part a body by the rule's words, in another way than the code."""
    numbered = enumerate(body.decode("latin-1").replace("\r\n", "\n").split("\n"), 1)
    found = [(number, text.encode("latin-1")) for number, text in numbered]
    if found[-1][1].endswith(b"\r"):
        found[-1] = (found[-1][0], found[-1][1][:-1])
    return [(number, line) for number, line in found if set(line) - set(b" \t\r")]


@given(body=bodies)
@example(body=b"")
@example(body=order_text().encode() + b"\r")
@example(body=b"\xff\n" + order_text().encode())
@example(body=b"\x00\n\x0b\n\xc2\x85\n\xe2\x80\xa8")
def test_each_line_has_a_result_and_what_is_queued_is_a_line(api: Api, body: bytes) -> None:
    api.queue.sent.clear()

    answer = post_lines(api, body)

    sent = [message.body.encode() for message in api.queue.sent]
    given_lines = lines_by_hand(body)
    results = answer.body["results"]
    assert [each["line"] for each in results] == [number for number, _ in given_lines]
    queued = [each["status"] == "QUEUED" for each in results]
    assert sorted(sent) == sorted(
        line for (_, line), is_queued in zip(given_lines, queued, strict=True) if is_queued
    )
    assert answer.status == (202 if any(queued) else 400)


@given(body=bodies)
def test_a_line_is_judged_as_the_order_alone(api: Api, body: bytes) -> None:
    answer = post_lines(api, body)

    for (_, line), result in zip(lines_by_hand(body), answer.body["results"], strict=True):
        alone = api.post(line)
        if alone.status == 202:
            assert result == {"line": result["line"], **alone.body}
        else:
            refused = result["problem"]
            assert refused | {"detail": ""} == alone.body | {"detail": ""}


@given(body=bodies)
@example(body=order_text(note="\ufffd").encode())
@example(body=b"[\xff" * 100_000)
@example(body=b" " * (MAX_PAYLOAD_BYTES + 9) + b"\n[]")
@example(body=b"x" * (MAX_PAYLOAD_BYTES + 9))
def test_a_dry_run_without_a_stage_judges_as_the_api_does(api: Api, body: bytes) -> None:
    answer = post_lines(api, body, query="?dryRun=true")

    english = texts_in("en")
    assert [result_json(each, english) for each in judge_file(BytesIO(body))] == (
        answer.body["results"]
    )


@given(body=bodies)
def test_api_gateways_base64_changes_nothing(api: Api, body: bytes) -> None:
    here = post_lines(api, body, Idempotency_Key=KEY)
    headers = {"Idempotency-Key": KEY}
    there = api.invoke(lines_event(body, stage="", headers=headers, identity={}))

    assert (there["statusCode"], json.loads(there["body"])) == (here.status, here.body)


class Attempt(NamedTuple):
    """One request: which lines it has, and what becomes of each call to the queue."""

    chosen: Sequence[int]
    calls: Sequence[str]


class UnreliableQueue(FakeQueue):
    """A queue whose calls end as planned: some are done and not answered, or the process ends."""

    def __init__(self) -> None:
        super().__init__()
        self.plan: Iterator[str] = iter(())

    def send_batch(self, messages: Sequence[Outgoing]) -> list[str | None]:
        outcome = next(self.plan, "sent")
        if outcome == "killed before":
            raise Killed
        taken = messages if outcome != "refused" else messages[::2]
        if outcome != "lost":
            super().send_batch(taken)
        if outcome == "killed after":
            raise Killed
        if outcome in ("lost", "done unanswered"):
            raise StoreUnavailable(outcome)
        return [None if message in taken else outcome for message in messages]


OUTCOMES = ["sent", "lost", "done unanswered", "refused", "killed before", "killed after"]
TEXTS = [order_text(f"o-{n % 9}", amount=n // 9) for n in range(2 * MOST_MESSAGES_PER_CALL + 3)]
calls = st.lists(st.sampled_from(OUTCOMES), max_size=5)
chosen = st.lists(st.integers(0, len(TEXTS) - 1), max_size=2 * len(TEXTS))
attempts = st.lists(st.builds(Attempt, chosen, calls), max_size=4)


@given(attempts=attempts, data=st.data())
def test_lines_that_are_handed_in_again_with_the_key_are_recorded_once(
    attempts: Sequence[Attempt], data: st.DataObject
) -> None:
    """Whichever of them, in whatever company, and wherever the function ended before."""
    queue = UnreliableQueue()
    promised: set[str] = set()
    for attempt in attempts:
        queue.plan = iter(attempt.calls)
        with suppress(Killed):
            promised |= queued(hand_in(queue, [TEXTS[n] for n in attempt.chosen]))
    queue.plan = iter(())
    last = hand_in(queue, data.draw(st.permutations(TEXTS)))

    identities = process(queue, data)

    assert last.counts == {LineStatus.QUEUED: len(TEXTS)}
    expected = {
        (submission_id_for_line("anonymous", KEY, sha256_of(text)), sha256_of(text))
        for text in TEXTS
    }
    assert sorted(identities) == sorted(expected)
    assert promised <= {submission_id for submission_id, _ in identities}


@given(calls=calls)
def test_a_line_that_is_queued_is_on_the_queue(calls: Sequence[str]) -> None:
    queue = UnreliableQueue()
    queue.plan = iter(calls)

    with suppress(Killed):
        promised = queued(hand_in(queue, TEXTS))
        assert promised <= {sent.attributes["submissionId"] for sent in queue.sent}


def hand_in(queue: FakeQueue, texts: Sequence[str]) -> BatchReceipt:
    body = "\n".join(texts).encode()
    intake = BatchIntake(queue, Clock(), new_id=lambda: "")
    return intake.submit(lines_in(body), request_id="r-1", idempotency_key=KEY)


def queued(receipt: BatchReceipt) -> set[str]:
    return {
        each.submission_id
        for each in receipt.results
        if each.submission_id and each.status is LineStatus.QUEUED
    }


def process(queue: FakeQueue, data: st.DataObject) -> list[tuple[str, str]]:
    """Deliver all messages, some of them twice, in any order: the identities of the records."""
    records = FakeRecordStore()
    processor = Processor(
        records=records,
        archive=FakeArchive(),
        queue=queue,
        reporter=FakeReporter(),
        clock=Clock(),
    )
    messages: list[Message] = []
    for sent in queue.sent:
        attributes: dict[str, Any] = {**sent.attributes}
        messages.append(Message.from_record(sqs_record(sent.body, **attributes)))
    delivered = data.draw(st.permutations(messages)) + messages[::3]
    for start in range(0, len(delivered), 10):
        processor.process_batch(delivered[start : start + 10])
    return [(record.submission_id, record.payload_sha256) for record in records.all()]
