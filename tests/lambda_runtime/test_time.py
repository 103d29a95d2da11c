"""A store that does not answer: the function ends in time by itself, or Lambda ends it."""

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.aws_parts import LAMBDA_RUNTIME
from tests.builders import gateway_event, lines_event, order_text, sqs_event
from tests.e2e.relay import StallingRelay
from tests.lambda_runtime.account import Account
from tests.lambda_runtime.conftest import Start
from tests.lambda_runtime.function import Answer, Function
from tests.lambda_runtime.package import API, PROCESSOR, Package

pytestmark = pytest.mark.aws_part(LAMBDA_RUNTIME.name)

# The function begins no call with less than half of it left. One call takes six to nine seconds.
AMPLE_SECONDS = 11
SHORT_SECONDS = 5


@pytest.fixture
def table(account: Account) -> Iterator[StallingRelay]:
    """Stand between the function and DynamoDB."""
    with StallingRelay(account.aws_port) as relay:
        yield relay


def test_a_function_answers_before_lambda_ends_it(
    plain: Package, start: Start, account: Account, table: StallingRelay
) -> None:
    """The first call takes all the time that there is for calls: no other one is begun."""
    event = account.deliver(*[order_text("slow", amount=amount) for amount in (1, 2, 3)])
    function = start(
        plain,
        PROCESSOR,
        variables={"AWS_ENDPOINT_URL_DYNAMODB": table.stall().url},
        timeout_seconds=AMPLE_SECONDS,
    )
    # The emulator counts INIT, as long as the machine is busy, with the first invocation's time.
    function.invoke(sqs_event())

    answer = function.invoke(event)

    failed = {failure["itemIdentifier"] for failure in answer.body["batchItemFailures"]}
    assert failed == {record["messageId"] for record in event["Records"]}
    errors = [line["error"] for line in function.log if line.get("message") == "failed"]
    assert errors == ["StoreUnavailable", "OutOfTime", "OutOfTime"]
    assert account.waiting() == 3


def test_a_function_that_lambda_ends_loses_nothing(
    plain: Package, start: Start, account: Account, table: StallingRelay
) -> None:
    """Lambda ends it in the middle of a call. A new process of it gets the message again."""
    event = account.deliver(order_text("cut-off"))
    function = start(
        plain,
        PROCESSOR,
        variables={"AWS_ENDPOINT_URL_DYNAMODB": table.stall().url},
        timeout_seconds=SHORT_SECONDS,
    )

    cut_off = function.invoke(event)

    assert cut_off.text == f"Task timed out after {SHORT_SECONDS}.00 seconds"
    assert account.records("cut-off") == []
    assert account.waiting() == 1
    table.resume()
    account.end_visibility_timeout(event)
    assert invoked_anew(function, account.receive()).body == {"batchItemFailures": []}
    (record,) = account.records("cut-off")
    assert (record["status"]["S"], record["receiveCount"]["N"]) == ("ACCEPTED", "2")


def test_lines_that_the_time_is_too_short_for_are_unconfirmed_and_not_cut_off(
    plain: Package, start: Start, account: Account
) -> None:
    """SQS answers no call. Eight are begun side by side, and no other one after them."""
    texts = [order_text(f"silent-{number}") for number in range(100)]
    with StallingRelay(account.aws_port) as queue:
        function = start(
            plain,
            API,
            variables={"AWS_ENDPOINT_URL_SQS": queue.stall().url},
            timeout_seconds=AMPLE_SECONDS,
        )
        function.invoke(gateway_event("GET", "/openapi.json"))

        answer = function.invoke(lines_event("\n".join(texts).encode()))

    assert answer.body["statusCode"] == 503
    assert json.loads(answer.body["body"])["unconfirmed"] == len(texts)
    (failed,) = [line for line in function.log if line["message"] == "request failed"]
    assert failed["detail"] == (
        "SQS SendMessageBatch: ReadTimeoutError; the function's time was too short for the call"
    )
    assert account.waiting() == 0


def invoked_anew(function: Function, event: Mapping[str, Any]) -> Answer:
    """Invoke a function that was ended: the emulator says so while it still ends its process."""
    for _ in range(20):
        answer = function.invoke(event)
        if answer.body.get("errorType") != "Sandbox.Failure":
            break
        time.sleep(0.5)
    return answer
