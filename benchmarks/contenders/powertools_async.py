"""
(c) Powertools' AsyncBatchProcessor over aiobotocore, with a conditional put for the order id.

Its clients live as long as the process, with connections enough for a whole batch.
"""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import (
    AsyncBatchProcessor,
    EventType,
    async_process_partial_response,
)
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from botocore.exceptions import ClientError

from benchmarks.contenders.items import first_item, order_item, s3_key
from benchmarks.contenders.validation import read_order

logger = Logger(service="orders")
metrics = Metrics(namespace="Orders", service="orders")
processor = AsyncBatchProcessor(event_type=EventType.SQS)


async def make_clients() -> tuple[Any, Any]:
    stack, session = AsyncExitStack(), get_session()
    config = AioConfig(max_pool_connections=100)
    s3 = await stack.enter_async_context(session.create_client("s3", config=config))
    dynamodb = await stack.enter_async_context(session.create_client("dynamodb", config=config))
    return s3, dynamodb


# AsyncBatchProcessor runs every batch on the loop that is the current one.
loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)
s3, dynamodb = loop.run_until_complete(make_clients())


@metrics.log_metrics
def process(event: dict[str, Any], context: Any) -> Any:
    return async_process_partial_response(event, process_record, processor, context)


async def process_record(record: SQSRecord) -> None:
    message = record.raw_event
    order, errors = read_order(message["body"])
    if not errors:
        await s3.put_object(
            Bucket="orders", Key=s3_key(order, message), Body=message["body"].encode()
        )
    status = await record_order(order, errors, message)
    metrics.add_metric(f"Orders{status}", MetricUnit.Count, 1)
    logger.info(status, extra={"orderId": order["id"], "messageId": message["messageId"]})


async def record_order(order: dict[str, Any], errors: list[str], message: dict[str, Any]) -> str:
    item = first_item(order, errors, message)
    try:
        await dynamodb.put_item(
            TableName="orders", Item=item, ConditionExpression="attribute_not_exists(recordId)"
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        item = order_item(order, errors, message, duplicate=True)
        await dynamodb.put_item(TableName="orders", Item=item)
    return str(item["status"]["S"])
