"""
A bare Chalice app over boto3, with one call in each route, as the documentation of both shows it.

A route makes only the client that it needs, when it first needs it: that is the quickest start.
"""

from functools import cache
from typing import Any

import boto3
from boto3.dynamodb.conditions import Key
from chalice.app import Chalice, NotFoundError, Response

from benchmarks.contenders.validation import read_order

app = Chalice(app_name="bare")


@cache
def queue() -> Any:
    return boto3.client("sqs")


@cache
def table() -> Any:
    return boto3.resource("dynamodb").Table("orders")


@cache
def archive() -> Any:
    return boto3.client("s3")


@app.route("/orders", methods=["POST"])
def submit() -> Response:
    request: Any = app.current_request
    body = request.raw_body.decode()
    order, errors = read_order(body)
    sent = queue().send_message(QueueUrl="http://queue/orders", MessageBody=body)
    answer = {"orderId": order["id"], "submissionId": sent["MessageId"], "errors": errors}
    return Response(answer, status_code=202)


@app.route("/orders/{order_id}")
def get(order_id: str) -> dict[str, Any]:
    records = table().query(KeyConditionExpression=Key("orderId").eq(order_id))["Items"]
    if not records:
        raise NotFoundError(order_id)
    order = next((each for each in records if each["status"] == "ACCEPTED"), records[0])
    place = {"Bucket": "orders", "Key": order["s3Key"]}
    url = archive().generate_presigned_url("get_object", Params=place, ExpiresIn=300)
    return {"order": order, "s3Url": url, "records": records}
