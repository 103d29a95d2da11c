"""Attributes of messages: ten fit, the rest goes as one, and all come back as they were."""

import base64
import json
import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chalicelib.orders.order import NOT_SENDABLE
from chalicelib.services.message_attributes import (
    MOST_ATTRIBUTES,
    NAME,
    OTHER_ATTRIBUTES,
    REASON_ATTRIBUTES,
    SUBMISSION_ATTRIBUTES,
    Attributes,
    packed,
    string_attribute,
    unpacked,
)

OURS = (*REASON_ATTRIBUTES, *SUBMISSION_ATTRIBUTES)
QUEUE_BYTES = 327_680
DEAD_LETTER_QUEUE_BYTES = 1_048_576
# A reason may quote an id of 64 characters, each six in JSON; a caller is 2,048 characters.
LARGEST_OF_OURS = 4_096

# Numbers as Java writes and reads them, which SQS is made of.
SPELLINGS = ("+1", "-.5", "5.", "1E5", "1e-130")

names = st.sampled_from([OTHER_ATTRIBUTES, *OURS]) | st.text(
    string.ascii_letters + string.digits + "_.-", min_size=1, max_size=256
).filter(NAME.fullmatch)
texts = st.text(min_size=1).filter(lambda text: not NOT_SENDABLE.search(text))
labels = st.just("") | texts.map(lambda label: f".{label}"[:200])
strings = st.builds(
    lambda label, text: {"dataType": f"String{label}", "stringValue": text}, labels, texts
)
numbers = st.builds(
    lambda label, number: {"dataType": f"Number{label}", "stringValue": str(number)},
    labels,
    st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from(SPELLINGS),
)
binaries = st.builds(
    lambda label, value: {
        "dataType": f"Binary{label}",
        "binaryValue": base64.b64encode(value).decode(),
    },
    labels,
    st.binary(min_size=1),
)
attributes = st.dictionaries(names, strings | numbers | binaries, max_size=16)


def size_of(attributes: Attributes) -> int:
    """Count the bytes as SQS does: name, type and value."""
    return sum(
        len(name.encode())
        + len(value["dataType"].encode())
        + len(
            base64.b64decode(value["binaryValue"])
            if "binaryValue" in value
            else value["stringValue"].encode()
        )
        for name, value in attributes.items()
    )


@given(attributes)
@example({})
@example({OTHER_ATTRIBUTES: string_attribute("the sender's own")})
@example({OTHER_ATTRIBUTES: string_attribute('{"a":{"dataType":"String","stringValue":"b"}}')})
@example({f"a{number}": {"dataType": "String.a\nb", "stringValue": "c"} for number in range(11)})
@example({f"a{number}": string_attribute("ñ😀\t\ufffd") for number in range(10)})
@example({name: string_attribute("x") for name in (*OURS, *string.ascii_letters)})
@example({name: string_attribute("x") for name in (*OURS, "traceparent", "theirs")})
def test_attributes_are_packed_so_that_sqs_takes_them_and_they_come_back(given: Attributes) -> None:
    """All rules see the same examples: to make one takes far longer than to look at it."""
    sent = packed(given)

    assert len(sent) <= MOST_ATTRIBUTES
    assert unpacked(sent) == given
    assert packed(unpacked(sent)) == sent
    assert given.keys() & {*OURS} <= sent.keys(), "An attribute of ours is never packed."
    others = sent.get(OTHER_ATTRIBUTES, string_attribute("none"))
    assert not NOT_SENDABLE.search(others.get("stringValue", ""))


def test_attributes_that_fit_are_sent_as_they_are() -> None:
    given = {f"a{number}": string_attribute("x") for number in range(MOST_ATTRIBUTES)}

    assert packed(given) == given


def test_the_smallest_attributes_are_packed() -> None:
    """They are the cheapest to write as JSON."""
    given = {f"a{number:02}": string_attribute("x" * number) for number in range(1, 12)}

    sent = packed(given)

    assert json.loads(sent[OTHER_ATTRIBUTES]["stringValue"]).keys() == {"a01", "a02"}


def test_the_two_lists_that_sqs_reserves_are_not_packed() -> None:
    reserved: dict[str, list[str]] = {"stringListValues": [], "binaryListValues": []}
    given = {f"a{number}": {**string_attribute("x"), **reserved} for number in range(12)}

    assert "ListValues" not in packed(given)[OTHER_ATTRIBUTES]["stringValue"]


