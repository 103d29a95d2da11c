"""The key store: a key stands for one order's bytes until it expires, and for no others."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from chalicelib.aws.items import Item
from chalicelib.aws.key_store import KEY_PREFIX, KeyStore, key_item
from chalicelib.orders.order import parse_order
from chalicelib.services.keys import KEY_LIFETIME, UsedKey
from chalicelib.services.unavailable import StoreUnavailable
from tests.builders import START, order_text
from tests.contract.conftest import ON_DYNAMODB_LOCAL, Aws, on_dynamodb, only_on
from tests.fakes import FakeKeyStore

Store = KeyStore | FakeKeyStore
UNTYPED = "it fails to compare a text with a number, which is never less on AWS"
WITHOUT_HOLDER = "a failed condition does not bring the item, and a key is never read"


@pytest.fixture
def submission_id() -> str:
    """Give each test a key of its own: the emulator is shared."""
    return str(uuid.uuid4())


def used(submission_id: str, order_id: str = "order-1", **changes: object) -> UsedKey:
    order = parse_order(order_text(order_id, **changes).encode())
    return UsedKey.of(order, submission_id, START)


def put_by_hand(store: Store, aws: Aws | None, item: Item) -> None:
    if isinstance(store, FakeKeyStore):
        store.put_by_hand(item)
    else:
        assert aws
        aws.dynamodb.put_item(TableName=aws.table, Item=item)


def test_a_key_that_was_not_used_is_taken(keys: Store, submission_id: str) -> None:
    assert keys.take(used(submission_id), START) is None


@pytest.mark.differs(roto=WITHOUT_HOLDER)
def test_a_used_key_shows_its_first_use_and_keeps_it(keys: Store, submission_id: str) -> None:
    first = used(submission_id)
    keys.take(first, START)

    for later in (used(submission_id, "order-2", amount=7), first):
        assert keys.take(later, START + timedelta(hours=1)) == first


def test_a_key_of_another_submission_is_another_key(keys: Store, submission_id: str) -> None:
    keys.take(used(submission_id), START)

    assert keys.take(used(f"{submission_id}-2"), START) is None


@pytest.mark.differs(roto=WITHOUT_HOLDER)
def test_a_key_stands_until_it_expires(keys: Store, submission_id: str) -> None:
    first = used(submission_id)
    keys.take(first, START)

    assert keys.take(used(submission_id, amount=7), first.expires_at - timedelta(1e-5)) == first


def test_a_key_that_has_expired_is_taken_anew(keys: Store, submission_id: str) -> None:
    """TTL deletes an item late, by days: nothing may wait for it."""
    first, later = used(submission_id), used(submission_id, "order-2", amount=7)
    keys.take(first, START)

    assert keys.take(later, first.expires_at) is None


@pytest.mark.differs(roto=WITHOUT_HOLDER)
def test_a_key_that_was_taken_anew_stands_for_the_new_order(
    keys: Store, submission_id: str
) -> None:
    keys.take(used(submission_id), START)
    now = START + KEY_LIFETIME
    anew = used(submission_id, "order-2", amount=7)._replace(expires_at=now + KEY_LIFETIME)
    keys.take(anew, now)

    assert keys.take(used(submission_id), now) == anew


@pytest.mark.differs(roto=WITHOUT_HOLDER)
def test_a_key_expires_a_day_after_its_first_use_or_a_moment_later(
    keys: Store, submission_id: str
) -> None:
    """The table's TTL attribute has whole seconds."""
    now = START + timedelta(milliseconds=1)
    keys.take(used(submission_id)._replace(expires_at=now + KEY_LIFETIME), now)

    holder = keys.take(used(submission_id), now)

    assert holder
    assert now + KEY_LIFETIME <= holder.expires_at < now + KEY_LIFETIME + timedelta(seconds=1)


ALTERED: dict[str, dict[str, Any]] = {
    "no hash": {"payloadSha256": None},
    "no order": {"keyOrderId": None},
    "no expiry": {"expiresAt": None},
    "an expiry that is no time": {"expiresAt": {"N": "1e30"}},
    "an order with an id that none can have": {"keyOrderId": {"S": "<b>#key#"}},
    "an order that is a number": {"keyOrderId": {"N": "7"}},
}


@pytest.mark.parametrize(
    "changes",
    [
        *(pytest.param(changes, id=name) for name, changes in ALTERED.items()),
        pytest.param(
            {"expiresAt": {"S": "2026"}},
            id="an expiry that is a text",
            marks=pytest.mark.differs(moto=UNTYPED, moto_server=UNTYPED),
        ),
    ],
)
def test_whatever_else_holds_a_keys_item_says_nothing_of_its_use(
    keys: Store, implementation: Aws | None, submission_id: str, changes: dict[str, Any]
) -> None:
    item = {**key_item(used(submission_id)), **changes}
    kept = {name: value for name, value in item.items() if value is not None}
    put_by_hand(keys, implementation, kept)

    with pytest.raises(StoreUnavailable, match="the item is no key's"):
        keys.take(used(submission_id), START)


# Not on moto: its conditional put is not atomic.
@only_on("fake", "ministack", "roto", ON_DYNAMODB_LOCAL)
def test_of_many_that_use_a_key_at_once_one_is_the_first(keys: Store, submission_id: str) -> None:
    start = threading.Barrier(16)

    def is_first(number: int) -> bool:
        start.wait()
        try:
            return keys.take(used(submission_id, amount=number + 1), START) is None
        except StoreUnavailable:
            return False

    with ThreadPoolExecutor(max_workers=16) as executor:
        assert sum(executor.map(is_first, range(16))) == 1


class Failing:
    """A client whose puts fail, after they had their effect or without one."""

    def __init__(self, client: Any, error: Exception, applied: bool) -> None:
        self._client = client
        self._error = error
        self._applied = applied
        self.exceptions = client.exceptions

    def put_item(self, **arguments: object) -> None:
        if self._applied:
            self._client.put_item(**arguments)
        raise self._error


FAILURES: dict[str, Exception] = {
    "throttled": ClientError({"Error": {"Code": "ThrottlingException"}}, "PutItem"),
    "refused": ClientError({"Error": {"Code": "AccessDeniedException"}}, "PutItem"),
    "timed out": ReadTimeoutError(endpoint_url="https://table.example"),
}


@on_dynamodb
@pytest.mark.parametrize("applied", [True, False], ids=["applied", "not applied"])
@pytest.mark.parametrize("error", FAILURES.values(), ids=FAILURES)
def test_a_put_that_failed_says_nothing_of_a_keys_use(
    aws: Aws, submission_id: str, error: Exception, applied: bool
) -> None:
    client: Any = Failing(aws.dynamodb, error, applied)

    with pytest.raises(StoreUnavailable, match="DynamoDB PutItem of a key: "):
        KeyStore(lambda: client, aws.table).take(used(submission_id), START)


@on_dynamodb
def test_a_keys_item_can_be_no_orders_and_is_in_no_index(aws: Aws, submission_id: str) -> None:
    KeyStore(lambda: aws.dynamodb, aws.table).take(used(submission_id), START)

    key = {"orderId": {"S": f"{KEY_PREFIX}{submission_id}"}, "recordId": {"S": "#key"}}
    item = aws.dynamodb.get_item(TableName=aws.table, Key=key)["Item"]

    assert item == key_item(used(submission_id))
    assert item.keys() == {"orderId", "recordId", "payloadSha256", "keyOrderId", "expiresAt"}
