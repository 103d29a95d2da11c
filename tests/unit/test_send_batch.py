"""SendMessageBatch answers for each message by itself: only what it confirms is confirmed."""

from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from chalicelib.aws.sqs import OrderQueue
from chalicelib.services.outgoing import Outgoing
from chalicelib.services.unavailable import StoreUnavailable

URL = "https://sqs.us-east-1.amazonaws.com/123456789012/orders"
MESSAGES = [Outgoing("a", {"submissionId": "s-1", "submittedBy": None}), Outgoing("b", {})]
NO_ANSWER = "SQS SendMessageBatch: no answer for this entry"


class Sqs:
    """A client that gives one answer. A list that is empty may be left out of it."""

    def __init__(self, answer: dict[str, Any] | Exception) -> None:
        self.answer = answer
        self.asked: dict[str, Any] = {}

    def send_message_batch(self, **parameters: Any) -> dict[str, Any]:
        self.asked = parameters
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def send(sqs: Sqs) -> list[str | None]:
    return OrderQueue(lambda: cast("Any", sqs), URL, URL).send_batch(MESSAGES)


def sent(number: str) -> dict[str, str]:
    return {"Id": number, "MessageId": f"m-{number}", "MD5OfMessageBody": "d"}


def failed(number: str, code: str, *, sender: bool) -> dict[str, Any]:
    return {"Id": number, "Code": code, "SenderFault": sender, "Message": "secret"}


INTERNAL = failed("1", "InternalError", sender=False)
INVALID = failed("0", "InvalidMessageContents", sender=True)
ANSWERS: dict[str, tuple[dict[str, Any], list[str | None]]] = {
    "all": ({"Successful": [sent("0"), sent("1")], "Failed": []}, [None, None]),
    "all, in another order": ({"Successful": [sent("1"), sent("0")]}, [None, None]),
    "one refused by SQS": (
        {"Successful": [sent("0")], "Failed": [INTERNAL]},
        [None, "SQS SendMessageBatch: InternalError, SQS's fault"],
    ),
    "one refused by the sender's fault": (
        {"Successful": [sent("1")], "Failed": [INVALID]},
        ["SQS SendMessageBatch: InvalidMessageContents, the sender's fault", None],
    ),
    "all refused": (
        {"Failed": [INVALID, INTERNAL]},
        [
            "SQS SendMessageBatch: InvalidMessageContents, the sender's fault",
            "SQS SendMessageBatch: InternalError, SQS's fault",
        ],
    ),
    "one left out": ({"Successful": [sent("1")]}, [NO_ANSWER, None]),
    "none named": ({}, [NO_ANSWER, NO_ANSWER]),
    "others named": ({"Successful": [sent("7")], "Failed": []}, [NO_ANSWER, NO_ANSWER]),
    "one named as both": (
        {"Successful": [sent("0"), sent("1")], "Failed": [INTERNAL]},
        [None, "SQS SendMessageBatch: InternalError, SQS's fault"],
    ),
}


@pytest.mark.parametrize(("answer", "failures"), ANSWERS.values(), ids=ANSWERS)
def test_only_what_the_answer_confirms_is_confirmed(
    answer: dict[str, Any], failures: list[str | None]
) -> None:
    assert send(Sqs(answer)) == failures


def test_each_message_goes_with_its_own_attributes() -> None:
    sqs = Sqs({})

    send(sqs)

    attributes = {"submissionId": {"DataType": "String", "StringValue": "s-1"}}
    entries = [
        {"Id": "0", "MessageBody": "a", "MessageAttributes": attributes},
        {"Id": "1", "MessageBody": "b", "MessageAttributes": {}},
    ]
    assert sqs.asked == {"QueueUrl": URL, "Entries": entries}


@pytest.mark.parametrize("code", ["RequestThrottled", "ServiceUnavailable", "AccessDenied"])
def test_a_call_that_is_refused_leaves_all_of_it_open(code: str) -> None:
    refused = ClientError({"Error": {"Code": code}}, "SendMessageBatch")

    with pytest.raises(StoreUnavailable, match=f"^SQS SendMessageBatch: {code}$"):
        send(Sqs(refused))
