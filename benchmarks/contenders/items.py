"""The item of an order, as the contenders keep it."""

import hashlib
from datetime import UTC, datetime
from typing import Any


def s3_key(order: dict[str, Any], message: dict[str, Any]) -> str:
    """Make the key of an order's JSON in the archive."""
    return f"orders/{order['id']}/{message['messageId']}.json"


def order_item(
    order: dict[str, Any], errors: list[str], message: dict[str, Any], *, duplicate: bool
) -> dict[str, Any]:
    """Make the audit record of one message, with about the fields of our own records."""
    now = datetime.now(UTC).isoformat()
    item: dict[str, Any] = {
        "orderId": {"S": order["id"]},
        "recordId": {"S": message["messageId"]},
        "status": {"S": "REJECTED" if errors else "DUPLICATE" if duplicate else "ACCEPTED"},
        "valid": {"BOOL": not errors},
        "isDuplicate": {"BOOL": duplicate},
        "errors": {"L": [{"S": error} for error in errors]},
        "amount": {"N": str(order["amount"])},
        "fromAccount": {"S": order["fromAccount"]},
        "toAccount": {"S": order["toAccount"]},
        "channel": {"S": order["channel"]},
        "payloadSha256": {"S": hashlib.sha256(message["body"].encode()).hexdigest()},
        "receiveCount": {"N": message["attributes"]["ApproximateReceiveCount"]},
        "receivedAt": {"S": now},
        "processedAt": {"S": now},
        "auditDay": {"S": now[:10]},
    }
    if errors:
        item["payload"] = {"S": message["body"]}
    else:
        item["s3Key"] = {"S": s3_key(order, message)}
    return item


def first_item(order: dict[str, Any], errors: list[str], message: dict[str, Any]) -> dict[str, Any]:
    """Make the record of an order's first message: its key can be taken once."""
    return {**order_item(order, errors, message, duplicate=False), "recordId": {"S": "FIRST"}}
