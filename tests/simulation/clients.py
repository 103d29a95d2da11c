"""
Clients like boto3's: they hand every call to a function that decides on the answer.

They stand below the real adapters, so that the adapters' own handling of conditions, errors and
answers is under test too.
"""

import json
import re
from base64 import b64encode
from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from typing import Any, NamedTuple, NoReturn

from botocore.exceptions import ClientError, ReadTimeoutError

from chalicelib.services.batch_calls import CONFLICT_PAUSES_SECONDS
from tests.simulation.world import (
    Answer,
    Call,
    DeleteMessages,
    GetItem,
    InsertItem,
    Outcome,
    Place,
    PutItem,
    PutObject,
    SendMessage,
    item_json,
)

Perform = Callable[[Call], Answer]

TABLE = "orders-table"
BUCKET = "orders-bucket"
QUEUE_URL = "https://sqs.example/orders"
DEAD_LETTERS_URL = "https://sqs.example/orders-dlq"
IF_ABSENT = "attribute_not_exists(recordId)"
IF_ABSENT_OR_EXPIRED = f"{IF_ABSENT} OR expiresAt <= :now"
INSERT = re.compile(rf'INSERT INTO "{TABLE}" VALUE \{{(.*)\}}')
PLACES = {QUEUE_URL: Place.QUEUE, DEAD_LETTERS_URL: Place.DEAD_LETTERS}


class NotSimulated(BaseException):
    """The code under test asks for something that the simulation doesn't know."""


class ConditionalCheckFailedException(ClientError):
    """The error that botocore makes."""


class SimulatedDynamoDB:
    """The calls of a DynamoDB client that processing makes."""

    class exceptions:  # noqa: N801 (boto3's name)
        """The same as boto3's."""

        ConditionalCheckFailedException = ConditionalCheckFailedException

    def __init__(self, perform: Perform, *, returns_old: bool = True) -> None:
        self._perform = perform
        self._returns_old = returns_old

    def put_item(self, **given: Any) -> dict[str, Any]:
        condition = given.pop("ConditionExpression", None)
        values = given.pop("ExpressionAttributeValues", {})
        if condition not in (None, IF_ABSENT, IF_ABSENT_OR_EXPIRED):
            raise NotSimulated(condition)
        old = given.pop("ReturnValuesOnConditionCheckFailure", "NONE") == "ALL_OLD"
        item = given.pop("Item")
        _expect(given, TableName=TABLE)
        call = PutItem(
            item["orderId"]["S"],
            item["recordId"]["S"],
            item_json(item),
            if_absent=condition is not None,
            returns_old=old and self._returns_old,
            replaces_expired=int(values.pop(":now")["N"]) if values else None,
        )
        _expect(values)
        answer = self._perform(call)
        if answer.outcome is Outcome.SLOT_TAKEN:
            error: Any = {"Error": {"Code": "ConditionalCheckFailedException", "Message": ""}}
            if answer.item:
                error["Item"] = json.loads(answer.item)
            raise ConditionalCheckFailedException(error, "PutItem")
        _raise_failure(answer, "PutItem", "ProvisionedThroughputExceededException")
        return {}

    def batch_execute_statement(self, **given: Any) -> dict[str, Any]:
        statements = given.pop("Statements")
        _expect(given)
        inserts = [_insert(statement, number) for number, statement in enumerate(statements, 1)]
        return {"Responses": [self._insert(insert) for insert in inserts]}

    def _insert(self, insert: InsertItem) -> dict[str, Any]:
        """Answer one statement: a failure of this one alone is part of the answer."""
        answer = self._perform(insert)
        match answer.outcome:
            case Outcome.SLOT_TAKEN:
                return {"Error": {"Code": "DuplicateItem"}}
            case Outcome.THROTTLED:
                return {"Error": {"Code": "ThrottlingError"}}
        _raise_failure(answer, "BatchExecuteStatement", "ThrottlingException")
        return {"TableName": TABLE}

    def get_item(self, **given: Any) -> dict[str, Any]:
        key = given.pop("Key")
        consistent = given.pop("ConsistentRead", False)
        _expect(given, TableName=TABLE)
        answer = self._perform(GetItem(key["orderId"]["S"], key["recordId"]["S"], consistent))
        _raise_failure(answer, "GetItem", "ThrottlingException")
        return {"Item": json.loads(answer.item)} if answer.item else {}


