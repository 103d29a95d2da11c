"""Dead letters: a look tells all and leaves all as it was; no redrive loses or doubles one."""

import gc
import json
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.orders.errors import sentence, sentence_to_json
from chalicelib.orders.record import Record, Status
from chalicelib.services.claims import Claims
from chalicelib.services.message import Message
from chalicelib.services.processing import Processor
from chalicelib.services.unavailable import StoreUnavailable
from chalicelib.texts import texts_in
from ops.desk.audit_trail import AuditTrail
from ops.desk.dead_letters import DeadLetters
from ops.desk.letter_reasons import GAVE_UP
from ops.desk.letters import Handled, Known, Plan, Selection
from ops.desk.reasons import BadReason
from tests.builders import START, Clock, order_text, sqs_message, sqs_record, submission
from tests.desk_fakes import (
    FakeDeadLetterQueue,
    FakeDecisionBucket,
    FakeOrderTable,
    Killed,
    decisions_over,
)
from tests.fakes import FakeArchive, FakeQueue, FakeRecordStore, FakeReporter
from tests.properties.traceparents import TRACEPARENT

NOT_AN_OBJECT = sentence("order.not_an_object", got=sentence("got.list"))
OPERATOR = "arn:aws:iam::000000000000:user/ana"


class World:
    """A desk over fakes, and the processor that the letters go back to."""

    def __init__(self) -> None:
        self.queue = FakeDeadLetterQueue()
        self.records = FakeRecordStore()
        self.table = FakeOrderTable(self.records)
        self.clock = Clock(START + timedelta(hours=1))
        self.slept: list[float] = []
        self.resubmitted: list[tuple[bytes, str]] = []
        self.claims: list[Claims] = []
        self.order_queue = FakeQueue()
        self.decisions = decisions_over(FakeDecisionBucket(self.clock), self.clock, OPERATOR)
        self.letters = DeadLetters(
            self.queue,
            self.table,
            AuditTrail(self.table, stage="test", who=lambda: OPERATOR, clock=self.clock),
            self.decisions,
            clock=self.clock,
            sleep=self.slept.append,
            monotonic=lambda: 0.0,
        )
        self.processor = Processor(
            records=self.records,
            archive=FakeArchive(),
            queue=self.order_queue,
            reporter=FakeReporter(),
            clock=self.clock,
        )

    def redrive(self, plan: Plan | None = None, **options: Any) -> list[Handled]:
        return list(self.letters.redrive(plan or self.letters.plan(Selection()), **options))

    def process_what_was_sent(self) -> None:
        """Process the messages that were sent back: SQS has given each a new message id."""
        for sent in self.queue.sent:
            record = {**sqs_record(sent.body), "messageAttributes": sent.attributes}
            self.processor.process_batch([Message.from_record(record)])
        self.queue.sent.clear()

    def receive_dead_letters(self) -> None:
        """Move what the processor has passed on to where the desk looks: with new message ids."""
        for sent in self.order_queue.dead_letters:
            record = {**sqs_record(sent.body), "messageAttributes": sent.message_attributes}
            self.queue.add(Message.from_record(record))
        self.order_queue.dead_letters.clear()

    @property
    def written(self) -> list[dict[str, Any]]:
        """The audit trail, in the order in which it was written."""
        return list(self.table.items.values())


@pytest.fixture
def world() -> World:
    return World()


def unreadable(body: str = "[]", **attributes: str) -> Message:
    """Make a message that the processor passed on."""
    details: dict[str, Any] = {
        "unreadableReason": "not_an_object",
        "unreadableDetail": json.dumps(sentence_to_json(NOT_AN_OBJECT)),
        "unreadableAt": "2026-03-01T12:00:05.000Z",
        "originalMessageId": "original-1",
        "submissionId": "s-1",
        **attributes,
    }
    return sqs_message(body, **details)


