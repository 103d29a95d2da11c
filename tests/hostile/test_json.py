"""Each text of the corpus is recorded, or refused with a reason: by POST and by the queue."""

from http import HTTPStatus
from typing import Any

from chalicelib.orders.order import sha256_of
from tests.hostile.conftest import System, assert_tells_nothing
from tests.hostile.corpus import (
    BY_HTTP_ONLY,
    BY_QUEUE_ONLY,
    INVALID,
    READABLE,
    UNREADABLE,
    VALID,
)


def test_post_survives_hostile_json(system: System) -> None:
    readable = {name: text for name, (text, _) in READABLE.items()}
    unreadable = {name: text.encode() for name, (text, _) in UNREADABLE.items()} | BY_HTTP_ONLY

    answers = {name: system.api.post(text) for name, text in (readable | unreadable).items()}

    for answer in answers.values():
        assert_tells_nothing(answer.body)
    assert {name: answers[name].status for name in readable} == dict.fromkeys(readable, 202)
    assert {name: verdict_of(answers[name].body) for name in readable} == expected_of(READABLE)
    problems = {name: (answers[name].status, answers[name].body["type"]) for name in unreadable}
    refused = (HTTPStatus.BAD_REQUEST, "urn:orders:problem:unreadable-order")
    assert problems == dict.fromkeys(unreadable, refused)
    system.settle()
    assert recorded(system, readable) == expected_of(READABLE)


def test_the_queue_survives_hostile_json(system: System) -> None:
    """The queue gives no answer: an unreadable order becomes a dead letter, with a reason."""
    corpus = READABLE | BY_QUEUE_ONLY
    readable = {name: text.replace("hostile", "queued") for name, (text, _) in corpus.items()}
    system.dead_letters()

    for text in readable.values():
        system.send(text)
    for text, _ in UNREADABLE.values():
        system.send(text)
    system.settle()

    assert recorded(system, readable) == expected_of(corpus)
    reasons = {
        message["Body"]: message["MessageAttributes"]["unreadableReason"]["StringValue"]
        for message in system.dead_letters()
    }
    assert {name: reasons.get(text) for name, (text, _) in UNREADABLE.items()} == expected_of(
        UNREADABLE
    )
    assert " failed " not in system.stack.log
    assert "Traceback" not in system.stack.log


def expected_of(corpus: dict[str, tuple[str, str]]) -> dict[str, str]:
    return {name: expectation for name, (_, expectation) in corpus.items()}


def verdict_of(receipt: Any) -> str:
    return VALID if receipt["valid"] else INVALID


def recorded(system: System, texts: dict[str, str]) -> dict[str, str | None]:
    """Tell how each text was recorded, to the byte."""
    verdicts = {
        item["payloadSha256"]["S"]: VALID if item["valid"]["BOOL"] else INVALID
        for item in system.records()
    }
    return {name: verdicts.get(sha256_of(text)) for name, text in texts.items()}
