"""The table, as operators use it: whole days, the whole table, and the audit trail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from chalicelib.aws.dynamodb import AUDIT_INDEX
from chalicelib.aws.failures import unavailable_on_failure
from chalicelib.aws.items import Item, audit_partition, listed_from_item, unreadable_item
from chalicelib.orders.record import CORRECTION_SLOT, FIRST_SLOT, OWN_SLOT_PREFIX, Record
from chalicelib.orders.times import parse_iso
from chalicelib.services.unavailable import StoreUnavailable
from ops.desk.days import Days
from ops.desk.table_scan import days_of, recorded_days, scan_pages
from ops.desk.unreadable_records import UnreadableRecords

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date, datetime

    from mypy_boto3_dynamodb import DynamoDBClient

BATCH_GET_SIZE = 100
ARCHIVED_ATTRIBUTES = "orderId, recordId, s3Key, processedAt"
MAX_ASKS = 8
# What the template's table has, and a table that is made here has not: it is there to be compared,
# and deleted. With point-in-time recovery, AWS would keep a backup of its orders for 35 days more.
LEFT_OUT = {
    "PointInTimeRecoverySpecification": "point-in-time recovery",
    "TimeToLiveSpecification": "expiry of idempotency keys",
    "DeletionProtectionEnabled": "protection from deletion",
    "StreamSpecification": "stream of changes",
}


class Identity(NamedTuple):
    """A submission, as a key of the archive names it."""

    order_id: str
    submission_id: str
    payload_sha256: str


class ArchivedRecord(NamedTuple):
    """A record that has an object, as far as reconciling needs it."""

    key: str
    processed_at: datetime

    @property
    def processed_on(self) -> date:
        return self.processed_at.date()


class OrderTable:
    """A table of records, read in ways that a function never does."""

    def __init__(
        self,
        client: DynamoDBClient,
        table: str,
        audit_shards: int,
        unreadable: UnreadableRecords | None = None,
    ) -> None:
        """`unreadable` is given what can't be read as a record."""
        self._client = client
        self.name = table
        self._audit_shards = audit_shards
        self._unreadable = UnreadableRecords() if unreadable is None else unreadable

    def put_new(self, item: Item) -> None:
        """Write an item that must not be there yet."""
        with unavailable_on_failure("DynamoDB PutItem"):
            self._client.put_item(
                TableName=self.name,
                Item=item,
                ConditionExpression="attribute_not_exists(recordId)",
            )

    def newest_of(self, order_id: str) -> Iterator[Item]:
        """Yield all items of one orderId, the greatest recordId first."""
        yield from self._query(
            KeyConditionExpression="orderId = :id",
            ExpressionAttributeValues={":id": {"S": order_id}},
            ConsistentRead=True,
            ScanIndexForward=False,
        )

    def recorded_days(self) -> Iterator[set[date]]:
        """Yield, for each read of the audit index, the days of the records in it, in no order."""
        return recorded_days(self._client, self.name)

    def days_of(self, prefix: str) -> Iterator[set[date]]:
        """Yield, for each read of the table, the days in the orderIds that are PREFIX and a day."""
        return days_of(self._client, self.name, prefix)

    def archived(
        self, first_day: date | None = None, last_day: date | None = None
    ) -> Iterator[ArchivedRecord]:
        """Yield the records that have an object, in no order: a period's, or the whole table's."""
        items = (
            self._of_days(first_day, last_day)
            if first_day and last_day
            else self._scan("s3Key", ARCHIVED_ATTRIBUTES)
        )
        for item in items:
            moment = parse_iso(item.get("processedAt", {}).get("S"))
            key = item["s3Key"].get("S")
            if moment is None or key is None:
                self._unreadable.add(unreadable_item(item))
            else:
                yield ArchivedRecord(key, moment)

    def valid_records(self) -> Iterator[Record]:
        """Yield all records of valid orders, in no order."""
        yield from self._records(self._scan("s3Key"))

    def payload(self, order_id: str, record_id: str) -> str:
        """Read the text that a record keeps of a rejected order. Strongly consistent."""
        with unavailable_on_failure("DynamoDB GetItem"):
            answer = self._client.get_item(
                TableName=self.name,
                Key={"orderId": {"S": order_id}, "recordId": {"S": record_id}},
                ProjectionExpression="payload",
                ConsistentRead=True,
            )
        return str(answer.get("Item", {}).get("payload", {}).get("S", ""))

    def items(self, keys: Iterable[tuple[str, str]]) -> Iterator[Item]:
        """Yield the items that there are of these keys, in no order. Strongly consistent."""
        wanted = [{"orderId": {"S": first}, "recordId": {"S": second}} for first, second in keys]
        for start in range(0, len(wanted), BATCH_GET_SIZE):
            yield from self._batch_get(wanted[start : start + BATCH_GET_SIZE])

    def find(self, identities: Iterable[Identity]) -> dict[Identity, Record]:
        """Find the records of these submissions, as far as there are any. Strongly consistent."""
        wanted = list(dict.fromkeys(identities))
        found = self._holders({identity.order_id for identity in wanted}, wanted)
        by_identity = {
            Identity(record.order_id, record.submission_id, record.payload_sha256): record
            for record in found
        }
        return {name: by_identity[name] for name in wanted if name in by_identity}

    def accepted_or_first(self, order_ids: Iterable[str]) -> dict[str, Record]:
        """Find the accepted record of each orderId that is recorded, or else its first one."""
        found: dict[str, Record] = {}
        for record in self._holders(set(order_ids), []):
            if record.valid or record.order_id not in found:
                found[record.order_id] = record
        return found

    def records_at(self, keys: Iterable[tuple[str, str]]) -> Iterator[Record]:
        """
        Read the records of these keys, as far as there are any, in no order: all that they hold.

        Each key once: an orderId and a recordId. Strongly consistent.
        """
        wanted = [{"orderId": {"S": first}, "recordId": {"S": second}} for first, second in keys]
        for start in range(0, len(wanted), BATCH_GET_SIZE):
            yield from self._records(self._batch_get(wanted[start : start + BATCH_GET_SIZE]))

    def has_records(self) -> bool:
        """Tell whether any order is recorded. The audit trail's entries are none."""
        return next(self._scan("submissionId", "submissionId"), None) is not None

    def exists(self) -> bool:
        try:
            with unavailable_on_failure("DynamoDB DescribeTable"):
                self._client.describe_table(TableName=self.name)
        except StoreUnavailable as error:
            if "ResourceNotFoundException" in str(error):
                return False
            raise
        return True

    def create_like(self, model: str, kms_key_arn: str = "") -> None:
        """
        Create this table with the keys and indexes of another one, and wait for it.

        It is encrypted as the template says: with this key, or else with the one that AWS manages.
        It lacks what `LEFT_OUT` names.
        """
        own_key = {"KMSMasterKeyId": kms_key_arn} if kms_key_arn else {}
        with unavailable_on_failure("DynamoDB CreateTable"):
            description: Any = self._client.describe_table(TableName=model)["Table"]
            indexes = {
                kind: [
                    {name: index[name] for name in ("IndexName", "KeySchema", "Projection")}
                    for index in description[kind]
                ]
                for kind in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes")
            }
            create: Any = self._client.create_table
            create(
                TableName=self.name,
                KeySchema=description["KeySchema"],
                AttributeDefinitions=description["AttributeDefinitions"],
                BillingMode="PAY_PER_REQUEST",
                SSESpecification={"Enabled": True, "SSEType": "KMS", **own_key},
                **indexes,
            )
            self._client.get_waiter("table_exists").wait(
                TableName=self.name, WaiterConfig={"Delay": 1}
            )

    def _holders(self, order_ids: set[str], own: Sequence[Identity]) -> Iterator[Record]:
        slots = {
            (order_id, slot) for order_id in order_ids for slot in (FIRST_SLOT, CORRECTION_SLOT)
        }
        slots |= {
            (name.order_id, f"{OWN_SLOT_PREFIX}{name.submission_id}#{name.payload_sha256}")
            for name in own
        }
        return self.records_at(sorted(slots))

    def _records(self, items: Iterable[Item]) -> Iterator[Record]:
        for item in items:
            yield from self._unreadable.kept_from([listed_from_item(item)])

    def _batch_get(self, keys: list[Item]) -> Iterator[Item]:
        ask: Any = {self.name: {"Keys": keys, "ConsistentRead": True}}
        for _ in range(MAX_ASKS):
            with unavailable_on_failure("DynamoDB BatchGetItem"):
                answer = self._client.batch_get_item(RequestItems=ask)
            yield from answer.get("Responses", {}).get(self.name, [])
            ask = answer.get("UnprocessedKeys")
            if not ask:
                return
        raise StoreUnavailable("DynamoDB BatchGetItem: keys were left unread again and again")

    def _of_days(self, first_day: date, last_day: date) -> Iterator[Item]:
        days = Days(first_day, last_day, self.recorded_days, self._audit_shards)
        for day in days:
            for shard in range(self._audit_shards):
                for item in self._archived_of(audit_partition(day, shard)):
                    days.found()
                    yield item

    def _archived_of(self, partition: str) -> Iterator[Item]:
        return self._query(
            IndexName=AUDIT_INDEX,
            KeyConditionExpression="auditPartition = :partition",
            FilterExpression="attribute_exists(s3Key)",
            ProjectionExpression=ARCHIVED_ATTRIBUTES,
            ExpressionAttributeValues={":partition": {"S": partition}},
        )

    def _query(self, **query: Any) -> Iterator[Item]:
        while True:
            with unavailable_on_failure("DynamoDB Query"):
                answer = self._client.query(TableName=self.name, **query)
            yield from answer.get("Items", [])
            if "LastEvaluatedKey" not in answer:
                return
            query["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def _scan(self, having: str, projection: str | None = None) -> Iterator[Item]:
        """Yield the items that have an attribute: the audit trail's have none of a record's."""
        ask: dict[str, Any] = {"FilterExpression": f"attribute_exists({having})"}
        if projection:
            ask["ProjectionExpression"] = projection
        for page in scan_pages(self._client, self.name, ConsistentRead=True, **ask):
            yield from page
