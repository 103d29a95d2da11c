"""Keys that are used again and again: a key stands for one body at a time, and blocks no replay."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.services.intake import IdempotencyKeyReused, Intake, SubmissionUnconfirmed
from chalicelib.services.keys import KEY_LIFETIME
from tests.builders import Clock, order_text
from tests.fakes import FakeKeyStore, FakeQueue, FakeReporter

BODIES = [order_text("a"), order_text("a") + " ", order_text("b"), order_text("a", amount=0)]
ATTEMPTS = st.lists(
    st.tuples(
        st.sampled_from(["key-1", "key-2"]),
        st.sampled_from(BODIES),
        st.integers(0, 30).map(lambda hours: timedelta(hours=hours)),
        st.sampled_from(["", "the queue is down", "the keys are out of reach"]),
    ),
    max_size=12,
)


@given(ATTEMPTS)
def test_an_attempt_is_refused_only_if_its_key_stands_for_other_bytes(
    attempts: list[tuple[str, str, timedelta, str]],
) -> None:
    queue, keys, clock = FakeQueue(), FakeKeyStore(), Clock()
    intake = Intake(queue, clock, lambda: "id", keys, FakeReporter())
    first_uses: dict[str, tuple[str, datetime]] = {}

    for key, body, pause, trouble in attempts:
        clock.now += pause
        sent = [message.body for message in queue.sent]
        used = first_uses.get(key)
        if used and clock.now >= used[1] + KEY_LIFETIME:
            used = None
        checked = trouble != "the keys are out of reach"
        refused = checked and used is not None and used[0] != body
        if checked and used is None:
            first_uses[key] = (body, clock.now)

        with keys.outage(not checked), queue.outage(trouble == "the queue is down"):
            outcome = handed_in(intake, body, key)

        assert (outcome == "refused") is refused
        queued = not refused and trouble != "the queue is down"
        assert [message.body for message in queue.sent] == sent + ([body] if queued else [])
        if outcome.startswith("taken"):
            assert outcome == f"taken, replayed: {checked and used is not None}"


def handed_in(intake: Intake, body: str, key: str) -> str:
    """Hand an order in, and name the outcome."""
    try:
        receipt = intake.submit(body.encode(), request_id="r", idempotency_key=key)
    except IdempotencyKeyReused:
        return "refused"
    except SubmissionUnconfirmed:
        return "unconfirmed"
    return f"taken, replayed: {receipt.replayed}"
