"""The limits of SQS: on each, the largest that passes and the smallest that is refused."""

from typing import Any

import pytest

from tests.aws_limits.cases import Case, hold
from tests.aws_limits.rule import Call
from tests.aws_limits.rules import BY_NAME
from tests.aws_limits.sqs_batches import size_of

SEND, BATCH, DELETE = "sqs.SendMessage", "sqs.SendMessageBatch", "sqs.DeleteMessageBatch"
RECEIVE = "sqs.ReceiveMessage"
ONE = {"StringValue": "1", "DataType": "String"}
SIZE = "SQS: body and attributes fit into the queue's maximum"
CHARACTERS = "SQS: a message holds only the characters of XML"
NAME = "SQS: an attribute's name is well-formed"
TYPE = "SQS: an attribute's type is known and fits its value"


def message(body: str = "{}", /, **attributes: Any) -> dict[str, Any]:
    return {"MessageBody": body, "MessageAttributes": attributes}


def named(name: str) -> dict[str, Any]:
    return {"MessageBody": "{}", "MessageAttributes": {name: ONE}}


def typed(kind: str, value: str | bytes = "1") -> dict[str, Any]:
    place = "BinaryValue" if isinstance(value, bytes) else "StringValue"
    return message(a={place: value, "DataType": kind})


def attributes(count: int) -> dict[str, Any]:
    many = {f"a{number}": ONE for number in range(count)}
    return {"MessageBody": "{}", "MessageAttributes": many}


def batch(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"Entries": [{"Id": str(number)} | each for number, each in enumerate(entries)]}


def with_ids(*ids: str) -> dict[str, Any]:
    return batch(*(message() | {"Id": each} for each in ids))


CASES = [
    Case("SQS: a message has at most 10 attributes", SEND, attributes(10), attributes(11)),
    Case(
        "SQS: a message has at most 10 attributes",
        BATCH,
        batch(message(), attributes(10)),
        batch(message(), attributes(11)),
    ),
    Case(SIZE, SEND, message("x" * 1_048_576), message("x" * 1_048_577)),
    # Names, types and values count, in UTF-8.
    Case(SIZE, SEND, message("x" * 1_048_568, a=ONE), message("x" * 1_048_569, a=ONE)),
    Case(SIZE, SEND, message("ñ" * 524_288), message("ñ" * 524_288 + "x")),
    *(
        Case(CHARACTERS, SEND, message(f"x{taken}x"), message(f"x{refused}x"))
        for taken, refused in [
            ("\t", "\x08"),
            ("\n", "\x0b"),
            ("\r", "\x0e"),
            (" ", "\x1f"),
            ("\ud7ff", "\ud800"),
            ("\ue000", "\udfff"),
            ("\ufffd", "\ufffe"),
            ("\U00010000", "\uffff"),
            ("\U0010ffff", "\x00"),
        ]
    ),
    Case(CHARACTERS, SEND, typed("String", "\ufffd"), typed("String", "\ufffe")),
    Case(CHARACTERS, SEND, typed("Binary", b"\x00"), typed("String", "\x00")),
    Case("SQS: a message has a body", SEND, message(" "), message("")),
    Case("SQS: an attribute has a value", SEND, typed("String", " "), typed("String", "")),
    Case("SQS: an attribute has a value", SEND, typed("Binary", b"0"), typed("Binary", b"")),
    Case(NAME, SEND, named("n" * 256), named("n" * 257)),
    Case(NAME, SEND, named("Aa0_-.z"), named("A a")),
    Case(NAME, SEND, named("a.b"), named("a..b")),
    Case(NAME, SEND, named("a"), named("a.")),
    Case(NAME, SEND, named("a"), named(".a")),
    Case(NAME, SEND, named("awsome"), named("aWs.a")),
    Case(NAME, SEND, named("amazon"), named("Amazon.a")),
    Case(TYPE, SEND, typed("String.json"), typed("Text")),
    Case(TYPE, SEND, typed("String." + "x" * 249), typed("String." + "x" * 250)),
    Case(TYPE, SEND, typed("Number.float", "-1.5e3"), typed("Number", "one")),
    Case(TYPE, SEND, typed("Number", "10"), typed("Number", "1_0")),
    Case(TYPE, SEND, typed("Number", "1"), typed("Number", " 1")),
    Case(TYPE, SEND, typed("Binary", b"1"), typed("String", b"1")),
    Case(
        "SQS: a batch has at most 10 entries",
        BATCH,
        batch(*[message()] * 10),
        batch(*[message()] * 11),
    ),
    Case("SQS: a batch has at most 10 entries", DELETE, batch(*[{}] * 10), batch(*[{}] * 11)),
    Case("SQS: a batch has an entry", DELETE, batch({}), batch()),
    Case("SQS: the ids of a batch are well-formed", BATCH, with_ids("i" * 80), with_ids("i" * 81)),
    Case("SQS: the ids of a batch are well-formed", BATCH, with_ids("a_B-9"), with_ids("a.b")),
    Case("SQS: the ids of a batch differ", BATCH, with_ids("a", "A"), with_ids("a", "a")),
    Case(
        "SQS: a batch has at most 1 MiB",
        BATCH,
        batch(message("x" * 524_288), message("x" * 524_288)),
        batch(message("x" * 524_288), message("x" * 524_289)),
    ),
    *(
        Case("SQS: times and counts are within their bounds", call, {**body, **taken}, refused)
        for call, body, taken, refused in [
            (RECEIVE, {}, {"MaxNumberOfMessages": 10}, {"MaxNumberOfMessages": 11}),
            (RECEIVE, {}, {"MaxNumberOfMessages": 1}, {"MaxNumberOfMessages": 0}),
            (RECEIVE, {}, {"WaitTimeSeconds": 20}, {"WaitTimeSeconds": 21}),
            (RECEIVE, {}, {"VisibilityTimeout": 43_200}, {"VisibilityTimeout": 43_201}),
            (SEND, message(), {"DelaySeconds": 900}, {**message(), "DelaySeconds": 901}),
        ]
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_sqs_takes_the_largest_and_refuses_the_next(case: Case) -> None:
    hold(case)


@pytest.mark.parametrize(("maximum", "is_refused"), [(327_680, False), (327_679, True)])
def test_a_message_is_held_to_the_maximum_of_its_queue(maximum: int, is_refused: bool) -> None:
    asked: list[Any] = []

    def ask(operation: str, **parameters: Any) -> dict[str, Any]:
        asked.append((operation, parameters["QueueUrl"]))
        return {"Attributes": {"MaximumMessageSize": str(maximum)}}

    call = Call("sqs", "SendMessage", {"QueueUrl": "url"} | message("x" * 327_680), ask)

    assert bool(BY_NAME[SIZE].check(call)) is is_refused
    assert asked == [("GetQueueAttributes", "url")]


def test_a_message_that_fits_into_any_queue_asks_none() -> None:
    def ask(*_: Any, **__: Any) -> Any:
        pytest.fail("it asked")

    assert BY_NAME[SIZE].check(Call("sqs", "SendMessage", message("x" * 1_024), ask)) is None


def test_a_messages_size_is_of_body_names_types_and_values() -> None:
    assert size_of(message("é", n=ONE, b={"BinaryValue": b"\xff", "DataType": "Binary"})) == (
        len("é".encode()) + len("nString1") + len("bBinary") + 1
    )