class SimulatedS3:
    """
    The calls of an S3 client that processing makes.

    A conflict outlasts the puts that the processor tries again: it is one step, as the call of a
    client is with all the SDK's attempts. If a later put got through, the world would see the same
    as if the first one had come later, which is a schedule of its own.
    """

    def __init__(self, perform: Perform) -> None:
        self._perform = perform
        self._conflicts = Counter[str]()

    def put_object(self, **given: Any) -> dict[str, Any]:
        key, body = given.pop("Key"), given.pop("Body")
        if self._conflicts[key]:
            self._conflicts[key] -= 1
            _fail("ConditionalRequestConflict", "PutObject")
        checksum = given.pop("ChecksumSHA256", None)
        assert checksum in {None, b64encode(sha256(body).digest()).decode()}
        if_absent = given.pop("IfNoneMatch", None) == "*"
        _expect(given, Bucket=BUCKET, ContentType="application/json")
        answer = self._perform(PutObject(key, body.decode(), if_absent))
        if answer.outcome is Outcome.OBJECT_EXISTS:
            _fail("PreconditionFailed", "PutObject")
        if answer.outcome is Outcome.CONFLICT:
            self._conflicts[key] = len(CONFLICT_PAUSES_SECONDS)
        _raise_failure(answer, "PutObject", "SlowDown")
        return {}


class SimulatedSQS:
    """The calls of an SQS client that submitting and processing make."""

    def __init__(self, perform: Perform) -> None:
        self._perform = perform

    def send_message(self, **given: Any) -> dict[str, Any]:
        place = PLACES[given.pop("QueueUrl")]
        body, attributes = given.pop("MessageBody"), given.pop("MessageAttributes")
        _expect(given)
        texts = tuple(sorted((name, value["StringValue"]) for name, value in attributes.items()))
        answer = self._perform(SendMessage(place, body, texts))
        _raise_failure(answer, "SendMessage", "RequestThrottled")
        return {}

    def delete_message_batch(self, **given: Any) -> dict[str, Any]:
        entries = given.pop("Entries")
        _expect(given, QueueUrl=QUEUE_URL)
        receipts = tuple(entry["ReceiptHandle"] for entry in entries)
        answer = self._perform(DeleteMessages(receipts))
        if answer.outcome is Outcome.PARTLY_DELETED:
            return {
                "Successful": [{"Id": entries[0]["Id"]}],
                "Failed": [{"Id": e["Id"], "Code": "InternalError"} for e in entries[1:]],
            }
        _raise_failure(answer, "DeleteMessageBatch", "RequestThrottled")
        return {"Successful": [{"Id": entry["Id"]} for entry in entries]}


class Clients(NamedTuple):
    """The clients that processing makes its calls with: simulated ones, or boto3's."""

    sqs: Any
    s3: Any
    dynamodb: Any


def simulated(perform: Perform, *, returns_old: bool = True) -> Clients:
    """Make clients that hand each call to `perform`."""
    dynamodb = SimulatedDynamoDB(perform, returns_old=returns_old)
    return Clients(SimulatedSQS(perform), SimulatedS3(perform), dynamodb)


def _insert(statement: dict[str, Any], number: int) -> InsertItem:
    match = INSERT.fullmatch(statement["Statement"])
    if match is None:
        raise NotSimulated(statement["Statement"])
    names = re.findall(r"'(\w+)': \?", match[1])
    item = dict(zip(names, statement["Parameters"], strict=True))
    order_id, record_id = item["orderId"]["S"], item["recordId"]["S"]
    return InsertItem(order_id, record_id, item_json(item), number)


def _expect(given: dict[str, Any], **expected: Any) -> None:
    if given != expected:
        raise NotSimulated(f"{given}, not {expected}")


def _raise_failure(answer: Answer, operation: str, throttle_code: str) -> None:
    match answer.outcome:
        case Outcome.THROTTLED:
            _fail(throttle_code, operation)
        case Outcome.CONFLICT:
            _fail("ConditionalRequestConflict", operation)
        case Outcome.TIMED_OUT:
            raise ReadTimeoutError(endpoint_url="https://aws.example")


def _fail(code: str, operation: str) -> NoReturn:
    raise ClientError({"Error": {"Code": code, "Message": ""}}, operation)
