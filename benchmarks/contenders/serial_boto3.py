"""
(a) boto3, one message after the other: query an index for the order id, then put.

Most public order processors do this. Two copies at the same time both find nothing.
"""

import logging
from typing import Any

import boto3

from benchmarks.contenders.items import order_item, s3_key
from benchmarks.contenders.validation import read_order

logging.basicConfig(level=logging.INFO)
log = logging.getLogger("orders")
s3 = boto3.client("s3")
dynamodb = boto3.client("dynamodb")


def process(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    failures = []
    for message in event["Records"]:
        try:
            process_message(message)
        except Exception:
            log.exception("failed")
            failures.append({"itemIdentifier": message["messageId"]})
    return {"batchItemFailures": failures}


def process_message(message: dict[str, Any]) -> None:
    order, errors = read_order(message["body"])
    seen = dynamodb.query(
        TableName="audit",
        IndexName="orderId-index",
        KeyConditionExpression="orderId = :id",
        ExpressionAttributeValues={":id": {"S": order["id"]}},
    )
    if not errors:
        s3.put_object(Bucket="orders", Key=s3_key(order, message), Body=message["body"].encode())
    item = order_item(order, errors, message, duplicate=seen["Count"] > 0)
    dynamodb.put_item(TableName="audit", Item=item)
    log.info("%s %s", item["status"]["S"], order["id"])
