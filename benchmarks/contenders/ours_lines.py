"""The API's side of many orders: `POST /order-batches`, as API Gateway hands it to the function."""

import base64
import json
from typing import Any

import app
from benchmarks.contenders.ours_intake import post_event

HEADERS = {"content-type": "application/x-ndjson"}
ROUTE = "/order-batches"


def process(event: dict[str, Any], context: Any) -> None:
    """Hand the orders of an event in by one request."""
    body = "\n".join(record["body"] for record in event["Records"])
    answer = app.app(lines_event(body), context)
    if json.loads(answer["body"])["queued"] != len(event["Records"]):
        raise RuntimeError(answer["body"])


def lines_event(body: str) -> dict[str, Any]:
    """Make the event of one request: its type is binary, so it comes in base64."""
    event = post_event(base64.b64encode(body.encode()).decode())
    context = {**event["requestContext"], "resourcePath": ROUTE, "path": f"/api{ROUTE}"}
    return event | {
        "resource": ROUTE,
        "path": ROUTE,
        "headers": HEADERS,
        "multiValueHeaders": {name: [value] for name, value in HEADERS.items()},
        "requestContext": context,
        "isBase64Encoded": True,
    }
