"""The largest that a sender can have recorded, by any of the fields and attributes it chooses."""

import json
from functools import cache
from itertools import product
from typing import Any

from chalicelib.aws.items import to_item
from chalicelib.orders.order import MAX_ID_CHARACTERS, MAX_PAYLOAD_BYTES
from chalicelib.orders.record import Record
from chalicelib.services.claims import MAX_CALLER_CHARACTERS
from chalicelib.services.message import Message
from tests.aws_limits.dynamodb_values import size_of_value
from tests.builders import START, sqs_record, submission

ORDER_ID = "o" * MAX_ID_CHARACTERS
LONG = "\U0001f600" * 20_000


@cache
def invalid_order_with_the_largest_errors() -> str:
    """Write an order whose errors are the largest of any. It has no end yet: add `"}`."""
    ways = {
        "amount": ['"' + "x" * 99 + '"', "9" * 60 + ".001", "-0." + "0" * 60 + "1", '"9"', "[]"],
        "account": [json.dumps("1" * 40_000 + "x"), json.dumps(LONG, ensure_ascii=False), "{}"],
        "channel": [json.dumps("\x00" * 99), json.dumps("\u00f1" * 99), "{}", "7e" + "1" * 99],
    }
    texts = [
        f'{{"id": "{ORDER_ID}", "amount": {amount}, "fromAccount": {account}, '
        f'"toAccount": {account}, "channel": {channel}, "note": "'
        for amount, account, channel in product(*ways.values())
    ]
    return max(texts, key=lambda text: _size_of_errors(text + '"}'))


def largest_invalid_order() -> str:
    """Write an order that has all of 256 KiB and the largest errors of any."""
    largest = invalid_order_with_the_largest_errors()
    return largest + "x" * (MAX_PAYLOAD_BYTES - len(largest.encode()) - 2) + '"}'


def largest_message(text: str) -> Message:
    """Make a message with the largest claims that are kept."""
    return Message.from_record(largest_delivery(text))


def largest_delivery(text: str, number: int = 0, character: str = "\U0001f600") -> dict[str, Any]:
    """Make the record of a Lambda event of such a message. The caller is of one character."""
    return sqs_record(
        text,
        receive_count=10**9 - 1,
        submissionId=f"{number:0128}",
        submittedBy=character * MAX_CALLER_CHARACTERS,
        channel="mobile",
        receivedAt="yesterday",
        requestId="?",
        traceparent=f"00-{'f' * 32}-{'f' * 16}-01",
    )


def _size_of_errors(text: str) -> int:
    record = Record.of_first(submission(text), START)
    return size_of_value(to_item(record, audit_shards=4)["errors"])
