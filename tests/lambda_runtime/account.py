"""The queues, the table and the topic around the functions, as their owner sees them."""

import json
from typing import Any

import boto3

from chalicelib.aws.items import to_item
from chalicelib.orders.record import Record
from ops.local.lambda_events import sqs_event
from ops.local.stack import LocalResources
from tests.builders import START, order_text, submission
from tests.queues import message_count, take_all

# Of no table: the tests themselves invoke the function that reads it.
STREAM = "arn:aws:dynamodb:us-east-1:000000000000:table/orders-dev/stream/2026-03-01T12:00:00.000"
LISTENER = "lambda-runtime-listener"


class Account:
    """The emulated account of the tests' resources, with a topic for events and its listener."""

    def __init__(self, resources: LocalResources) -> None:
        self.aws_port = resources.aws_port
        self._sqs = boto3.client("sqs", endpoint_url=resources.aws_url)
        self._dynamodb = boto3.client("dynamodb", endpoint_url=resources.aws_url)
        self._queue_url = resources.outputs["QueueUrl"]
        self._queue_arn = resources.outputs["QueueArn"]
        self._table = resources.outputs["TableName"]
        sns = boto3.client("sns", endpoint_url=resources.aws_url)
        topic = sns.create_topic(Name="lambda-runtime-events")["TopicArn"]
        self._listener_url = self._sqs.create_queue(QueueName=LISTENER)["QueueUrl"]
        listener = self._queue_arn.rpartition(":")[0] + f":{LISTENER}"
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=listener)
        sns.close()
        events = {"EventsKind": "sns", "EventsTarget": topic, "TableStreamArn": STREAM}
        # Of no key: what seals has an account of its own, with KMS.
        seals = {"Seals": "on", "SealKeyArn": "arn:aws:kms:us-east-1:000000000000:key/none"}
        self.outputs = resources.outputs | events | seals
        self.variables = {
            name: value for name, value in resources.environment.items() if name.startswith("AWS_")
        }

    def close(self) -> None:
        self._sqs.close()
        self._dynamodb.close()

    def empty_queue(self) -> None:
        """Take off what other tests have left, also what a function has received."""
        self._sqs.purge_queue(QueueUrl=self._queue_url)

    def waiting(self) -> int:
        """Count the messages on the queue, also those that a function has not deleted yet."""
        return message_count(self._sqs, self._queue_url)

    def deliver(self, *bodies: str) -> dict[str, Any]:
        """Put messages on the queue, and receive them as one batch: Lambda's event."""
        for body in bodies:
            self._sqs.send_message(QueueUrl=self._queue_url, MessageBody=body)
        return self.receive(len(bodies))

    def receive(self, count: int = 1) -> dict[str, Any]:
        """Receive so many messages from the queue: Lambda's event."""
        answer = self._sqs.receive_message(
            QueueUrl=self._queue_url,
            MaxNumberOfMessages=10,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["All"],
        )
        messages = answer.get("Messages", [])
        assert len(messages) == count
        return sqs_event(messages, self._queue_arn)

    def take(self) -> list[str]:
        """Take all messages off the queue: their bodies."""
        return [message["Body"] for message in take_all(self._sqs, self._queue_url)]

    def end_visibility_timeout(self, event: dict[str, Any]) -> None:
        """Make the messages of an event visible again, those that are still on the queue."""
        for record in event["Records"]:
            self._sqs.change_message_visibility(
                QueueUrl=self._queue_url,
                ReceiptHandle=record["receiptHandle"],
                VisibilityTimeout=0,
            )

    def records(self, order_id: str) -> list[dict[str, Any]]:
        answer = self._dynamodb.query(
            TableName=self._table,
            KeyConditionExpression="orderId = :id",
            ExpressionAttributeValues={":id": {"S": order_id}},
            ConsistentRead=True,
        )
        return [dict(item) for item in answer["Items"]]

    def spoil_record(self, order_id: str) -> None:
        """Put something into the order's first slot that is no record, so that it always fails."""
        item = {"orderId": {"S": order_id}, "recordId": {"S": "0#FIRST"}}
        self._dynamodb.put_item(TableName=self._table, Item=item)

    def heard(self) -> list[dict[str, Any]]:
        """Take the events that the listener has got."""
        messages = take_all(self._sqs, self._listener_url)
        return [json.loads(json.loads(message["Body"])["Message"]) for message in messages]


def change_of(order_id: str) -> dict[str, Any]:
    """Make the change of an accepted record, as the table's stream has it."""
    record = Record.of_first(submission(order_text(order_id)), START)
    change = {"NewImage": to_item(record, audit_shards=4)}
    return {"eventName": "INSERT", "eventSource": "aws:dynamodb", "dynamodb": change}
