"""The whole story, on the system of `make run`: each way of an order, from start to end."""

import json
import re
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import boto3
import pytest

from chalicelib.orders.order import sha256_of
from chalicelib.orders.record import FIRST_SLOT
from ops.local.stack import LocalStack
from tests.builders import order_text
from tests.e2e.client import ApiClient, download, eventually
from tests.properties.traceparents import TRACE, TRACEPARENT
from tests.queues import message_count
from tests.resources import create_table

PLAIN = {"amount": 2580, "fromAccount": "1111111", "toAccount": "7777777"}


class System:
    """A running system, seen from outside."""

    def __init__(self, stack: LocalStack) -> None:
        self.stack = stack
        self.api = ApiClient(stack.api_url)
        self.sqs = boto3.client("sqs", endpoint_url=stack.aws_url)
        self.dynamodb = boto3.client("dynamodb", endpoint_url=stack.aws_url)
        self.queue_url = stack.outputs["QueueUrl"]
        self.dead_letter_queue_url = stack.outputs["DeadLetterQueueUrl"]

    def dead_letters(self) -> list[dict[str, Any]]:
        """Wait for dead letters, and take all of them."""

        def receive() -> list[dict[str, Any]]:
            answer = self.sqs.receive_message(
                QueueUrl=self.dead_letter_queue_url,
                MaxNumberOfMessages=10,
                MessageAttributeNames=["All"],
                WaitTimeSeconds=1,
            )
            return cast("list[dict[str, Any]]", answer.get("Messages", []))

        return eventually(receive)

    def item(self, order_id: str, record_id: str) -> dict[str, Any]:
        key = {"orderId": {"S": order_id}, "recordId": {"S": record_id}}
        table = self.stack.outputs["TableName"]
        return cast("dict[str, Any]", self.dynamodb.get_item(TableName=table, Key=key)["Item"])

    def delete_dead_letter(self, message: dict[str, Any]) -> None:
        self.sqs.delete_message(
            QueueUrl=self.dead_letter_queue_url, ReceiptHandle=message["ReceiptHandle"]
        )

    def send(self, body: str, submission_id: str) -> None:
        """Put an order on the queue, as a channel may that has the right to."""
        attribute = {"DataType": "String", "StringValue": submission_id}
        self.sqs.send_message(
            QueueUrl=self.queue_url,
            MessageBody=body,
            MessageAttributes={"submissionId": cast("Any", attribute)},
        )

    def redrive(self, message: dict[str, Any]) -> None:
        self.sqs.send_message(
            QueueUrl=self.queue_url,
            MessageBody=message["Body"],
            MessageAttributes=message.get("MessageAttributes", {}),
        )
        self.delete_dead_letter(message)