@pytest.mark.parametrize("character", ["ñ", "€", "😀", "\n", '"', "\\", "\x7f", "a"])
@pytest.mark.parametrize("count", [1, 10])
def test_a_message_that_the_queue_took_fits_into_the_dead_letter_queue(
    character: str, count: int
) -> None:
    left = QUEUE_BYTES // count - len("0") - len("String")
    value = character * (left // len(character.encode()))
    given = {f"{number}": string_attribute(value) for number in range(count)}
    ours = {name: string_attribute("x" * LARGEST_OF_OURS) for name in OURS}
    assert size_of(given) <= QUEUE_BYTES

    assert size_of(packed({**given, **ours})) <= DEAD_LETTER_QUEUE_BYTES


@pytest.mark.parametrize(
    "text",
    [
        "hello",
        "[]",
        "null",
        "{}",
        "[" * 100_000,
        '{"a":5}',
        '{"a":[]}',
        '{"a":{}}',
        '{"a":{"dataType":5,"stringValue":"b"}}',
        '{"a":{"dataType":"String","stringValue":5}}',
        '{"a":{"dataType":"String","stringValue":""}}',
        '{"a":{"dataType":"String","binaryValue":"YQ=="}}',
        '{"a":{"dataType":"Binary","stringValue":"b"}}',
        '{"a":{"dataType":"Binary","binaryValue":"?"}}',
        '{"a":{"dataType":"Binary","binaryValue":""}}',
        '{"a":{"dataType":"Made.up","stringValue":"b"}}',
        # Another spelling of the same JSON, and two attributes of one name.
        '{"a": {"dataType": "String", "stringValue": "b"}}',
        '{"a":{"dataType":"String","stringValue":"\\u00f1"}}',
        '{"a":{"dataType":"String","stringValue":"b"},"a":{"dataType":"String","stringValue":"c"}}',
        '{"a":{"dataType":"String","stringListValues":[],"stringValue":"b"}}',
        # What SQS could not carry if it were sent by itself.
        '{"a b":{"dataType":"String","stringValue":"b"}}',
        '{"":{"dataType":"String","stringValue":"b"}}',
        '{"a":{"dataType":"String","stringValue":"\\ud800"}}',
        '{"a":{"dataType":"String","stringValue":"\\u0000"}}',
        '{"a":{"dataType":"String.\\u0000","stringValue":"b"}}',
        '{"AWS.a":{"dataType":"String","stringValue":"b"}}',
        '{"amazon.a":{"dataType":"String","stringValue":"b"}}',
        '{".a":{"dataType":"String","stringValue":"b"}}',
        '{"a.":{"dataType":"String","stringValue":"b"}}',
        '{"a..b":{"dataType":"String","stringValue":"b"}}',
        '{"a\\n":{"dataType":"String","stringValue":"b"}}',
        f'{{"{"a" * 257}":{{"dataType":"String","stringValue":"b"}}}}',
        f'{{"a":{{"dataType":"String.{"b" * 250}","stringValue":"b"}}}}',
        *(
            f'{{"a":{{"dataType":"{kind}","stringValue":"{text}"}}}}'
            for kind in ("Number", "Number.foo")
            for text in ("b", "NaN", "-Infinity", "1_000", " 1", "1\\n", "٣", ".", "1e")
        ),
        *(
            f'{{"a":{{"dataType":"Binary","binaryValue":"{text}"}}}}'
            for text in ("====", "=", "YQ", "ñ")
        ),
        # Ours always stand by themselves.
        *(f'{{"{name}":{{"dataType":"String","stringValue":"forged"}}}}' for name in OURS),
    ],
)
def test_a_senders_own_attribute_of_that_name_stays_as_it_is(text: str) -> None:
    given = {OTHER_ATTRIBUTES: string_attribute(text), "channel": string_attribute("web")}

    assert unpacked(given) == given


@pytest.mark.parametrize(
    "attribute",
    [
        {"dataType": "Binary", "binaryValue": "e30="},
        {"dataType": "String.json", "stringValue": '{"a":{"dataType":"String","stringValue":"b"}}'},
    ],
)
def test_an_attribute_of_that_name_and_another_type_stays_as_it_is(
    attribute: dict[str, str],
) -> None:
    assert unpacked({OTHER_ATTRIBUTES: attribute}) == {OTHER_ATTRIBUTES: attribute}


def test_an_attribute_that_stands_by_itself_comes_before_a_packed_one() -> None:
    given = {
        OTHER_ATTRIBUTES: string_attribute('{"a":{"dataType":"String","stringValue":"packed"}}'),
        "a": string_attribute("by itself"),
    }

    assert unpacked(given) == {"a": string_attribute("by itself")}