def test_a_letter_is_decoded(world: World) -> None:
    message = sqs_message(order_text("order-001"), receive_count=5, submissionId="s-1")
    world.queue.add(message)

    (letter,) = world.letters.look()

    assert (letter.order_id, letter.submission_id, letter.reason) == ("order-001", "s-1", GAVE_UP)
    assert (letter.known, letter.status) == (Known.NOTHING, None)
    assert letter.message.receive_count == 6
    assert letter.first_seen_at == START


def test_an_unreadable_letter_shows_the_processors_reason(world: World) -> None:
    world.queue.add(unreadable())

    (letter,) = world.letters.look()

    assert (letter.order_id, letter.reason) == (None, "not_an_object")
    assert letter.detail == NOT_AN_OBJECT
    assert letter.written_detail(texts_in("en")) == "is not a JSON object: got a list"
    assert letter.known is Known.UNREADABLE
    assert letter.last_seen_at == START + timedelta(seconds=5)


def test_an_attribute_of_a_senders_own_is_masked_unless_accounts_are_asked_for(
    world: World,
) -> None:
    own = {
        "submissionId": "6f796420-4ba3-4735-bfa2-077c450209ad",
        "submittedBy": "arn:aws:iam::123456789012:user/ana",
    }
    world.queue.add(unreadable(channel="5550123456", note="<b>5550123456", **own))

    (letter,) = world.letters.look()

    attributes = letter.attributes()
    assert own.items() <= attributes.items()
    assert (attributes["channel"], attributes["note"]) == ("****3456", "<b>****3456")
    assert letter.attributes(show_accounts=True)["channel"] == "5550123456"


def test_an_attribute_of_bytes_is_shown_by_its_length_and_with_accounts_by_its_base64(
    world: World,
) -> None:
    message = unreadable()
    binary = {"dataType": "Binary.png", "binaryValue": "AP8B"}
    attributes = {**message.message_attributes, "photo": binary}
    world.queue.add(message._replace(message_attributes=attributes))

    (letter,) = world.letters.look()

    assert letter.attributes()["photo"] == "binary, 3 bytes"
    assert letter.attributes(show_accounts=True)["photo"] == "binary, 3 bytes, in base64: AP8B"


