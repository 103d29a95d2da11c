"""The records of all submissions, in a DynamoDB table."""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from chalicelib.aws.failures import raise_if_unanswered, unavailable_on_failure
from chalicelib.aws.items import Item, audit_partition, from_item, listed_from_item, to_item
from chalicelib.orders.record import OWN_SLOT_PREFIX, Listed, Record
from chalicelib.orders.traceparent import TRACEPARENT
from chalicelib.services.paging import HistoryPosition
from chalicelib.services.queries import AuditFilter, AuditPage

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import (
        BatchStatementRequestTypeDef,
        GetItemOutputTypeDef,
        QueryOutputTypeDef,
    )

# The most that one BatchExecuteStatement takes.
STATEMENTS_PER_CALL = 25
AUDIT_INDEX = "audit"
HISTORY_INDEX = "history"
# All attributes but the payload, which may be large, and the traceparent: no list has them.
LISTED_ATTRIBUTES = (
    "orderId",
    "recordId",
    "submissionId",
    "status",
    "valid",
    "isDuplicate",
    "errors",
    "terms",
    "s3Key",
    "payloadSha256",
    "receivedAt",
    "processedAt",
    "receiveCount",
    "differs",
    "submittedBy",
    "messageChannel",
    "ignoredAttributes",
    "sentBy",
)
# The key of the history index, which every record after an orderId's first has.
HISTORY_POSITION = "historyPosition"
# What can be read from the table itself besides, without a read more.
# By other names: DynamoDB reserves some of them.
SLOT_NAMES = {f"#{name}": name for name in (*LISTED_ATTRIBUTES, TRACEPARENT, HISTORY_POSITION)}
# So many records are read for an order by one call. It tells that there are no more only if there
# are fewer. Each costs the read of its whole item, with its payload.
RECORDS_AT_ONCE = 3
# As `Record.channel` has it: the message's channel counts where the order names none.
OF_CHANNEL = (
    "(#terms.#channel = :channel OR"
    " (attribute_not_exists(#terms.#channel) AND #messageChannel = :channel))"
)
# Not a possible orderId: the health check reads this key, and finds nothing.
HEALTH_CHECK_KEY = {"orderId": {"S": "#health"}, "recordId": {"S": "#health"}}

# Options of a query, and the values that they name.
Narrowing = tuple[dict[str, Any], dict[str, Any]]


