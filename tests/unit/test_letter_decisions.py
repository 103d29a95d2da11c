"""Dead letters and decisions: a redrive, a discard and a resubmission go by each other's."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.orders.errors import UnreadableOrder
from chalicelib.orders.order import parse_order, sha256_of
from chalicelib.orders.record import Record
from chalicelib.services.claims import Claims
from chalicelib.services.intake import Receipt
from chalicelib.services.message import Message
from chalicelib.services.unavailable import StoreUnavailable
from ops.desk.audit_trail import AuditTrail
from ops.desk.decisions import Decided, DecisionStands
from ops.desk.letters import DeadLetter, Handled, Selection
from ops.desk.order_table import Identity
from ops.desk.resubmission import Resubmissions
from tests.builders import START, order_text, sqs_message, submission
from tests.desk_fakes import Killed
from tests.properties.traceparents import TRACEPARENT
from tests.unit.test_desk_dead_letters import World, unreadable

WHY = "resubmitted as order-7b"
TEXT = order_text("order-7")
EDITED = order_text("order-7b")
ORDER = Identity("order-7", "s-1", sha256_of(TEXT))


def letter(message_id: str = "m-1") -> Message:
    return sqs_message(TEXT, message_id=message_id, submissionId="s-1")


@pytest.fixture
def world() -> World:
    """Make a desk, and the dead letter of an order that nothing is recorded of."""
    made = World()
    made.queue.add(letter())
    return made


def discard(world: World) -> list[Handled]:
    return list(world.letters.discard(world.letters.plan(Selection()), why=WHY))


def look(world: World) -> DeadLetter:
    found = world.letters.find("m-1")
    assert found
    return found


def resubmissions(world: World) -> Resubmissions:
    def submit(body: bytes, submission_id: str, claims: Claims) -> Receipt:
        world.claims.append(claims)
        world.resubmitted.append((body, submission_id))
        return Receipt(parse_order(body), submission_id)

    trail = AuditTrail(world.table, stage="test", who=lambda: "ana", clock=world.clock)
    return Resubmissions(submit, trail, world.decisions)


def resubmit(world: World, letter: DeadLetter | None = None) -> Receipt:
    return resubmissions(world).hand_in(letter or look(world), EDITED.encode())


def killed_before_its_delete(world: World, action: str) -> None:
    """Let a redrive or a discard be killed once it has decided, but before it deletes."""
    plan = world.letters.plan(Selection())
    world.queue.killed_before_delete = True
    act = getattr(world.letters, action)
    with pytest.raises(Killed):
        list(act(plan, why=WHY))
    world.queue.killed_before_delete = False
    world.queue.pass_time()


def test_a_discard_names_the_submission_before_the_letter_is_deleted(world: World) -> None:
    killed_before_its_delete(world, "discard")

    decision = world.decisions.last(ORDER)
    details = world.written[0]["details"]["M"]
    assert decision
    assert (decision.what, decision.why, decision.message_id) == (Decided.DISCARDED, WHY, "m-1")
    assert (details["order"]["S"], details["submission"]["S"], details["payloadSha256"]["S"]) == (
        ORDER
    )


def test_a_letter_whose_discard_was_broken_off_is_not_redriven(world: World) -> None:
    killed_before_its_delete(world, "discard")

    (handled,) = world.redrive()

    assert handled.error
    assert f"because: {WHY}" in handled.error
    assert not world.queue.sent
    assert "m-1" in world.queue.messages


def test_a_discard_that_was_broken_off_is_begun_again(world: World) -> None:
    killed_before_its_delete(world, "discard")

    (handled,) = discard(world)

    assert handled.error is None
    assert not world.queue.messages


def test_a_letter_that_may_be_on_the_queue_is_not_discarded(world: World) -> None:
    killed_before_its_delete(world, "redrive")

    (refused,) = discard(world)

    assert refused.error
    assert "may be on the orders' queue" in refused.error
    assert "m-1" in world.queue.messages
    assert "dlq.discard" not in {item["what"]["S"] for item in world.written}


def test_a_letter_whose_copy_was_recorded_goes_and_its_order_stays(world: World) -> None:
    killed_before_its_delete(world, "redrive")
    world.process_what_was_sent()

    (handled,) = discard(world)

    assert handled.error is None
    assert not world.queue.messages
    decision = world.decisions.last(ORDER)
    assert decision
    assert not decision.puts_away


def test_a_redrive_of_what_is_recorded_decides_nothing(world: World) -> None:
    world.records.take(Record.of_first(submission(TEXT, "s-1"), START))

    world.redrive()

    assert world.decisions.last(ORDER) is None


def test_an_unreadable_letter_is_discarded_without_a_submission(world: World) -> None:
    world.queue.messages.clear()
    world.queue.add(unreadable())

    (handled,) = discard(world)

    assert handled.error is None
    assert not list(world.decisions.ends())
    assert world.letters.decision_on(handled.letter) is None


def test_a_discard_without_its_audit_entry_decides_nothing(world: World) -> None:
    """The table is what is gone, when letters come: its letters can be redriven later."""
    plan = world.letters.plan(Selection())

    with world.table.outage(), pytest.raises(StoreUnavailable):
        list(world.letters.discard(plan, why=WHY))

    assert world.decisions.last(ORDER) is None


def test_a_letter_that_was_resubmitted_is_not_redriven(world: World) -> None:
    """Both would be accepted: the letter's order, and the one that it was resubmitted as."""
    resubmit(world)

    (handled,) = world.redrive()

    assert handled.error
    assert "resubmitted as order-7b" in handled.error
    assert not world.queue.sent


