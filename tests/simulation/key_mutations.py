"""Mistakes around the Idempotency-Key: each is the deployed code with one part replaced."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from chalicelib.aws.failures import unavailable_on_failure
from chalicelib.aws.key_store import KeyStore, key_item, used_key
from chalicelib.services.intake import (
    IdempotencyKeyReused,
    Intake,
    Receipt,
    SubmissionUnconfirmed,
)
from chalicelib.services.keys import UsedKey
from chalicelib.services.unavailable import StoreUnavailable
from tests.simulation.clients import IF_ABSENT
from tests.simulation.delivery import System
from tests.simulation.mutations import Mutation
from tests.simulation.posts import sender
from tests.simulation.scenarios import FIRST

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


class SendThenPut(Intake):
    """The order is on the queue before its key is checked."""

    def _with_key_taken(self, receipt: Receipt, now: datetime, request_id: str) -> Receipt:
        self._queue.send(receipt.order.payload, {"submissionId": receipt.submission_id})
        return super()._with_key_taken(receipt, now, request_id)


class ReplayNotSent(Intake):
    """An order whose key was used before is taken to be on the queue."""

    class _Answered(Exception):
        """The receipt of a replay."""

        def __init__(self, receipt: Receipt) -> None:
            super().__init__(receipt)
            self.receipt = receipt

    def _with_key_taken(self, receipt: Receipt, now: datetime, request_id: str) -> Receipt:
        receipt = super()._with_key_taken(receipt, now, request_id)
        if receipt.replayed:
            raise self._Answered(receipt)
        return receipt

    def submit(self, *args: Any, **given: Any) -> Receipt:
        try:
            return super().submit(*args, **given)
        except self._Answered as answered:
            return answered.receipt


class ReplaysUnmarked(Intake):
    """A client is not told that its order was handed in before."""

    def _with_key_taken(self, receipt: Receipt, now: datetime, request_id: str) -> Receipt:
        return super()._with_key_taken(receipt, now, request_id)._replace(replayed=False)


class NoOrderWithoutCheck(Intake):
    """An order waits until the table is in reach again."""

    def _with_key_taken(self, receipt: Receipt, now: datetime, request_id: str) -> Receipt:
        receipt = super()._with_key_taken(receipt, now, request_id)
        if receipt.unchecked:
            raise SubmissionUnconfirmed
        return receipt


class FailureFreesTheKey(Intake):
    """A key is free again if the queue did not confirm its order."""

    def submit(self, body: bytes, **given: Any) -> Receipt:
        try:
            return super().submit(body, **given)
        except SubmissionUnconfirmed:
            assert isinstance(self._keys, FreeableKeys)
            self._keys.free(self._submission_id(given["caller"], given["idempotency_key"]))
            raise


class SubmissionIdMinted(Intake):
    """Each attempt is a submission of its own, whatever its key."""

    def _submission_id(self, *_: Any) -> str:
        return self._new_id()


class RefusalNamesItsOwnOrder(Intake):
    """A client is not told which order holds the key."""

    def _with_key_taken(self, receipt: Receipt, now: datetime, request_id: str) -> Receipt:
        try:
            return super()._with_key_taken(receipt, now, request_id)
        except IdempotencyKeyReused as error:
            raise IdempotencyKeyReused(receipt.order.id) from error


class FailureIsAnothersKey(KeyStore):
    """Any failure of the put is taken to mean that other bytes hold the key."""

    def take(self, key: UsedKey, now: datetime) -> UsedKey | None:
        try:
            return super().take(key, now)
        except StoreUnavailable:
            return key._replace(payload_sha256="unknown")


class FailureIsItsOwnKey(KeyStore):
    """Any failure of the put is taken to mean that the same bytes hold the key."""

    def take(self, key: UsedKey, now: datetime) -> UsedKey | None:
        try:
            return super().take(key, now)
        except StoreUnavailable:
            return key


class OrderIdsCompared(KeyStore):
    """A key may be used again for an order of the same id, whatever its bytes."""

    def take(self, key: UsedKey, now: datetime) -> UsedKey | None:
        used = super().take(key, now)
        return None if used and used.order_id == key.order_id else used


class ItemOfTheBareKey(KeyStore):
    """The item has the client's own spelling of the key for its id: each sender's is "key-1"."""

    def take(self, key: UsedKey, now: datetime) -> UsedKey | None:
        return super().take(key._replace(submission_id="key-1"), now)


class EveryUseIsAnothers(KeyStore):
    """A key that is used is refused, whoever used it."""

    def take(self, key: UsedKey, now: datetime) -> UsedKey | None:
        used = super().take(key, now)
        return used and used._replace(payload_sha256="not compared")


class FreeableKeys(KeyStore):
    """The deployed key store, with a way to free a key."""

    def free(self, submission_id: str) -> None:
        item = key_item(UsedKey(submission_id, "", "", LONG_AGO))
        with suppress(StoreUnavailable), unavailable_on_failure("DynamoDB PutItem"):
            self._client().put_item(TableName=self._table, Item=item)


class UnconditionalPut(KeyStore):
    """A put without a condition: the last one wins."""

    def __init__(self, client: Callable[[], Any], table: str) -> None:
        changed: Any = lambda: _Changed(client(), self._changed)  # noqa: E731
        super().__init__(changed, table)

    def _changed(self, put: dict[str, Any]) -> dict[str, Any]:
        return {name: put[name] for name in ("TableName", "Item")}


class _Changed:
    """A client that puts an item with other parameters than it was given."""

    def __init__(self, client: Any, changed: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        self.exceptions = client.exceptions
        self.get_item = client.get_item
        self._put_item = client.put_item
        self._changed = changed

    def put_item(self, **put: Any) -> Any:
        return self._put_item(**self._changed(put))


class ReadThenPut(UnconditionalPut):
    """Look first, then put: two POSTs at a time both see nothing."""

    def take(self, key: UsedKey, now: datetime) -> UsedKey | None:
        item = key_item(key)
        there = {name: item[name] for name in ("orderId", "recordId")}
        with unavailable_on_failure("DynamoDB GetItem"):
            found = self._client().get_item(TableName=self._table, Key=there, ConsistentRead=True)
        if "Item" in found and used_key(found["Item"]).expires_at > now:
            return used_key(found["Item"])
        return super().take(key, now)


class KeysUntilDeleted(UnconditionalPut):
    """A key that has expired counts until DynamoDB deletes it, some days later."""

    def _changed(self, put: dict[str, Any]) -> dict[str, Any]:
        del put["ExpressionAttributeValues"]
        return {**put, "ConditionExpression": IF_ABSENT}


class KeysOfNoTime(UnconditionalPut):
    """A key has expired as soon as it is put."""

    def _changed(self, put: dict[str, Any]) -> dict[str, Any]:
        expired = put["ExpressionAttributeValues"][":now"]
        return {**put, "Item": {**put["Item"], "expiresAt": expired}}


def intake(mutated: type[Intake], key_store: type[KeyStore] = KeyStore) -> System:
    """Make a system with another intake."""
    return System(intake=mutated, key_store=key_store)


def keys(mutated: type[KeyStore]) -> System:
    """Make a system with another key store."""
    return System(key_store=mutated)


ALONE = "an order that is POSTed until it is answered"
OTHER_BYTES = "two POSTs of one key and other bytes"
ANOTHER_ORDER = "two POSTs of one key and another order"
EXPIRES = "two POSTs of a key that expires"
OWN_REFUSED = "a key refuses its own order"
TWO_LET_IN = "one key lets two orders in"

KEY_MUTATIONS = (
    Mutation(
        "a key that is checked after the send",
        intake(SendThenPut),
        OTHER_BYTES,
        "a refused order is on the queue",
        steps=6,
    ),
    Mutation(
        "a replay that is not sent",
        intake(ReplayNotSent),
        ALONE,
        f"{sender(FIRST).given.submission_id} is lost: neither recorded, nor on a queue",
        steps=3,
    ),
    Mutation(
        "a replay that is not called one",
        intake(ReplaysUnmarked),
        ALONE,
        "a replay is not called one",
        steps=10,
    ),
    Mutation(
        "an order that waits for the check of its key",
        intake(NoOrderWithoutCheck),
        ALONE,
        "an order waits for the check of its key",
        steps=2,
    ),
    Mutation(
        "a key that is freed since the queue did not confirm",
        intake(FailureFreesTheKey, FreeableKeys),
        OTHER_BYTES,
        TWO_LET_IN,
        steps=7,
    ),
    Mutation(
        "one key for all callers",
        keys(ItemOfTheBareKey),
        "two callers who chose the same key",
        OWN_REFUSED,
        steps=4,
    ),
    Mutation(
        "a submission id for each attempt",
        intake(SubmissionIdMinted),
        ALONE,
        "a submission id is not the one of its caller's key",
        steps=3,
    ),
    Mutation(
        "a refusal that names the refused order",
        intake(RefusalNamesItsOwnOrder),
        ANOTHER_ORDER,
        "a refusal names an order that did not use the key",
        steps=4,
    ),
    Mutation(
        "any error of the put taken for another order's key",
        keys(FailureIsAnothersKey),
        ALONE,
        "an order is refused although nobody knows who holds its key",
        steps=2,
    ),
    Mutation(
        "any error of the put taken for a replay",
        keys(FailureIsItsOwnKey),
        ALONE,
        "an unchecked order is called a replay",
        steps=3,
    ),
    Mutation(
        "order ids compared instead of bytes",
        keys(OrderIdsCompared),
        OTHER_BYTES,
        TWO_LET_IN,
        steps=6,
    ),
    Mutation(
        "every use of a key refused but the first",
        keys(EveryUseIsAnothers),
        ALONE,
        OWN_REFUSED,
        steps=9,
    ),
    Mutation(
        "an unconditional put of the key",
        keys(UnconditionalPut),
        OTHER_BYTES,
        TWO_LET_IN,
        steps=6,
    ),
    Mutation(
        "a read, then a put of the key",
        keys(ReadThenPut),
        OTHER_BYTES,
        TWO_LET_IN,
        steps=8,
    ),
    Mutation(
        "a key that counts until it is deleted",
        keys(KeysUntilDeleted),
        EXPIRES,
        OWN_REFUSED,
        steps=5,
    ),
    Mutation(
        "a key that has expired when it is put",
        keys(KeysOfNoTime),
        OTHER_BYTES,
        TWO_LET_IN,
        steps=6,
    ),
)