class RecordStore:
    """Records in a DynamoDB table. A slot is taken once, and a record never changes."""

    def __init__(
        self, client: "DynamoDBClient", table: str, audit_shards: int, most_at_once: int = 1
    ) -> None:
        """`most_at_once` records are taken by one call, if the caller has so many; 25 at most."""
        self._client = client
        self._table = table
        self.audit_shards = audit_shards
        self.most_at_once = most_at_once

    def take(self, record: Record) -> Record | None:
        """
        Write a record if its slot is free: None if it was written, else the record that holds it.

        Raises:
            StoreUnavailable: it may or may not be written; try again.
            UnreadableRecord: something else holds the slot: whether the order is accepted is not
                known, so nothing may be recorded until someone has looked at it.
        """
        item = to_item(record, self.audit_shards)
        with unavailable_on_failure("DynamoDB PutItem"):
            # Only a failed condition means "taken"; a throttle or a time-out never does.
            try:
                self._client.put_item(
                    TableName=self._table,
                    Item=item,
                    ConditionExpression="attribute_not_exists(recordId)",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
            except self._client.exceptions.ConditionalCheckFailedException as error:
                holder: Item | None = error.response.get("Item")  # type: ignore[assignment]
            else:
                return None
        return from_item(holder) if holder else self._get(record.order_id, record.record_id)

    def take_free(self, records: Sequence[Record]) -> list[bool]:
        """
        Write those of at most `most_at_once` records whose slots are free, by one call.

        True: it is written, by this call. False: it is not, or may not be; only `take` can tell
        who holds the slot.

        Raises:
            StoreUnavailable: any of them may or may not be written; try again.
        """
        with unavailable_on_failure("DynamoDB BatchExecuteStatement"):
            try:
                answer = self._client.batch_execute_statement(
                    Statements=[self._insert(record) for record in records]
                )
            except ClientError:
                # DynamoDB refused the whole call, in time: single calls may succeed.
                return [False] * len(records)
        responses = answer["Responses"]
        raise_if_unanswered("DynamoDB BatchExecuteStatement", len(records), len(responses))
        # Each statement stands by itself. That a key exists ("DuplicateItem") is one of its errors.
        return ["Error" not in response for response in responses]

    def read_shared_slots(self, order_id: str) -> list[Listed]:
        """
        Read the first record of an orderId, and its correction if there is one; [] if unknown.

        Raises:
            StoreUnavailable: try again.
        """
        return self._slots(order_id, "recordId < :slots", OWN_SLOT_PREFIX)

    def read_order(self, order_id: str) -> tuple[list[Listed], list[Listed] | None]:
        """
        Read the shared slots of an orderId, and its history by the same call, if it is short.

        As `read_shared_slots` and `read_history` do, but the second is None if there are more than
        two records in all: most orders have one.

        Raises:
            StoreUnavailable: try again.
        """
        answer = self._read_slots(order_id, "", {}, Limit=RECORDS_AT_ONCE)
        items = answer.get("Items", [])
        shared = [item for item in items if item["recordId"]["S"] < OWN_SLOT_PREFIX]
        slots = [listed_from_item(item) for item in shared]
        if last := answer.get("LastEvaluatedKey"):
            # Someone's own items may stand before the slots.
            are_all = last["recordId"]["S"] >= OWN_SLOT_PREFIX
            return slots if are_all else self.read_shared_slots(order_id), None
        # As the index: it lists what has its key, and no traceparent.
        later = [dict(item) for item in items if HISTORY_POSITION in item]
        for item in later:
            item.pop(TRACEPARENT, None)
        later.sort(key=lambda item: item[HISTORY_POSITION]["S"])
        return slots, [listed_from_item(item) for item in later]

    def read_own_slots(self, order_id: str, submission_id: str, limit: int) -> list[Listed]:
        """
        Read at most `limit` records that submissions of this id have in slots of their own.

        There is one for each payload. However large, two at least are read if there are two: an
        answer ends at 1 MB, and an item at 400 KB.

        Raises:
            StoreUnavailable: try again.
        """
        slots = f"{OWN_SLOT_PREFIX}{submission_id}#"
        return self._slots(order_id, "begins_with(recordId, :slots)", slots, Limit=limit)

    def read_slot(self, order_id: str, record_id: str) -> Listed | None:
        """
        Read a slot with its payload; None if it is free.

        Raises:
            StoreUnavailable: try again.
        """
        item = self._slot(order_id, record_id).get("Item")
        return listed_from_item(item) if item else None

    def read_history(
        self,
        order_id: str,
        after: HistoryPosition | None,
        limit: int,
        channel: str | None = None,
    ) -> tuple[list[Listed], HistoryPosition | None]:
        """
        At most `limit` records of an orderId after its first, oldest first, and where to go on.

        With a channel, `limit` records are read, and those of this channel returned.

        Raises:
            StoreUnavailable: try again.
        """
        start = {"ExclusiveStartKey": _history_key(order_id, after)} if after else {}
        options, values = narrowed(AuditFilter(channel=channel))
        with unavailable_on_failure("DynamoDB Query"):
            answer = self._client.query(
                TableName=self._table,
                IndexName=HISTORY_INDEX,
                KeyConditionExpression="orderId = :id",
                ExpressionAttributeValues={":id": {"S": order_id}, **values},
                ConsistentRead=True,
                Limit=limit,
                **start,  # type: ignore[arg-type]
                **options,
            )
        key = answer.get("LastEvaluatedKey")
        read_to = HistoryPosition(key[HISTORY_POSITION]["S"], key["recordId"]["S"]) if key else None
        return [listed_from_item(item) for item in answer.get("Items", [])], read_to

    def read_audit(
        self, day: date, shard: int, before: str, limit: int, only: AuditFilter
    ) -> AuditPage:
        """
        One read of one shard of a day's audit, newest first, of at most `limit` records.

        `before` is a position: only older records are read. The index follows the table with a
        short delay.

        Raises:
            StoreUnavailable: try again.
        """
        return self.read_narrowed(day, shard, before, limit, narrowed(only))

    def read_narrowed(
        self, day: date, shard: int, before: str, limit: int, narrowing: Narrowing
    ) -> AuditPage:
        """Make the same read, narrowed down by options of the query and the values they name."""
        options, values = narrowing
        with unavailable_on_failure("DynamoDB Query"):
            answer = self._client.query(
                TableName=self._table,
                IndexName=AUDIT_INDEX,
                KeyConditionExpression="auditPartition = :partition AND auditPosition < :before",
                ExpressionAttributeValues={
                    ":partition": {"S": audit_partition(day, shard)},
                    ":before": {"S": before},
                    **values,
                },
                ScanIndexForward=False,
                Limit=limit,
                **options,
            )
        key = answer.get("LastEvaluatedKey")
        return AuditPage(
            records=tuple(listed_from_item(item) for item in answer.get("Items", [])),
            read_to=key["auditPosition"]["S"] if key else None,
            scanned=answer.get("ScannedCount", 0),
        )

    def check(self) -> None:
        """
        Make one cheap call that shows whether the table is there.

        Raises:
            StoreUnavailable: it can't be reached, or isn't there.
        """
        with unavailable_on_failure("DynamoDB GetItem"):
            self._client.get_item(TableName=self._table, Key=HEALTH_CHECK_KEY)

    def _insert(self, record: Record) -> "BatchStatementRequestTypeDef":
        """Make the INSERT of a record. Unlike PutItem, it never replaces an item."""
        item = to_item(record, self.audit_shards)
        names = ", ".join(f"'{name}': ?" for name in item)
        # The text holds only names of ours; all values are parameters.
        statement = f'INSERT INTO "{self._table}" VALUE {{{names}}}'
        return {"Statement": statement, "Parameters": list(item.values())}

    def _get(self, order_id: str, record_id: str) -> Record:
        """Read the record in a slot that is taken, where the answer did not bring it."""
        return from_item(self._slot(order_id, record_id)["Item"])

    def _slot(self, order_id: str, record_id: str) -> "GetItemOutputTypeDef":
        with unavailable_on_failure("DynamoDB GetItem"):
            return self._client.get_item(
                TableName=self._table,
                Key={"orderId": {"S": order_id}, "recordId": {"S": record_id}},
                ConsistentRead=True,
            )

    def _slots(self, order_id: str, condition: str, value: str, **options: int) -> list[Listed]:
        """Read the slots of an order that a condition names by `:slots`, without payloads."""
        values = {":slots": {"S": value}}
        answer = self._read_slots(order_id, f" AND {condition}", values, **options)
        return [listed_from_item(item) for item in answer.get("Items", [])]

    def _read_slots(
        self, order_id: str, condition: str, values: Item, **options: int
    ) -> "QueryOutputTypeDef":
        with unavailable_on_failure("DynamoDB Query"):
            return self._client.query(
                TableName=self._table,
                KeyConditionExpression=f"orderId = :id{condition}",
                ExpressionAttributeValues={":id": {"S": order_id}, **values},
                ProjectionExpression=", ".join(SLOT_NAMES),
                ExpressionAttributeNames=SLOT_NAMES,
                ConsistentRead=True,
                **options,  # type: ignore[arg-type]
            )


def narrowed(only: AuditFilter) -> Narrowing:
    """Turn a filter into options of a query, and the values that they name."""
    wanted = {
        "status": only.status and {"S": only.status.value},
        "valid": None if only.valid is None else {"BOOL": only.valid},
        "isDuplicate": None if only.is_duplicate is None else {"BOOL": only.is_duplicate},
    }
    names = {f"#{name}": name for name, value in wanted.items() if value}
    values: dict[str, Any] = {f":{name}": value for name, value in wanted.items() if value}
    conditions = [f"#{name} = :{name}" for name, value in wanted.items() if value]
    if only.channel:
        names |= {"#terms": "terms", "#channel": "channel", "#messageChannel": "messageChannel"}
        values[":channel"] = {"S": only.channel}
        conditions.append(OF_CHANNEL)
    if not conditions:
        return {}, {}
    expression = " AND ".join(conditions)
    return {"FilterExpression": expression, "ExpressionAttributeNames": names}, values


def _history_key(order_id: str, after: HistoryPosition) -> Item:
    return {
        "orderId": {"S": order_id},
        "recordId": {"S": after.record_id},
        HISTORY_POSITION: {"S": after.position},
    }
