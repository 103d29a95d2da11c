"""
The size of an answer: a page that Lambda would not hand on ends early, and nothing is skipped.

Every answer in these tests is held to Lambda's 6 MB (tests/aws_limits).
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from chalicelib.http.responses import MAX_BODY_BYTES
from tests.builders import order_text, sqs_event, sqs_record
from tests.http.conftest import Api, post_lines, running
from tests.largest import ORDER_ID, invalid_order_with_the_largest_errors, largest_delivery

RECORDS = 230
# Of one character: six or twelve bytes in JSON, and a seventh or two more where Lambda escapes it.
CALLERS = {"astral": "\U0001f600", "quote": '"', "backslash": "\\", "newline": "\n", "ñ": "ñ"}
LANGUAGES = ["en", "es"]
PATHS = [f"/orders/{ORDER_ID}?limit=200", "/orders?limit=200"]


IDS = [f"{number:0128}" for number in range(RECORDS)]


@contextmanager
def filled(character: str) -> Iterator[Api]:
    """Record the largest records of one order, one millisecond after the other."""
    text = invalid_order_with_the_largest_errors() + '"}'
    with running() as api:
        for number in range(RECORDS):
            api.process(sqs_event(largest_delivery(text, number, character)))
            api.clock.advance(milliseconds=1)
        yield api


@pytest.fixture(scope="module")
def astral() -> Iterator[Api]:
    """Record callers whose JSON is the longest of all."""
    with filled("\U0001f600") as api:
        yield api


def in_order(path: str) -> list[str]:
    """Put the ids in the order of an answer: a history begins with the oldest, a list doesn't."""
    return IDS if ORDER_ID in path else IDS[::-1]


def pages(api: Api, path: str, language: str = "en") -> Iterator[dict[str, Any]]:
    cursor = ""
    while cursor is not None:
        answer = api.get(f"{path}{cursor and f'&cursor={cursor}'}", Accept_Language=language)
        assert answer.status == 200
        yield answer.body
        cursor = answer.body["cursor"]


def ids(page: dict[str, Any]) -> list[str]:
    return [record["submissionId"] for record in page["records"]]


@pytest.mark.parametrize("character", CALLERS.values(), ids=CALLERS)
def test_a_page_of_the_largest_records_fits_into_lambdas_answer(character: str) -> None:
    with filled(character) as api:
        for path in PATHS:
            seen = [submission_id for page in pages(api, path) for submission_id in ids(page)]

            assert seen == in_order(path)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", PATHS)
def test_a_page_that_would_be_too_large_ends_early(astral: Api, path: str, language: str) -> None:
    first, *_ = found = list(pages(astral, path, language))

    assert 50 <= len(first["records"]) < 200
    assert sum(len(page["records"]) for page in found) == RECORDS
    # That is why: twice as many are beyond the bound.
    body = json.dumps(json.dumps({**first, "records": first["records"] * 2}))
    assert len(body) > MAX_BODY_BYTES


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("limit", [7, 200])
def test_a_page_that_ended_early_is_gone_on_with_by_any_limit(
    astral: Api, path: str, limit: int
) -> None:
    first = astral.get(path).body

    rest = astral.get(f"{path[:-3]}{limit}&cursor={first['cursor']}").body

    assert ids(first) + ids(rest)[:7] == in_order(path)[: len(first["records"]) + 7]


def test_a_filtered_list_ends_early_too(astral: Api) -> None:
    found = list(pages(astral, "/orders?valid=false&channel=mobile&limit=200"))

    assert len(found[0]["records"]) < 200
    assert [each for page in found for each in ids(page)] == IDS[::-1]


def test_usual_pages_are_as_long_as_they_were(api: Api) -> None:
    for number in range(199):
        api.process(sqs_event(sqs_record(order_text(amount=0), submissionId=f"s-{number}")))
        api.clock.advance(milliseconds=1)

    (listed,) = pages(api, "/orders?limit=200")
    (history,) = pages(api, "/orders/order-001?limit=200")

    assert len(listed["records"]) == len(history["records"]) == 199


ASTRAL_ID = f'{{"id": "{chr(0x1F600) * 64}"}}'
LARGEST_LINES = {
    "an id that can't be used": ASTRAL_ID,
    "an escaped id": ASTRAL_ID.replace(chr(0x1F600), "\\u0000"),
    "a key twice": '{"@": 1, "@": 2}'.replace("@", "\U0001f600" * 900),
    "every error": json.dumps(
        {
            "id": ORDER_ID,
            "amount": "\U0001f600" * 99,
            "fromAccount": "1" * 1000 + "x",
            "toAccount": "1" * 1000 + "x",
            "channel": "\x00" * 99,
        }
    ),
    "a huge amount": order_text(amount=0, channel="\x00" * 99).replace("0,", "9" * 60 + ".001,"),
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("text", LARGEST_LINES.values(), ids=LARGEST_LINES)
def test_500_lines_with_the_largest_problems_fit_into_lambdas_answer(
    api: Api, text: str, language: str
) -> None:
    """A line quotes little of itself: so no answer has to end early, which no line could mend."""
    lines = "\n".join([text] * 500)

    with api.queue.outage():
        answer = post_lines(api, lines, Accept_Language=language)

    assert len(answer.body["results"]) == 500
    assert len(json.dumps(json.dumps(answer.body))) < MAX_BODY_BYTES / 3
