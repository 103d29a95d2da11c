"""The limits of SNS: on each, the largest that passes and the smallest that is refused."""

from typing import Any

import pytest

from tests.aws_limits.cases import Case, hold


def publication(message: str = "{}", /, **attributes: Any) -> dict[str, Any]:
    return {"Message": message, "MessageAttributes": attributes}


def publications(*entries: dict[str, Any]) -> dict[str, Any]:
    numbered = [{"Id": str(number)} | each for number, each in enumerate(entries)]
    return {"PublishBatchRequestEntries": numbered}


def sns(rule: str, *, taken: Any, refused: Any) -> Case:
    return Case(f"SNS: {rule}", "sns.PublishBatch", publications(*taken), publications(*refused))


def sns_attributes(count: int) -> dict[str, Any]:
    one = {"DataType": "String", "StringValue": "1"}
    return {"Message": "{}", "MessageAttributes": {f"a{n}": one for n in range(count)}}


CASES = [
    sns(
        "a batch has at most 10 messages",
        taken=[publication()] * 10,
        refused=[publication()] * 11,
    ),
    sns("a batch has a message", taken=[publication()], refused=[]),
    sns(
        "the ids of a batch are well-formed",
        taken=[publication() | {"Id": "i" * 80}],
        refused=[publication() | {"Id": "i" * 81}],
    ),
    sns(
        "the ids of a batch differ",
        taken=[publication(), publication()],
        refused=[publication(), publication() | {"Id": "0"}],
    ),
    sns(
        "messages have at most 256 KiB in all",
        taken=[publication("x" * 131_072)] * 2,
        refused=[publication("x" * 131_072), publication("x" * 131_073)],
    ),
    sns(
        "a message and its attributes are not empty",
        taken=[publication("x")],
        refused=[publication("")],
    ),
    sns(
        "a message and its attributes are not empty",
        taken=[sns_attributes(1)],
        refused=[publication(a={"DataType": "String", "StringValue": ""})],
    ),
    sns(
        "a message has at most 10 attributes",
        taken=[sns_attributes(10)],
        refused=[sns_attributes(11)],
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_sns_takes_the_largest_and_refuses_the_next(case: Case) -> None:
    hold(case)
