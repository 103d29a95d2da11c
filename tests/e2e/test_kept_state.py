"""The state that the emulator keeps: all of it is there again, exactly, on other ports too."""

import base64
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ops.local import resources as local_resources
from ops.local.clients import queue_client
from ops.local.kept_folder import FolderUnusable, KeptFolder
from ops.local.resources import ResourcesFailed
from ops.local.stack import LocalResources
from ops.local_stage import local_session
from tests.aws_limits.layer import lifted

# In a message or an item, these words break the emulator's own way to keep its state.
HOSTILE = {"__bytes__": "no base64", "__scoped__": "x", "__account_region_scoped__": "y"}
BODY = b'{"id": "order-001", "note": "\xff"}'
SHA256 = base64.b64encode(hashlib.sha256(BODY).digest()).decode()
KEY = "orders/order-001/submission.json"
ITEM: dict[str, Any] = {
    "orderId": {"S": "order-001"},
    "recordId": {"S": "first"},
    "historyPosition": {"S": "1"},
    "auditPartition": {"S": "2026-11-26#0"},
    "auditPosition": {"S": "1"},
    "terms": {"M": {name: {"S": text} for name, text in HOSTILE.items()}},
    "binary": {"B": b"\x00\xff"},
    "mixed": {"L": [{"NULL": True}, {"BOOL": False}, {"N": "2580"}]},
}


class Account:
    """Clients of one run's resources."""

    def __init__(self, resources: LocalResources) -> None:
        session, url = local_session(), resources.aws_url
        self.outputs = resources.outputs
        self.queue, self.table = self.outputs["QueueUrl"], self.outputs["TableName"]
        self.bucket = self.outputs["BucketName"]
        self.sqs = queue_client(url)
        self.dynamodb = session.client("dynamodb", endpoint_url=url)
        self.s3 = session.client("s3", endpoint_url=url)

    def close(self) -> None:
        for client in (self.sqs, self.dynamodb, self.s3):
            client.close()

    def receive(self, hidden_seconds: int) -> Any:
        (message,) = self.sqs.receive_message(
            QueueUrl=self.queue,
            VisibilityTimeout=hidden_seconds,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["All"],
        )["Messages"]
        return message

    def attributes(self) -> dict[str, str]:
        answer = self.sqs.get_queue_attributes(QueueUrl=self.queue, AttributeNames=["All"])
        return {str(name): value for name, value in answer["Attributes"].items()}

    def items(self, **by: Any) -> Any:
        ((name, value),) = by.pop("where").items()
        return self.dynamodb.query(
            TableName=self.table,
            KeyConditionExpression="#name = :value",
            ExpressionAttributeNames={"#name": name},
            ExpressionAttributeValues={":value": {"S": value}},
            **by,
        )["Items"]


@contextmanager
def account(folder: Path, **arguments: Any) -> Iterator[Account]:
    with LocalResources(folder=KeptFolder(folder), **arguments) as resources:
        opened = Account(resources)
        yield opened
        opened.close()


def fill(first: Account) -> None:
    first.s3.put_object(
        Bucket=first.bucket, Key=KEY, Body=BODY, ChecksumSHA256=SHA256, Metadata={"a": "b"}
    )
    first.dynamodb.put_item(TableName=first.table, Item=ITEM)
    attributes: Any = {
        name: {"DataType": "String", "StringValue": text} for name, text in HOSTILE.items()
    }
    attributes["binary"] = {"DataType": "Binary", "BinaryValue": b"\x00\xff"}
    first.sqs.send_message(
        QueueUrl=first.queue, MessageBody=json.dumps(HOSTILE), MessageAttributes=attributes
    )


