"""A query's items as they came: the same as botocore makes of them, and no others' answers."""

from io import BytesIO
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError
from urllib3.response import HTTPResponse

from chalicelib.aws.raw_items import leave_items_raw

# What botocore's parser makes of a body of another kind.
OTHERS = (AttributeError, RecursionError, TypeError, ValueError)
ITEMS = b"""[{"orderId": {"S": "order-001 \\u00f1"}, "receiveCount": {"N": "1"},
 "valid": {"BOOL": true}, "terms": {"M": {"amount": {"N": "2.50"}}},
 "errors": {"L": [{"S": "x"}, {"NULL": true}]}}]"""
KEY = b'"LastEvaluatedKey": {"orderId": {"S": "order-001"}}'


def answered(body: bytes, status: int = 200, *, raw: bool = True) -> dict[str, Any]:
    """Ask a client that gets this body as its answer."""
    client = boto3.client("dynamodb", "us-east-1")
    if raw:
        leave_items_raw(client)
        leave_items_raw(client)

    def answer(request: Any, **_: object) -> AWSResponse:
        sent: Any = HTTPResponse(BytesIO(body), preload_content=False)
        return AWSResponse(request.url, status, HTTPHeaders(), sent)

    events: Any = client.meta.events
    events.register_first("before-send", answer)
    asked: Any = client.query
    found: dict[str, Any] = asked(TableName="orders", KeyConditionExpression="orderId = :id")
    return found


@pytest.mark.parametrize(
    "body",
    [
        b'{"Items": %s, "Count": 1, "ScannedCount": 1}' % ITEMS,
        b'{"Items": %s, "Count": 1, %s}' % (ITEMS, KEY),
        b'{"Items": [], "Count": 0}',
        b'{"Count": 0}',
    ],
)
def test_an_answer_is_the_one_that_botocore_makes(body: bytes) -> None:
    left, made = answered(body), answered(body, raw=False)

    for answer in (left, made):
        del answer["ResponseMetadata"]
    assert left == made


def test_bytes_stay_as_dynamodb_writes_them() -> None:
    (item,) = answered(b'{"Items": [{"a": {"B": "AP8="}}], "Count": 1}')["Items"]

    assert item == {"a": {"B": "AP8="}}


@pytest.mark.parametrize("body", [b"<html>", b"\xff", b"[" * 100_000, b"[]", b"null"])
def test_another_answer_than_dynamodbs_is_left_to_botocore(body: bytes) -> None:
    def outcome(*, raw: bool) -> object:
        try:
            return answered(body, raw=raw).keys()
        except (ResponseParserError, *OTHERS) as error:
            return type(error)

    assert outcome(raw=True) == outcome(raw=False)


def test_an_error_is_an_error() -> None:
    with pytest.raises(ClientError, match="ThrottlingException"):
        answered(b'{"__type": "x#ThrottlingException", "Items": []}', 400)