@pytest.mark.parametrize(
    ("attributes", "kept"),
    [
        ({}, (None, None)),
        ({"channel": "atm"}, ("atm", None)),
        ({"channel": "fax", "traceparent": "fax"}, (None, None)),
        ({"traceparent": TRACEPARENT}, (None, TRACEPARENT)),
    ],
)
def test_a_resubmitted_order_stays_its_channels_and_in_its_trace(
    world: World, attributes: dict[str, str], kept: tuple[str | None, str | None]
) -> None:
    """Else the channel that handed the letter in could not read what became of it."""
    message = sqs_message(TEXT, message_id="m-1", submissionId="s-1", **attributes)

    resubmit(world, replace(look(world), message=message))

    (claims,) = world.claims
    assert (claims.channel, claims.traceparent) == kept


def test_a_letter_that_was_resubmitted_is_discarded(world: World) -> None:
    resubmit(world)

    (handled,) = discard(world)

    assert handled.error is None
    assert not world.queue.messages


def test_what_is_recorded_is_not_resubmitted(world: World) -> None:
    killed_before_its_delete(world, "redrive")
    world.process_what_was_sent()

    with pytest.raises(DecisionStands, match="recorded as ACCEPTED"):
        resubmit(world)


def test_a_resubmission_of_an_unreadable_letter_is_audited_only(world: World) -> None:
    world.queue.add(unreadable(submissionId="s-2"))
    (read, broken) = sorted(world.letters.look(), key=lambda each: each.order_id or "~")

    resubmit(world, broken)

    assert world.decisions.last(ORDER) is None
    assert world.written[-1]["what"]["S"] == "dlq.resubmit"
    assert read.order_id == "order-7"


def test_a_resubmission_that_is_begun_again_is_the_same_submission(world: World) -> None:
    first = resubmit(world)

    again = resubmit(world)

    assert first == again
    assert [name for _, name in world.resubmitted] == [first.submission_id] * 2


def test_a_resubmission_without_its_audit_entry_is_not_handed_in(world: World) -> None:
    letter = look(world)

    with world.table.outage(), pytest.raises(StoreUnavailable):
        resubmit(world, letter)

    assert not world.resubmitted
    assert world.decisions.last(ORDER) is None


def test_a_text_without_an_order_decides_nothing(world: World) -> None:
    with pytest.raises(UnreadableOrder):
        resubmissions(world).hand_in(look(world), b"[]")

    assert world.decisions.last(ORDER) is None


def test_a_resubmission_that_was_discarded_is_not_repeated(world: World) -> None:
    """Its first letter is there still, and would send it again."""
    receipt = resubmit(world)
    order = receipt.order
    new = Identity(order.id, receipt.submission_id, order.payload_sha256)
    copy = sqs_message(EDITED, message_id="m-2")._replace(sent_at=world.clock())
    world.decisions.discard(new, copy, "wrong again")

    with pytest.raises(DecisionStands, match="wrong again"):
        resubmit(world)

    assert len(world.resubmitted) == 1


def test_the_decision_about_a_letter_is_shown_with_it(world: World) -> None:
    resubmit(world)

    decision = world.letters.decision_on(look(world))

    assert decision
    assert decision.order_id == "order-7b"


def test_a_copy_that_fails_again_can_be_discarded(world: World) -> None:
    world.redrive()
    copy = letter("m-2")._replace(sent_at=world.clock() + timedelta(seconds=1))
    world.queue.add(copy)

    (handled,) = discard(world)

    assert handled.error is None
    assert not world.queue.messages
