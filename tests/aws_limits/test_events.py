"""The limits of EventBridge: on each, the largest that passes and the smallest refused."""

import json
from typing import Any

import pytest

from tests.aws_limits.cases import Case, hold
from tests.aws_limits.events import size_of

DETAIL = "EventBridge: the detail is a JSON object"
NAMED = "EventBridge: an entry has a source and a type"


def entry(detail: str = "{}", **more: Any) -> dict[str, Any]:
    return {"Source": "orders", "DetailType": "accepted", "Detail": detail, **more}


def entries(*each: dict[str, Any]) -> dict[str, Any]:
    return {"Entries": each}


def sized(size: int) -> dict[str, Any]:
    """Make an entry of so many bytes, with a time."""
    empty = entry(json.dumps({"x": ""}), Time=None)
    return entry(json.dumps({"x": "y" * (size - size_of(empty))}), Time=None)


def event_case(rule: str, taken: dict[str, Any], refused: dict[str, Any]) -> Case:
    return Case(rule, "events.PutEvents", entries(taken), entries(refused))


CASES = [
    Case(
        "EventBridge: a call has 1 to 10 entries",
        "events.PutEvents",
        entries(*[entry()] * 10),
        entries(*[entry()] * 11),
    ),
    Case(
        "EventBridge: a call has 1 to 10 entries",
        "events.PutEvents",
        entries(entry()),
        entries(),
    ),
    event_case(
        "EventBridge: the entries have less than 1 MB in all", sized(1_048_575), sized(1_048_576)
    ),
    event_case(DETAIL, entry("{}"), entry("[]")),
    event_case(DETAIL, entry('{"a": 1}'), entry('{"a": NaN}')),
    event_case(DETAIL, entry("{}"), entry("")),
    event_case(NAMED, entry(DetailType="t" * 128), entry(DetailType="t" * 129)),
    event_case(NAMED, entry(Source="s"), entry(Source="")),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_eventbridge_takes_the_largest_and_refuses_the_next(case: Case) -> None:
    hold(case)
