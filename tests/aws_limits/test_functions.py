"""The limits of Lambda: the largest answer that passes and the smallest that is refused."""

import json
from typing import Any

import pytest

from tests.aws_limits.cases import Case, hold
from tests.aws_limits.functions import MOST_BYTES

RULE = "Lambda: an answer has at most 6 MB"


def answer(size: int, *, character: str = "x") -> dict[str, Any]:
    """Make an answer of so many bytes as Lambda writes it."""
    empty = {"statusCode": 200, "headers": {}, "body": ""}
    left = size - len(json.dumps(empty))
    each = len(json.dumps(character)) - 2
    return {**empty, "body": "x" * (left % each) + character * (left // each)}


CASES = [
    Case(
        RULE,
        "lambda.Answer",
        answer(MOST_BYTES, character=character),
        answer(MOST_BYTES + 1, character=character),
    )
    for character in ("x", '"', "\\", "\U0001f600")
]


@pytest.mark.parametrize("case", CASES, ids=["ASCII", "quotes", "backslashes", "escapes"])
def test_lambda_takes_the_largest_answer_and_refuses_the_next(case: Case) -> None:
    hold(case)
