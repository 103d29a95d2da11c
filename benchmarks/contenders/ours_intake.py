"""The API's side of an order: `POST /orders`, as API Gateway hands it to the function."""

from typing import Any

import app


def process(event: dict[str, Any], context: Any) -> None:
    for record in event["Records"]:
        answer = app.app(post_event(record["body"]), context)
        if answer["statusCode"] != 202:
            raise RuntimeError(answer["body"])


def post_event(body: str) -> dict[str, Any]:
    """Make the event of one request."""
    return {
        "resource": "/orders",
        "path": "/orders",
        "httpMethod": "POST",
        "headers": {"content-type": "application/json"},
        "multiValueHeaders": {"content-type": ["application/json"]},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {
            "httpMethod": "POST",
            "resourcePath": "/orders",
            "path": "/api/orders",
            "requestId": "00000000-0000-4000-8000-000000000000",
            "identity": {"sourceIp": "127.0.0.1"},
        },
        "body": body,
        "isBase64Encoded": False,
    }