@pytest.fixture
def _nothing_is_collected() -> Iterator[None]:
    """Deep in a recursion, the end of another test's object would be an error of this one."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("_nothing_is_collected")
@pytest.mark.parametrize(
    "text",
    [
        "is not a JSON object",
        "5",
        '{"key": "order.empty"}',
        '{"key": 5, "parameters": {}}',
        '{"key": "order.empty", "parameters": []}',
        '{"key": "order.not_an_object", "parameters": {"got": 5}}',
        '{"key": "order.not_an_object", "parameters": {"got": {"key": []}}}',
        "[" * 2_000,
        '{"key": "k", "parameters": {"p": ' * 1_000 + '"x"' + "}}" * 1_000,
    ],
)
def test_a_foreign_detail_is_shown_unchanged(world: World, text: str) -> None:
    """It may be an older release's, or anyone's who may put messages on the queue."""
    world.queue.add(unreadable(unreadableDetail=text))

    (letter,) = world.letters.look()

    assert letter.detail == text
    assert letter.written_detail(texts_in("en")) == text


def test_a_sentence_of_another_release_is_shown_by_its_key(world: World) -> None:
    detail = '{"key": "order.made_up", "parameters": {"got": "5550123456"}}'
    world.queue.add(unreadable(unreadableDetail=detail))

    (letter,) = world.letters.look()

    assert letter.written_detail(texts_in("en")) == "order.made_up got=****3456"


def test_an_unreadable_letter_that_sqs_moved_gets_the_parsers_reason(world: World) -> None:
    world.queue.add(sqs_message("[]"))

    assert [letter.reason for letter in world.letters.look()] == ["not_an_object"]


@pytest.mark.parametrize(
    ("recorded_as", "known"),
    [("s-1", Known.THIS_SUBMISSION), ("another", Known.OTHER_SUBMISSION)],
)
def test_a_letter_shows_the_records_of_its_order(
    world: World, recorded_as: str, known: Known
) -> None:
    text = order_text("order-001")
    world.records.take(Record.of_first(submission(text, recorded_as), START))
    world.queue.add(sqs_message(text, submissionId="s-1"))

    (letter,) = world.letters.look()

    assert (letter.known, letter.status) == (known, Status.ACCEPTED)


def test_a_look_returns_the_letters_that_it_received(world: World) -> None:
    world.queue.add(*(sqs_message() for _ in range(25)))

    assert len(list(world.letters.look())) == 25

    assert not world.queue.hidden
    assert len(world.queue.messages) == 25


def test_an_interrupted_look_returns_the_letters_that_it_received(world: World) -> None:
    world.queue.add(*(sqs_message() for _ in range(25)))

    with closing(world.letters.look()) as letters:
        next(letters)
        assert len(world.queue.hidden) == 10

    assert not world.queue.hidden


def test_a_look_ends_even_if_no_letter_can_be_returned(world: World) -> None:
    """SQS returns the letters by itself in the end."""
    world.queue.add(sqs_message())

    with closing(world.letters.look()) as letters:
        next(letters)
        with world.queue.outage():
            letters.close()

    assert len(world.queue.hidden) == 1


@pytest.mark.parametrize(
    "selection",
    [
        Selection(message_ids=frozenset({"m-1"})),
        Selection(reason=GAVE_UP),
        Selection(order_id="order-001"),
        Selection(since=START + timedelta(minutes=30)),
        Selection(reason=GAVE_UP, order_id="order-001"),
    ],
    ids=str,
)
def test_a_selection_takes_the_letters_that_meet_all_its_conditions(
    world: World, selection: Selection
) -> None:
    late = (START + timedelta(minutes=45)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    wanted = sqs_message(order_text("order-001"), message_id="m-1", receivedAt=late)
    world.queue.add(unreadable(message_id="m-2"), wanted)

    plan = world.letters.plan(selection)

    assert plan.message_ids == {"m-1"}
    assert plan.by_reason == {GAVE_UP: 1}


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"submissionId": "s-1", "originalMessageId": "o-1"}, "s-1"),
        # The processor's copy has both. So this one is the sender's own, who may say anything.
        ({"originalMessageId": "o-1"}, "m-1"),
        ({}, "m-1"),
    ],
)
def test_a_redriven_letter_stays_the_same_submission(
    world: World, attributes: dict[str, str], expected: str
) -> None:
    """A redriven message gets a new id, so an attribute keeps the identity."""
    details: dict[str, Any] = attributes
    world.queue.add(sqs_message(order_text(), message_id="m-1", channel="atm", **details))

    (handled,) = world.redrive()

    (sent,) = world.queue.sent
    assert handled.error is None
    assert sent.body == order_text()
    assert sent.attribute("submissionId") == expected
    assert sent.attribute("channel") == "atm"
    assert sent.attribute("receivedAt") == "2026-03-01T12:00:00.000Z"
    assert not world.queue.messages


def test_a_redriven_letter_loses_its_old_reason(world: World) -> None:
    """SQS admits ten attributes, and the next reason may be another one."""
    world.queue.add(unreadable())

    world.redrive()

    assert set(world.queue.sent[0].attributes) == {"submissionId", "receivedAt"}


@pytest.mark.parametrize("count", [0, 4, 5, 8, 10])
def test_a_letter_that_fails_again_keeps_its_attributes(world: World, count: int) -> None:
    """However often it is redriven, SQS carries ten attributes of it, and each stays as it was."""
    own: dict[str, Any] = {
        "channel": "atm",
        "requestId": "r-1",
        "submittedBy": "ana",
        "traceparent": TRACEPARENT,
    }
    own |= {f"a{number}": f'{number}\t"ñ' for number in range(10)}
    kept = dict(list(own.items())[:count])
    world.processor.process_batch([sqs_message("[1]", message_id="m-1", **kept)])

    rounds = []
    for _ in range(3):
        world.receive_dead_letters()
        (letter,) = world.letters.look()
        rounds.append(letter)
        world.redrive()
        assert len(world.queue.sent[0].attributes) <= 10
        world.process_what_was_sent()

    for letter in rounds:
        attributes = letter.attributes(show_accounts=True)
        assert kept.items() <= attributes.items()
        assert len(attributes) == count + 6
        assert (letter.submission_id, letter.reason) == ("m-1", "not_an_object")
        assert attributes["receivedAt"] == "2026-03-01T12:00:00.000Z"


def test_a_kill_between_send_and_delete_makes_no_duplicate(world: World) -> None:
    world.queue.add(sqs_message(order_text("order-001"), message_id="m-1"))
    world.queue.killed_before_delete = True
    with pytest.raises(Killed):
        world.redrive()
    world.process_what_was_sent()

    world.queue.killed_before_delete = False
    world.queue.pass_time()
    world.redrive()
    world.process_what_was_sent()

    (record,) = world.records.of("order-001")
    assert (record.status, record.submission_id) == (Status.ACCEPTED, "m-1")
    assert not world.queue.messages


def test_an_unsendable_letter_stays_and_is_reported(world: World) -> None:
    world.queue.add(sqs_message())
    plan = world.letters.plan(Selection())

    def fail(*_: object) -> None:
        raise StoreUnavailable("SQS SendMessage: AccessDenied")

    world.queue.send_back = fail  # type: ignore[method-assign, assignment]
    (handled,) = world.redrive(plan)

    assert handled.error == "SQS SendMessage: AccessDenied"
    assert len(world.queue.messages) == 1
    assert not world.queue.hidden


def test_a_redrive_leaves_out_letters_that_come_later(world: World) -> None:
    """A letter that fails again would otherwise be redriven for ever."""
    world.queue.add(sqs_message(message_id="m-1"))
    plan = world.letters.plan(Selection())
    world.queue.add(*(sqs_message() for _ in range(15)))

    world.redrive(plan)

    assert len(world.queue.sent) == 1
    assert len(world.queue.messages) == 15
    assert not world.queue.hidden


def test_a_closed_redrive_stops_and_can_be_begun_again(world: World) -> None:
    world.queue.add(*(sqs_message() for _ in range(25)))
    with closing(world.letters.redrive(world.letters.plan(Selection()))) as handled:
        for _ in range(12):
            next(handled)

    assert len(world.queue.messages) == 13
    assert not world.queue.hidden
    assert world.written[-1]["details"]["M"]["done"]["S"] == "12"
    assert len(world.redrive()) == 13
    assert len(world.queue.sent) == 25


def test_a_redrive_keeps_to_its_rate(world: World) -> None:
    world.queue.add(*(sqs_message() for _ in range(3)))

    world.redrive(per_second=2)

    assert world.slept == [0.0, 0.5, 1.0]


def test_a_redrive_writes_audit_entries_before_it_begins_and_when_it_ends(world: World) -> None:
    world.queue.add(sqs_message())

    world.redrive(why="table was throttled")

    begun, ended = world.written
    assert (begun["what"]["S"], ended["what"]["S"]) == ("dlq.redrive", "dlq.redrive.ended")
    assert begun["who"]["S"] == OPERATOR
    assert begun["why"]["S"] == "table was throttled"
    assert begun["details"]["M"] == {"selection": {"S": "all"}, "letters": {"S": "1"}}


@pytest.mark.parametrize("action", ["redrive", "discard"])
def test_nothing_is_done_without_an_audit_entry(world: World, action: str) -> None:
    world.queue.add(sqs_message())
    plan = world.letters.plan(Selection())
    act: Callable[..., Any] = getattr(world.letters, action)

    with world.table.outage(), pytest.raises(StoreUnavailable):
        list(act(plan, why="because"))

    assert len(world.queue.messages) == 1
    assert not world.queue.sent


def test_a_discard_deletes_the_letter_and_keeps_its_text(world: World) -> None:
    world.queue.add(sqs_message(order_text("order-001"), message_id="m-1"))

    (handled,) = world.letters.discard(world.letters.plan(Selection()), why="a test of ours")

    assert handled.error is None
    assert not world.queue.messages
    kept = world.written[0]
    assert (kept["what"]["S"], kept["why"]["S"]) == ("dlq.discard", "a test of ours")
    assert kept["details"]["M"]["payload"]["S"] == order_text("order-001")


LARGEST_ITEM_BYTES = 409_600


@pytest.mark.parametrize(
    ("body", "attribute"),
    [
        ("[" * 1_000_000, "x" * 40_000),
        ("[", "\\" * 1_000_000),
        ("ñ€𝄞" * 100_000, "ñ"),
        ("[" * 200_000, "x" * 200_000),
        ("[" * 100, "x" * 100),
    ],
    ids=["text", "attributes", "characters of many bytes", "both", "small"],
)
def test_a_discard_keeps_the_whole_letter_in_entries_that_the_table_takes(
    world: World, body: str, attribute: str
) -> None:
    message = sqs_message(body, note=attribute, submissionId="s-1")
    world.queue.add(message)

    (handled,) = world.letters.discard(world.letters.plan(Selection()), why="x" * 500)

    assert handled.error is None
    for item in world.written:
        assert len(json.dumps(item, ensure_ascii=False).encode()) < 2 * LARGEST_ITEM_BYTES
        details = item["details"]["M"]
        kept = sum(len(name) + len(value["S"].encode()) for name, value in details.items())
        assert kept + 2_000 < LARGEST_ITEM_BYTES
    *parts, whole, ended = world.written
    assert [item["what"]["S"] for item in parts] == ["dlq.discard.part"] * len(parts)
    assert (whole["what"]["S"], ended["what"]["S"]) == ("dlq.discard", "dlq.discard.ended")
    assert whole["details"]["M"].get("parts", {"S": "0"})["S"] == str(len(parts))
    written = [item["details"]["M"] for item in (*parts, whole)]
    texts = {
        name: "".join(details[name]["S"] for details in written if name in details)
        for name in ("payload", "attributes")
    }
    assert texts["payload"] == body
    assert json.loads(texts["attributes"]) == message.message_attributes


def test_an_entry_that_tells_too_much_is_cut_and_says_so(world: World) -> None:
    ids = frozenset(f"00000000-0000-4000-8000-{number:012d}" for number in range(15_000))
    plan = Plan(Selection(ids), ids, {}, {})

    list(world.letters.redrive(plan))

    told = world.written[0]["details"]["M"]
    assert len(told["selection"]["S"]) < LARGEST_ITEM_BYTES
    assert told["selection"]["S"].endswith(" ... (570,006 bytes)")
    assert told["letters"]["S"] == "15000"


@pytest.mark.parametrize(
    ("why", "problem"),
    [
        ("", "blank"),
        (" \t\n\u00a0", "blank"),
        ("x" * 501, "too_long"),
        ("a\x1b[31mb", "characters"),
        ("a\x00b", "characters"),
        ("\u202eabc", "characters"),
    ],
)
def test_a_discard_needs_a_reason_before_anything_begins(
    world: World, why: str, problem: str
) -> None:
    world.queue.add(sqs_message())
    plan = world.letters.plan(Selection())

    with pytest.raises(BadReason) as bad:
        world.letters.discard(plan, why=why)

    assert bad.value.problem == problem
    assert (len(world.queue.messages), world.written) == (1, [])


def test_a_redrive_needs_no_reason_but_keeps_only_a_good_one(world: World) -> None:
    world.queue.add(sqs_message())
    plan = world.letters.plan(Selection())

    with pytest.raises(BadReason):
        world.letters.redrive(plan, why="\x07")

    assert (len(world.queue.messages), world.written) == (1, [])
    list(world.letters.redrive(plan, why=" table \n throttled "))
    assert {action["why"]["S"] for action in world.written} == {"table throttled"}


def test_one_letter_is_found_by_its_id(world: World) -> None:
    world.queue.add(*(sqs_message() for _ in range(12)), sqs_message(message_id="m-1"))

    found = world.letters.find("m-1")

    assert found
    assert found.message_id == "m-1"
    assert world.letters.find("m-2") is None
    assert not world.queue.hidden
