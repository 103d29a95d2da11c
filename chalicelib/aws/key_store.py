"""
The idempotency keys that were used, as items of the records' table.

An item's `orderId` is `#key#` and a submission's id. No order can have such an id, and an item has
none of the attributes that the indexes are made of, so no list of orders ever shows one. DynamoDB
deletes it after `expiresAt`, the table's TTL attribute: within some days, at no cost.
"""

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from chalicelib.aws.failures import unavailable_on_failure
from chalicelib.aws.items import Item
from chalicelib.orders.order import is_order_id
from chalicelib.services.keys import UsedKey
from chalicelib.services.unavailable import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_dynamodb import DynamoDBClient

# The API's role may put items under it, and no others.
KEY_PREFIX = "#key#"
KEY_RECORD_ID = "#key"
EXPIRES_AT = "expiresAt"
NO_KEY = "DynamoDB PutItem of a key: the item is no key's"
# TTL deletes an item late: until then a key that has expired is as free as one that is not there.
IF_FREE = f"attribute_not_exists(recordId) OR {EXPIRES_AT} <= :now"


class KeyStore:
    """
    Used keys in a DynamoDB table: one conditional put for each use, and never a read.

    It asks for its client at each call: a submission without a key needs none.
    """

    def __init__(self, client: "Callable[[], DynamoDBClient]", table: str) -> None:
        self._client = client
        self._table = table

    def take(self, key: UsedKey, now: datetime) -> UsedKey | None:
        """
        Write a key, unless it was used before: None if it was written, else the key as it was used.

        A key that has expired by `now` is written anew. An SDK's resend, after an answer that was
        lost, finds the key that it wrote itself.

        Raises:
            StoreUnavailable: whether the key was used is not known. Something else may hold its
                item, as somebody put it there by hand.
        """
        client = self._client()
        with unavailable_on_failure("DynamoDB PutItem of a key"):
            # Only a failed condition means "used"; a throttle or a time-out never does.
            try:
                client.put_item(
                    TableName=self._table,
                    Item=key_item(key),
                    ConditionExpression=IF_FREE,
                    ExpressionAttributeValues={":now": {"N": str(math.floor(now.timestamp()))}},
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
            except client.exceptions.ConditionalCheckFailedException as error:
                holder: Item = error.response.get("Item", {})  # type: ignore[assignment]
            else:
                return None
        return used_key(holder)


def key_item(key: UsedKey) -> Item:
    """Make the item of a key. It expires in a whole second, and never too early."""
    return {
        "orderId": {"S": f"{KEY_PREFIX}{key.submission_id}"},
        "recordId": {"S": KEY_RECORD_ID},
        "payloadSha256": {"S": key.payload_sha256},
        "keyOrderId": {"S": key.order_id},
        EXPIRES_AT: {"N": str(math.ceil(key.expires_at.timestamp()))},
    }


def used_key(item: Item) -> UsedKey:
    """
    Read the key of an item that `key_item` made.

    Raises:
        StoreUnavailable: something else made it, or changed it.
    """
    try:
        key = UsedKey(
            submission_id=item["orderId"]["S"].removeprefix(KEY_PREFIX),
            payload_sha256=item["payloadSha256"]["S"],
            order_id=item["keyOrderId"]["S"],
            expires_at=datetime.fromtimestamp(int(item[EXPIRES_AT]["N"]), UTC),
        )
    # Whatever an attribute of another type leads to, or an answer without the item.
    except (KeyError, OverflowError, ValueError, OSError) as error:
        raise StoreUnavailable(NO_KEY) from error
    # The answer to a caller names it.
    if not is_order_id(key.order_id):
        raise StoreUnavailable(NO_KEY)
    return key
