"""A batch of lines: handed in again, the same bytes with the same key, until each is settled."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from email.utils import format_datetime
from http.client import BadStatusLine, IncompleteRead
from typing import Any

import pytest
from botocore.exceptions import TokenRetrievalError
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.orders.times import now
from ops.bulk.answers import Settled, settled_lines
from ops.bulk.lines import Line
from ops.bulk.problems import StoppedShort
from ops.bulk.sender import Sender
from ops.patience import MOST_ATTEMPTS
from tests.batch_api import FakeBatchApi, Misbehaviour, answering, confirming, failing
from tests.builders import order_text

KEY = "lines-1"
TEXTS = [order_text("a"), order_text("b", amount=0), "[]", order_text("a"), order_text("c")]
LINES = [Line(number, text.encode()) for number, text in enumerate(TEXTS, start=11)]
BODY = b"".join(line.content + b"\n" for line in LINES)
RECORDED = [LINES[0].content, LINES[1].content, LINES[4].content]
OUTCOMES = [(True, False), (False, False), None, (True, True), (True, False)]


class Told:
    """A sender over a fake API, with what it said and how long it waited."""

    def __init__(self, *misbehaviours: Misbehaviour) -> None:
        self.api = FakeBatchApi(*misbehaviours)
        self.notes: list[str] = []
        self.waits: list[float] = []

    def hand_in(self, lines: list[Line] = LINES) -> list[Any]:
        sender = Sender(
            self.api, KEY, language="es", note=self.notes.append, sleep=self.waits.append
        )
        settled = sender.hand_in(lines)
        assert list(settled) == lines
        return [
            None if each.problem is not None else (each.valid, each.is_repeated)
            for each in settled.values()
        ]


def test_each_line_is_queued_or_refused() -> None:
    told = Told()

    outcomes = told.hand_in()

    ((headers, body),) = told.api.requests
    assert outcomes == OUTCOMES
    assert body == BODY
    assert (headers["Idempotency-Key"], headers["Accept-Language"]) == (KEY, "es")
    assert not told.notes


def test_no_lines_are_no_request() -> None:
    told = Told()

    assert told.hand_in([]) == []
    assert not told.api.requests


@pytest.mark.parametrize(
    "misbehaviour",
    [
        *(answering(status) for status in (408, 425, 429, 500, 502, 503, 504, 507)),
        answering(500, {"type": "urn:orders:problem:internal-error", "detail": "x", "status": 500}),
        answering(503, {"results": []}),
        answering(429, "", "1"),
        answering(202, "cut"),
        answering(202, None),
        answering(200, {"results": {"line": 1}}),
        answering(202, {"results": [7, None, {}, {"line": True}, {"line": 99}, {"line": "1"}]}),
        failing(ConnectionResetError(), taken=True),
        failing(ConnectionRefusedError(), taken=False),
        failing(TimeoutError("timed out"), taken=True),
        failing(IncompleteRead(b"{"), taken=True),
        failing(BadStatusLine("x"), taken=False),
    ],
)
def test_what_may_be_queued_is_handed_in_again_with_the_same_bytes_and_key(
    misbehaviour: Misbehaviour,
) -> None:
    told = Told(misbehaviour)

    outcomes = told.hand_in()

    first, again = told.api.requests
    assert outcomes == OUTCOMES
    assert told.api.recorded() == RECORDED
    assert again == first
    assert len(told.notes) == len(told.waits) == 1


def test_only_the_unconfirmed_lines_are_handed_in_again() -> None:
    told = Told(confirming(lambda number: number in (1, 3)), confirming(lambda number: number == 2))

    outcomes = told.hand_in()

    sent = [body.splitlines() for _, body in told.api.requests]
    contents = [line.content for line in LINES]
    assert outcomes == [(True, False), (False, False), None, (True, False), (True, False)]
    assert sent == [contents, [contents[1], contents[3], contents[4]], [contents[1], contents[4]]]
    assert told.api.recorded() == RECORDED
    assert told.notes[0].startswith("3 lines are not confirmed: once more in ")


@pytest.mark.parametrize("form", [str, lambda n: format_datetime(now() + timedelta(seconds=n))])
def test_it_waits_as_long_as_the_api_asks(form: Callable[[int], str]) -> None:
    told = Told(answering(503, "", form(120)))

    told.hand_in()

    assert 115 < told.waits[0] < 151


@pytest.mark.parametrize(
    ("misbehaviour", "said"),
    [
        (answering(502), "502 Bad Gateway"),
        (answering(503, {"detail": "The queue rests."}), "503: The queue rests"),
        (failing(ConnectionRefusedError("refused"), taken=False), "No answer: refused"),
        (answering(202, {}), "5 lines are not confirmed"),
    ],
)
def test_it_gives_up_after_so_many_attempts_in_vain(misbehaviour: Misbehaviour, said: str) -> None:
    told = Told(*[misbehaviour] * MOST_ATTEMPTS)

    with pytest.raises(StoppedShort, match=said):
        told.hand_in()

    assert len(told.api.requests) == MOST_ATTEMPTS


def test_a_line_that_is_settled_renews_its_patience() -> None:
    in_vain = [answering(503)] * (MOST_ATTEMPTS - 2)
    first_only = confirming(lambda number: number == 1)
    told = Told(*[first_only, *in_vain] * 3)

    assert len(told.hand_in()) == len(LINES)
    assert len(told.api.requests) > MOST_ATTEMPTS * 2


def test_it_gives_up_at_once_if_the_api_asks_to_wait_too_long() -> None:
    told = Told(answering(503, "", "3600"))

    with pytest.raises(StoppedShort, match=r"It asks to wait 3,600 s"):
        told.hand_in()

    assert not told.waits


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 405, 413, 415, 422])
def test_a_refused_request_is_not_tried_again(status: int) -> None:
    told = Told(answering(status, {"detail": "Account 55501234567 may not."}))

    with pytest.raises(StoppedShort, match="The API refuses the request") as stopped:
        told.hand_in()

    assert len(told.api.requests) == 1
    assert "55501234567" not in str(stopped.value)
    assert ("needs the right" in str(stopped.value)) == (status in (401, 403, 404))


def test_the_refusal_of_a_caller_of_no_channel_blames_no_right_to_call_the_api() -> None:
    """The request came through: rights of IAM and a deployment would change nothing."""
    problem = {"type": "urn:orders:problem:caller-unknown", "detail": "Ask for an entry."}
    told = Told(answering(403, problem))

    with pytest.raises(StoppedShort, match="Ask for an entry") as stopped:
        told.hand_in()

    assert "needs the right" not in str(stopped.value)


def test_credentials_that_are_gone_stop_the_run() -> None:
    told = Told(failing(TokenRetrievalError(provider="sso", error_msg="expired"), taken=False))

    with pytest.raises(StoppedShort, match="can't be signed"):
        told.hand_in()


def test_an_answer_about_other_bytes_settles_nothing() -> None:
    """Whatever has changed the bytes or the order of the results, no line is taken for another."""
    other = {"line": 1, "status": "QUEUED", "payloadSha256": "0" * 64, "valid": True}

    assert settled_lines({"results": [other]}, LINES) == {}


@pytest.mark.parametrize(("hashed", "settles"), [(b"a", True), (b"a\r", False)])
def test_a_carriage_return_is_no_part_of_an_order(hashed: bytes, *, settles: bool) -> None:
    line = Line(1, b"a\r")
    digest = hashlib.sha256(hashed).hexdigest()
    result = {"line": 1, "status": "QUEUED", "payloadSha256": digest, "valid": True}

    found = settled_lines({"results": [result]}, [line])

    assert found == ({line: Settled(valid=True)} if settles else {})


@pytest.mark.parametrize(
    ("status", "is_final"), [(400, True), (403, True), (429, False), (503, False)]
)
def test_a_problem_that_may_pass_refuses_no_line(status: int, *, is_final: bool) -> None:
    result = {"line": 1, "status": "REFUSED", "problem": {"status": status}}

    assert bool(settled_lines({"results": [result]}, LINES)) is is_final


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["results", "line", "status", "problem", "valid", "sameAsLine"]),
            inner | st.sampled_from(["QUEUED", "REFUSED", "UNCONFIRMED"]),
            max_size=4,
        )
    ),
)


@given(ANY_JSON)
def test_no_answer_fails_the_run_or_queues_a_line_without_its_hash(body: Any) -> None:
    found = settled_lines(body, LINES) | settled_lines({"results": [body]}, LINES)

    assert all(settled.problem is not None for settled in found.values())
