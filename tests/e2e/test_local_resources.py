"""The resources of resources.yaml: the tests try only settings that the emulator takes."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from ops.local.clients import queue_client
from ops.local.stack import LocalResources
from ops.local_stage import local_session
from tests.aws_limits.layer import lifted
from tests.resources import properties_of_resources

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

LARGEST_ORDER_BYTES = 262_144
FOUR_DAYS, FOURTEEN_DAYS = "345600", "1209600"


@pytest.fixture(scope="module")
def resources() -> Iterator[LocalResources]:
    with LocalResources() as running:
        yield running


@pytest.fixture
def sqs(resources: LocalResources) -> Iterator["SQSClient"]:
    client = queue_client(resources.aws_url)
    yield client
    client.close()


def attributes(sqs: "SQSClient", url: str) -> dict[str, str]:
    answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    return {str(name): value for name, value in answer["Attributes"].items()}


def test_a_message_goes_to_the_dlq_after_the_receives_of_the_template(
    resources: LocalResources, sqs: "SQSClient"
) -> None:
    queue = attributes(sqs, resources.outputs["QueueUrl"])

    redrive = json.loads(queue["RedrivePolicy"])

    template = properties_of_resources()["OrdersQueue"]["RedrivePolicy"]
    assert int(redrive["maxReceiveCount"]) == template["maxReceiveCount"] == 30
    assert redrive["deadLetterTargetArn"] == resources.outputs["DeadLetterQueueArn"]


def test_the_dlq_takes_messages_only_from_its_queue_and_keeps_them_longer(
    resources: LocalResources, sqs: "SQSClient"
) -> None:
    queue = attributes(sqs, resources.outputs["QueueUrl"])
    dead_letters = attributes(sqs, resources.outputs["DeadLetterQueueUrl"])

    allowed = json.loads(dead_letters["RedriveAllowPolicy"])

    assert allowed["redrivePermission"] == "byQueue"
    assert allowed["sourceQueueArns"] == [resources.outputs["QueueArn"]]
    assert queue["MessageRetentionPeriod"] == FOUR_DAYS
    assert dead_letters["MessageRetentionPeriod"] == FOURTEEN_DAYS


def test_the_visibility_timeout_is_six_times_the_processors(
    resources: LocalResources, sqs: "SQSClient"
) -> None:
    assert attributes(sqs, resources.outputs["QueueUrl"])["VisibilityTimeout"] == str(6 * 60)


@pytest.mark.parametrize("queue", ["QueueUrl", "DeadLetterQueueUrl"])
def test_the_largest_order_fits_with_its_attributes(
    resources: LocalResources, sqs: "SQSClient", queue: str
) -> None:
    sqs.send_message(
        QueueUrl=resources.outputs[queue],
        MessageBody="x" * LARGEST_ORDER_BYTES,
        MessageAttributes={"submissionId": {"StringValue": "s" * 64, "DataType": "String"}},
    )


def test_the_queue_refuses_a_message_beyond_its_limit(
    resources: LocalResources, sqs: "SQSClient"
) -> None:
    limit = int(attributes(sqs, resources.outputs["QueueUrl"])["MaximumMessageSize"])

    with lifted(), pytest.raises(ClientError, match="must be shorter"):
        sqs.send_message(QueueUrl=resources.outputs["QueueUrl"], MessageBody="x" * (limit + 1))


def test_the_table_has_its_keys_and_indexes(resources: LocalResources) -> None:
    dynamodb = local_session().client("dynamodb", endpoint_url=resources.aws_url)

    table = dynamodb.describe_table(TableName=resources.outputs["TableName"])["Table"]
    dynamodb.close()

    keys = {"orders": table["KeySchema"]}
    keys |= {index["IndexName"]: index["KeySchema"] for index in table["LocalSecondaryIndexes"]}
    keys |= {index["IndexName"]: index["KeySchema"] for index in table["GlobalSecondaryIndexes"]}
    assert {name: [key["AttributeName"] for key in schema] for name, schema in keys.items()} == {
        "orders": ["orderId", "recordId"],
        "history": ["orderId", "historyPosition"],
        "audit": ["auditPartition", "auditPosition"],
    }


def test_the_audit_index_has_every_attribute_except_the_payload(
    resources: LocalResources,
) -> None:
    dynamodb = local_session().client("dynamodb", endpoint_url=resources.aws_url)
    table = dynamodb.describe_table(TableName=resources.outputs["TableName"])["Table"]
    dynamodb.close()

    (index,) = table["GlobalSecondaryIndexes"]

    assert index["Projection"]["ProjectionType"] == "INCLUDE"
    assert "payload" not in index["Projection"]["NonKeyAttributes"]
    assert {"status", "errors", "differs", "submittedBy"} <= {
        *index["Projection"]["NonKeyAttributes"]
    }


def test_two_emulators_share_nothing(resources: LocalResources, sqs: "SQSClient") -> None:
    with LocalResources(visibility_timeout_seconds=2) as other:
        second = queue_client(other.aws_url)
        second.send_message(QueueUrl=other.outputs["QueueUrl"], MessageBody="{}")
        theirs = attributes(second, other.outputs["QueueUrl"])
        ours = attributes(sqs, resources.outputs["QueueUrl"])
        second.close()

    assert theirs["VisibilityTimeout"] == "2"
    assert ours["VisibilityTimeout"] == "360"
    assert not other.directory.exists()
    assert not other.emulator.is_running
