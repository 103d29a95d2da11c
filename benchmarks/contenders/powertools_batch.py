"""(b) Powertools' BatchProcessor, with its idempotency by message, over boto3."""

from typing import Any

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from botocore.exceptions import ClientError

from benchmarks.contenders.items import first_item, order_item, s3_key
from benchmarks.contenders.validation import read_order

logger = Logger(service="orders")
metrics = Metrics(namespace="Orders", service="orders")
processor = BatchProcessor(event_type=EventType.SQS)
idempotency = IdempotencyConfig(event_key_jmespath="messageId")
persistence = DynamoDBPersistenceLayer(table_name="idempotency")
s3 = boto3.client("s3")
dynamodb = boto3.client("dynamodb")


@metrics.log_metrics
def process(event: dict[str, Any], context: Any) -> Any:
    idempotency.register_lambda_context(context)
    return process_partial_response(event, process_record, processor, context)


def process_record(record: SQSRecord) -> None:
    process_message(message=record.raw_event)


@idempotent_function(  # type: ignore[untyped-decorator]
    data_keyword_argument="message", config=idempotency, persistence_store=persistence
)
def process_message(message: dict[str, Any]) -> None:
    order, errors = read_order(message["body"])
    if not errors:
        s3.put_object(Bucket="orders", Key=s3_key(order, message), Body=message["body"].encode())
    status = record_order(order, errors, message)
    metrics.add_metric(f"Orders{status}", MetricUnit.Count, 1)
    logger.info(status, extra={"orderId": order["id"], "messageId": message["messageId"]})


def record_order(order: dict[str, Any], errors: list[str], message: dict[str, Any]) -> str:
    item = first_item(order, errors, message)
    try:
        dynamodb.put_item(
            TableName="orders", Item=item, ConditionExpression="attribute_not_exists(recordId)"
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        item = order_item(order, errors, message, duplicate=True)
        dynamodb.put_item(TableName="orders", Item=item)
    return str(item["status"]["S"])