@pytest.fixture(scope="module", params=[False, True], ids=["delete-then-raise", "partial-batch"])
def system(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[System]:
    """Both ways of answering for a batch must tell the same story."""
    log = tmp_path_factory.mktemp("story") / "log"
    with LocalStack(
        visibility_timeout_seconds=1,
        max_receive_count=5,
        partial_batch=request.param,
        log_file=Path(log),
    ) as stack:
        yield System(stack)


def test_a_valid_order_is_read_back_and_downloads_as_it_was_sent(system: System) -> None:
    sent = '{ "id": "order-001", "amount": 2580, "fromAccount": "1111111", "toAccount":"7777777" }'

    answer = system.api.post(sent, X_Request_Id="story-1")
    assert (answer.status, answer.body["valid"]) == (202, True)
    assert answer.headers["X-Request-Id"] == "story-1"
    (record,) = system.api.records("order-001", 1)

    order = system.api.get(answer.headers["Location"]).body
    assert record["status"] == "ACCEPTED"
    assert record["submissionId"] == answer.body["submissionId"]
    assert order["order"] == record
    assert download(order["s3Url"]) == sent.encode()


def test_an_invalid_order_is_recorded_with_all_its_errors(system: System) -> None:
    text = order_text("invalid", amount=0, fromAccount=7, toAccount="x")

    answer = system.api.post(text)
    (record,) = system.api.records("invalid", 1)

    assert answer.status == 202
    assert answer.body["errors"] == record["errors"]
    assert [error["code"] for error in record["errors"]] == [
        "not_positive",
        "not_digits",
        "not_digits",
    ]
    assert (record["status"], record["isDuplicate"]) == ("REJECTED", False)
    assert system.api.get("/orders/invalid").body["s3Url"] is None
    assert system.item("invalid", record["recordId"])["payload"]["S"] == text


def test_a_sender_reads_of_its_own_order_though_anothers_of_the_same_id_was_accepted(
    system: System,
) -> None:
    """The order itself reads as accepted, with 10: the second sender's had 9999."""
    first = system.api.post(order_text("o1", amount=10)).body
    accepted = system.api.get(f"{first['submissionUrl']}&wait=10").body
    second = system.api.post(order_text("o1", amount=9999)).body

    answer = system.api.get(f"{second['submissionUrl']}&wait=10").body

    order = system.api.get("/orders/o1").body["order"]
    assert (order["status"], order["amount"]) == ("ACCEPTED", 10)
    assert (accepted["submission"], accepted["payload"]) == (order, None)
    assert download(accepted["s3Url"]) == order_text("o1", amount=10).encode()
    submission = answer["submission"]
    assert (submission["status"], submission["amount"]) == ("DUPLICATE", 9999)
    assert submission["differs"] == ["amount"]


def test_a_rejected_submission_is_read_back_as_it_was_sent(system: System) -> None:
    sent = order_text("rejected", amount=0, note="ñ") + " "

    receipt = system.api.post(sent).body
    answer = system.api.get(f"{receipt['submissionUrl']}&wait=10")

    assert answer.status == 200
    assert answer.body["submission"]["status"] == "REJECTED"
    assert (answer.body["payload"], answer.body["s3Url"]) == (sent, None)


def test_one_key_with_two_orders_takes_the_first_in_and_refuses_the_second(
    system: System,
) -> None:
    first, other = (
        system.api.post(order_text("o2", amount=amount), Idempotency_Key="used-twice")
        for amount in (10, 9999)
    )
    again = system.api.post(order_text("o2", amount=10), Idempotency_Key="used-twice")

    read = system.api.get(f"{first.body['submissionUrl']}&wait=10").body

    assert (other.status, other.body["type"]) == (422, "urn:orders:problem:idempotency-key-reused")
    assert other.body["orderId"] == "o2"
    assert (again.status, again.headers["Idempotent-Replayed"]) == (202, "true")
    assert again.body == first.body
    assert read["submission"]["amount"] == 10
    assert read["submission"]["status"] == "ACCEPTED"
    # The replay is on the queue, too, and nothing of the refused order.
    eventually(lambda: message_count(system.sqs, system.queue_url) == 0)
    (record,) = system.api.records("o2", 1)
    assert record["payloadSha256"] == first.body["payloadSha256"]


def test_one_submission_id_with_two_orders_on_the_queue_stands_for_two_submissions(
    system: System,
) -> None:
    """Whoever writes to the queue itself may do it; each order can be read by its hash."""
    bodies = [order_text("o3", amount=amount) for amount in (10, 9999)]
    for body in bodies:
        system.send(body, submission_id="shared")

    path = "/orders/o3/submissions/shared"
    hashes = [sha256_of(body) for body in bodies]
    read = [system.api.get(f"{path}?payloadSha256={each}&wait=10").body for each in hashes]
    without = system.api.get(path)

    assert [each["submission"]["amount"] for each in read] == [10, 9999]
    assert without.status == 409
    assert set(without.body["payloadSha256"]) == set(hashes)


def test_a_duplicate_and_a_conflict_are_recorded_as_such(system: System) -> None:
    system.api.post(order_text("twice"))
    system.api.records("twice", 1)
    system.api.post(order_text("twice"))
    system.api.records("twice", 2)
    system.api.post(order_text("twice", amount=1))

    records = system.api.records("twice", 3)

    assert [(r["status"], r["isDuplicate"], r["differs"]) for r in records] == [
        ("ACCEPTED", False, []),
        ("DUPLICATE", True, []),
        ("DUPLICATE", True, ["amount"]),
    ]


def test_a_correction_is_accepted(system: System) -> None:
    system.api.post(order_text("corrected", amount=0))
    system.api.records("corrected", 1)
    system.api.post(order_text("corrected"))

    records = system.api.records("corrected", 2)

    assert [(r["status"], r["isDuplicate"]) for r in records] == [
        ("REJECTED", False),
        ("ACCEPTED", True),
    ]
    assert system.api.get("/orders/corrected").body["order"] == records[1]


def test_a_retry_with_the_same_key_is_counted_once(system: System) -> None:
    for _ in range(3):
        system.api.post(order_text("retried"), Idempotency_Key="key-1")
    system.api.post(order_text("after-retries"))
    system.api.records("after-retries", 1)
    eventually(lambda: message_count(system.sqs, system.queue_url) == 0)

    assert len(system.api.records("retried", 1)) == 1


def test_a_plain_message_of_any_sqs_client_is_processed_too(system: System) -> None:
    system.sqs.send_message(
        QueueUrl=system.queue_url,
        MessageBody=order_text("plain"),
        MessageAttributes={"channel": {"DataType": "String", "StringValue": "atm"}},
    )

    (record,) = system.api.records("plain", 1)

    assert record["status"] == "ACCEPTED"
    assert (record["channel"], record["messageChannel"]) == (None, "atm")
    assert download(system.api.get("/orders/plain").body["s3Url"]) == order_text("plain").encode()


def test_a_redelivered_message_changes_nothing(system: System) -> None:
    attributes: Any = {"submissionId": {"DataType": "String", "StringValue": "same-submission"}}
    for _ in range(2):
        system.sqs.send_message(
            QueueUrl=system.queue_url,
            MessageBody=order_text("redelivered"),
            MessageAttributes=attributes,
        )
    system.api.records("redelivered", 1)
    eventually(lambda: message_count(system.sqs, system.queue_url) == 0)

    (record,) = system.api.records("redelivered", 1)
    assert record["isDuplicate"] is False


def test_an_unreadable_message_is_a_dead_letter_at_once_with_the_reason(system: System) -> None:
    system.sqs.send_message(QueueUrl=system.queue_url, MessageBody='{"amount": 1}')
    assert eventually(lambda: system.api.get("/health").body["status"] == "warn")

    (dead,) = system.dead_letters()

    attributes = {name: value["StringValue"] for name, value in dead["MessageAttributes"].items()}
    assert dead["Body"] == '{"amount": 1}'
    assert attributes["unreadableReason"] == "missing_id"
    assert attributes["originalMessageId"] == attributes["submissionId"]
    system.delete_dead_letter(dead)


def test_a_dead_letter_that_had_ten_attributes_keeps_them_through_a_redrive(
    system: System,
) -> None:
    own: Any = {f"a{n}": {"DataType": "String", "StringValue": f"ñ{n}"} for n in range(10)}
    system.sqs.send_message(QueueUrl=system.queue_url, MessageBody="[]", MessageAttributes=own)

    (first,) = system.dead_letters()
    system.redrive(first)
    (second,) = system.dead_letters()

    assert len(first["MessageAttributes"]) == len(second["MessageAttributes"]) == 10
    others = {
        "otherMessageAttributes",
        *(name for name in second["MessageAttributes"] if name.startswith("a")),
    }
    assert {name: second["MessageAttributes"][name] for name in others} == {
        name: first["MessageAttributes"][name] for name in others
    }
    assert json.loads(second["MessageAttributes"]["otherMessageAttributes"]["StringValue"]) == {
        name: {"dataType": "String", "stringValue": value["StringValue"]}
        for name, value in own.items()
        if name not in others
    }
    system.delete_dead_letter(second)


def test_the_audit_lists_records_newest_first(system: System) -> None:
    system.api.post(order_text("listed", channel="mobile", amount=0))
    system.api.records("listed", 1)

    newest = eventually(
        lambda: system.api.get("/orders?valid=false&channel=unknown-to-the-list").body.get("errors")
    )
    assert newest[0]["field"] == "channel"
    records = system.api.get("/orders?status=REJECTED&channel=mobile").body["records"]
    assert [record["orderId"] for record in records] == ["listed"]


def test_health_tells_of_each_dependency(system: System) -> None:
    answer = system.api.get("/health")

    assert answer.status == 200
    assert len(answer.body["checks"]) == 4


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("DELETE", "/orders", 405),
        ("GET", "/orders/none", 404),
        ("GET", "/orders?limit=0", 400),
    ],
)
def test_every_error_is_a_problem(system: System, method: str, path: str, status: int) -> None:
    answer = system.api.request(method, path)

    assert answer.status == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.body["type"].startswith("urn:orders:problem:")
    assert answer.headers["X-Request-Id"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"null", 400),
        (b"\x1f\x8b\x08", 400),
        (order_text("utf16").encode("utf-16"), 400),
        (b"[" * 100_000, 400),
        (b"x" * 5_000_000, 413),
    ],
)
def test_bad_bodies_are_refused_over_real_http_too(
    system: System, body: bytes, status: int
) -> None:
    answer = system.api.post(body)

    assert answer.status == status
    assert "Nothing was queued" in answer.body["detail"]