def test_all_is_there_again_as_it_was_at_other_ports(tmp_path: Path) -> None:
    with lifted(), account(tmp_path / "kept") as first:
        fill(first)
        received = first.receive(hidden_seconds=600)
        ports = [first.outputs["QueueUrl"]]

    with lifted(), account(tmp_path / "kept") as second:
        ports.append(second.outputs["QueueUrl"])
        hidden = second.attributes()["ApproximateNumberOfMessagesNotVisible"]
        second.sqs.change_message_visibility(
            QueueUrl=second.queue, ReceiptHandle=received["ReceiptHandle"], VisibilityTimeout=0
        )
        again = second.receive(hidden_seconds=0)
        (item,) = second.items(where={"orderId": "order-001"})
        by_day = second.items(where={"auditPartition": "2026-11-26#0"}, IndexName="audit")
        in_order = second.items(where={"orderId": "order-001"}, IndexName="history")
        stored = second.s3.get_object(Bucket=second.bucket, Key=KEY, ChecksumMode="ENABLED")
        versioning = second.s3.get_bucket_versioning(Bucket=second.bucket)["Status"]
        with pytest.raises(ClientError, match="PreconditionFailed"):
            second.s3.put_object(Bucket=second.bucket, Key=KEY, Body=b"", IfNoneMatch="*")
        with pytest.raises(ClientError, match="ConditionalCheckFailed") as taken:
            second.dynamodb.put_item(
                TableName=second.table,
                Item=ITEM,
                ConditionExpression="attribute_not_exists(orderId)",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        body = stored["Body"].read()

    assert ports[0] != ports[1]
    # What was received stays hidden for as long as it was to be.
    assert hidden == "1"
    assert again["Body"] == received["Body"]
    assert again["MessageAttributes"] == received["MessageAttributes"]
    assert again["MessageId"] == received["MessageId"]
    assert again["Attributes"]["ApproximateReceiveCount"] == "2"
    assert again["Attributes"]["SentTimestamp"] == received["Attributes"]["SentTimestamp"]
    assert item == ITEM
    assert [len(by_day), len(in_order)] == [1, 1]
    assert (body, stored["ChecksumSHA256"], stored["Metadata"]) == (BODY, SHA256, {"a": "b"})
    assert versioning == "Enabled"
    assert taken.value.response["Item"] == ITEM  # type: ignore[typeddict-item]


def test_another_template_updates_what_is_kept_unless_that_would_replace_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = local_resources.TEMPLATE.read_text(encoding="utf-8")
    template = tmp_path / "resources.yaml"
    monkeypatch.setattr(local_resources, "TEMPLATE", template)
    template.write_text(text.replace("RetentionPeriod: 345600", "RetentionPeriod: 86400"))
    with lifted(), account(tmp_path / "kept", visibility_timeout_seconds=5) as first:
        fill(first)

    template.write_text(text.replace("IndexName: history", "IndexName: past"))
    with pytest.raises(ResourcesFailed) as refused, account(tmp_path / "kept"):
        pass
    template.write_text(text)
    with lifted(), account(tmp_path / "kept") as third:
        queue = third.attributes()
        items = third.items(where={"orderId": "order-001"})

    assert "a custom-named resource requires replacing" in str(refused.value)
    assert f"make run OPTIONS='--fresh --folder {tmp_path}/kept'" in str(refused.value)
    assert queue["MessageRetentionPeriod"] == "345600"
    assert queue["VisibilityTimeout"] == "360"
    assert queue["ApproximateNumberOfMessages"] == "1"
    assert items == [ITEM]


def test_a_damaged_state_is_refused_in_one_line_and_is_not_overwritten(tmp_path: Path) -> None:
    with KeptFolder(tmp_path / "kept") as folder:
        folder.state_file.write_bytes(b"half a st")
        folder.mark_ready()

    with pytest.raises(FolderUnusable) as refused, account(tmp_path / "kept"):
        pass

    assert "can't be read (_pickle.UnpicklingError: " in str(refused.value)
    assert "\n" not in str(refused.value)
    assert (tmp_path / "kept" / "state").read_bytes() == b"half a st"