def test_the_log_reads_well_and_keeps_secrets(system: System) -> None:
    system.api.post(order_text("logged", **PLAIN), X_Request_Id="story-log")
    system.api.records("logged", 1)

    lines = system.stack.log.splitlines()

    assert any("POST /orders" in line and "requestId=story-log" in line for line in lines)
    assert any("accepted" in line and "requestId=story-log" in line for line in lines)
    assert "1111111" not in system.stack.log
    assert "2580" not in re.sub(r"\S*[0-9a-f]-\S*", "", system.stack.log)
    assert "\x1b" not in system.stack.log
    assert "Traceback" not in system.stack.log


def test_the_callers_trace_is_in_both_log_lines_and_in_the_item(system: System) -> None:
    system.api.post(order_text("traced"), traceparent=TRACEPARENT)
    system.api.records("traced", 1)

    lines = [line for line in system.stack.log.splitlines() if f"traceId={TRACE}" in line]

    assert system.item("traced", FIRST_SLOT)["traceparent"] == {"S": TRACEPARENT}
    assert any("POST /orders" in line for line in lines)
    assert any("accepted" in line for line in lines)
    assert TRACE not in json.dumps(system.api.get("/orders/traced").body)


def test_two_traceparents_over_real_http_are_as_none(system: System) -> None:
    body = order_text("traced-twice").encode()
    connection = HTTPConnection(urlsplit(system.stack.api_url).netloc, timeout=10)
    connection.putrequest("POST", "/orders")
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", str(len(body)))
    for _ in range(2):
        connection.putheader("traceparent", TRACEPARENT)
    connection.endheaders(body)
    status = connection.getresponse().status
    connection.close()
    system.api.records("traced-twice", 1)

    assert status == 202
    assert "traceparent" not in system.item("traced-twice", FIRST_SLOT)


def test_a_store_outage_ends_in_the_dead_letters_and_comes_back_by_redrive(
    system: System,
) -> None:
    """Last of its module: it takes the table away, with all records."""
    table = system.stack.outputs["TableName"]
    system.dynamodb.delete_table(TableName=table)
    receipt = system.api.post(order_text("outage"))
    assert receipt.status == 202

    (dead,) = system.dead_letters()
    assert system.api.get("/orders/outage").status == 503
    assert system.api.get("/health").body["status"] == "fail"
    create_table(system.dynamodb, table)
    system.redrive(dead)
    (record,) = system.api.records("outage", 1)

    assert json.loads(dead["Body"])["id"] == "outage"
    assert record["status"] == "ACCEPTED"
    assert record["submissionId"] == receipt.body["submissionId"]
    downloaded = download(system.api.get("/orders/outage").body["s3Url"])
    assert downloaded == order_text("outage").encode()
