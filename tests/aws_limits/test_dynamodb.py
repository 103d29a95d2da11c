"""The limits of DynamoDB: on each, the largest that passes and the smallest that is refused."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from tests.aws_limits.cases import Case, broken_rules, hold
from tests.aws_limits.dynamodb_tables import table_named
from tests.aws_limits.dynamodb_values import size_of_item

PUT, GET, QUERY = "dynamodb.PutItem", "dynamodb.GetItem", "dynamodb.Query"
STATEMENTS, READ = "dynamodb.BatchExecuteStatement", "dynamodb.BatchGetItem"
SIZE = "DynamoDB: an item and its entries in local indexes have at most 400 KB"
KEYS = "DynamoDB: an item has its keys, of their types and lengths"
KEY = "DynamoDB: a key is the table's, of its types and lengths"
START = "DynamoDB: a start key is the index's, of its types and lengths"
CONDITION = "DynamoDB: a condition on keys compares them with their types"
NUMBER = "DynamoDB: a number has at most 38 digits, and a size"
DEPTH = "DynamoDB: values are nested at most 32 levels deep"
TYPE = "DynamoDB: a value has one type and its content"
ONCE = "DynamoDB: a batch names an item once"
COUNT = "DynamoDB: a batch has 1 to 100 keys"
EXPRESSION = "DynamoDB: an expression has at most 4 KB"
LIMIT_BYTES = 409_600

Value = Mapping[str, Any]


def text(value: str = "x") -> Value:
    return {"S": value}


def key(order_id: str = "o", record_id: str = "r") -> dict[str, Value]:
    return {"orderId": text(order_id), "recordId": text(record_id)}


def item(**attributes: Value) -> dict[str, Value]:
    return {**key(), **attributes}


def filled(size: int, **attributes: Value) -> dict[str, Value]:
    """Make an item of so many bytes: a payload fills it."""
    rest = size_of_item(item(**attributes, payload=text("")))
    return item(**attributes, payload=text("x" * (size - rest)))


def put(of: Mapping[str, Value], table: str = "orders-local") -> dict[str, Any]:
    return {"TableName": table, "Item": of}


def insert(of: Mapping[str, Value], length: int = 0) -> dict[str, Any]:
    names = ", ".join(f"'{name}': ?" for name in of)
    statement = f'INSERT INTO "orders-local" VALUE {{{names}}}'.ljust(length)
    return {"Statement": statement, "Parameters": list(of.values())}


def select(**more: Any) -> dict[str, Any]:
    return {"Statement": 'SELECT * FROM "orders-local" WHERE orderId = ?', **more}


def statements(*each: Mapping[str, Any]) -> dict[str, Any]:
    return {"Statements": each}


def inserts(ids: Sequence[str]) -> dict[str, Any]:
    return statements(*(insert(key(each)) for each in ids))


def gets(ids: Sequence[str]) -> dict[str, Any]:
    return {"RequestItems": {"orders-local": {"Keys": [key(each) for each in ids]}}}


def get(**of: Value) -> dict[str, Any]:
    return {"TableName": "orders-local", "Key": of}


def query(
    condition: str = "orderId = :id", index: str | None = None, **values: Any
) -> dict[str, Any]:
    placed = {f":{name}": value for name, value in values.items()}
    given = {"TableName": "orders-local", "KeyConditionExpression": condition}
    named = {"IndexName": index} if index else {}
    return {**given, **named, "ExpressionAttributeValues": {":id": text(), **placed}}


def started(**start: Value) -> dict[str, Any]:
    return {**query(index="history"), "ExclusiveStartKey": start}


def nested(containers: int, kind: str = "M") -> Value:
    value = text()
    for _ in range(containers):
        value = {"M": {"n": value}} if kind == "M" else {"L": [value]}
    return value


def numbers(*, taken: str, refused: str) -> Case:
    return Case(NUMBER, PUT, put(item(n={"N": taken})), put(item(n={"N": refused})))


def values(*, taken: Value, refused: Value) -> Case:
    return Case(TYPE, PUT, put(item(n=taken)), put(item(n=refused)))


def entry_bytes(**attributes: Value) -> int:
    """Count the bytes of the entry in the local index, of which all is projected."""
    return size_of_item(item(**attributes))


HISTORY = {"historyPosition": text("h" * 40), "status": text("REJECTED")}
INDEX_KEYS = {"historyPosition": 1_024, "auditPosition": 1_024, "auditPartition": 2_048}
ALL_IDS = [str(number) for number in range(101)]

CASES = [
    Case(SIZE, PUT, put(filled(LIMIT_BYTES)), put(filled(LIMIT_BYTES + 1))),
    Case(SIZE, PUT, put(filled(LIMIT_BYTES), "other"), put(filled(LIMIT_BYTES + 1), "other")),
    Case(
        SIZE,
        PUT,
        put(filled(LIMIT_BYTES - entry_bytes(**HISTORY), **HISTORY)),
        put(filled(LIMIT_BYTES - entry_bytes(**HISTORY) + 1, **HISTORY)),
    ),
    Case(
        SIZE,
        STATEMENTS,
        statements(insert(filled(LIMIT_BYTES))),
        statements(insert(filled(LIMIT_BYTES + 1))),
    ),
    Case(KEYS, PUT, put(item(recordId=text("r"))), put(item(recordId=text("")))),
    Case(KEYS, PUT, put(item(recordId=text("1"))), put(item(recordId={"N": "1"}))),
    Case(KEYS, PUT, put(item()), put({"orderId": text()})),
    Case(KEYS, PUT, put(key("o" * 2_048)), put(key("o" * 2_049))),
    Case(KEYS, PUT, put(key("o", "r" * 1_024)), put(key("o", "r" * 1_025))),
    Case(KEYS, PUT, put(key("o", "ñ" * 512)), put(key("o", "ñ" * 512 + "r"))),
    Case(KEYS, STATEMENTS, inserts(["o"]), inserts([""])),
    *(
        Case(KEYS, PUT, put(item(**{name: taken})), put(item(**{name: refused})))
        for name, most in INDEX_KEYS.items()
        for taken, refused in [
            (text("1"), {"N": "1"}),
            (text("1"), text("")),
            (text("1" * most), text("1" * (most + 1))),
        ]
    ),
    Case(KEY, GET, get(**key()), get(orderId=text())),
    Case(KEY, GET, get(**key()), get(**item(status=text()))),
    Case(KEY, GET, get(**key("1")), get(orderId={"N": "1"}, recordId=text())),
    Case(KEY, GET, get(**key("o", "r" * 1_024)), get(**key("o", "r" * 1_025))),
    Case(KEY, READ, gets(["o"]), gets([""])),
    Case(START, QUERY, started(**item(historyPosition=text())), started(**key())),
    Case(
        START,
        QUERY,
        started(**item(historyPosition=text())),
        started(**item(historyPosition=text(""))),
    ),
    Case(CONDITION, QUERY, query(), query("status = :id")),
    Case(CONDITION, QUERY, query(), {**query(), "ExpressionAttributeValues": {":id": {"N": "1"}}}),
    Case(CONDITION, QUERY, query(), {**query(), "ExpressionAttributeValues": {":id": text("")}}),
    *(
        Case(CONDITION, QUERY, query(condition, index, at=text()), query(condition, index, at=bad))
        for bad in (text(""), {"N": "1"})
        for condition, index in [
            ("orderId = :id AND recordId < :at", None),
            ("orderId = :id AND recordId BETWEEN :id AND :at", None),
            ("orderId = :id AND begins_with(recordId, :at)", None),
            ("orderId = :id AND historyPosition >= :at", "history"),
            ("auditPartition = :id AND auditPosition < :at", "audit"),
        ]
    ),
    Case(
        CONDITION,
        QUERY,
        {**query("#o = :id"), "ExpressionAttributeNames": {"#o": "orderId"}},
        {**query("#o = :id"), "ExpressionAttributeNames": {"#o": "status"}},
    ),
    Case(
        "DynamoDB: a statement has at most 8,192 characters",
        STATEMENTS,
        statements(insert(key(), 8_192)),
        statements(insert(key(), 8_193)),
    ),
    Case(
        "DynamoDB: a batch has 1 to 25 statements",
        STATEMENTS,
        inserts(ALL_IDS[:25]),
        inserts(ALL_IDS[:26]),
    ),
    Case("DynamoDB: a batch has 1 to 25 statements", STATEMENTS, inserts(["o"]), inserts([])),
    Case(
        "DynamoDB: a batch of statements reads or writes",
        STATEMENTS,
        statements(select(), select()),
        statements(select(), insert(key())),
    ),
    Case(COUNT, READ, gets(ALL_IDS[:100]), gets(ALL_IDS[:101])),
    Case(COUNT, READ, gets(["o"]), gets([])),
    Case(ONCE, STATEMENTS, inserts(["a", "b"]), inserts(["a", "a"])),
    Case(ONCE, READ, gets(["a", "b"]), gets(["a", "a"])),
    *(
        Case(
            EXPRESSION,
            QUERY,
            {**query(), name: "orderId = :id".ljust(4_096)},
            {**query(), name: "orderId = :id".ljust(4_097)},
        )
        for name in ("KeyConditionExpression", "FilterExpression", "ProjectionExpression")
    ),
    numbers(taken="1" * 38, refused="1" * 39),
    numbers(taken="1" * 38 + "000", refused="1" * 38 + "001"),
    numbers(taken="0.00" + "1" * 38, refused="0.00" + "1" * 39),
    numbers(taken="9." + "9" * 37 + "E125", refused="1E126"),
    numbers(taken="-1E-130", refused="-1E-131"),
    numbers(taken="0E999", refused="NaN"),
    numbers(taken="+1", refused=" 1"),
    numbers(taken="0", refused=""),
    numbers(taken="10", refused="1_0"),
    Case(DEPTH, PUT, put(item(n=nested(31))), put(item(n=nested(32)))),
    Case(DEPTH, PUT, put(item(n=nested(31, "L"))), put(item(n=nested(32, "L")))),
    values(taken={"S": ""}, refused={}),
    values(taken={"N": "1"}, refused={"S": "1", "N": "1"}),
    values(taken={"S": "1"}, refused={"S": 1}),
    values(taken={"BOOL": True}, refused={"BOOL": "true"}),
    values(taken={"NULL": True}, refused={"NULL": False}),
    values(taken={"SS": ["a", "b"]}, refused={"SS": ["a", "a"]}),
    values(taken={"NS": ["1"]}, refused={"NS": []}),
    values(taken={"NS": ["0", "1"]}, refused={"NS": ["0", "0.0"]}),
    values(taken={"NS": ["1", "10"]}, refused={"NS": ["1", "1.0"]}),
    values(taken={"M": {"n": {"S": "1"}}}, refused={"M": {"n": {"X": "1"}}}),
    values(taken={"L": []}, refused={"L": [{}]}),
    Case(
        "DynamoDB: a limit is at least 1", QUERY, {**query(), "Limit": 1}, {**query(), "Limit": 0}
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_dynamodb_takes_the_largest_and_refuses_the_next(case: Case) -> None:
    hold(case)


def test_the_table_of_the_template_is_known() -> None:
    table = table_named("orders-local")

    assert table
    assert [key.name for key in table.keys] == ["orderId", "recordId"]
    assert list(table.local_indexes) == ["history"]
    assert list(table.global_indexes) == ["audit"]
    assert table_named("idempotency") is None


def test_an_entry_counts_the_projected_attributes_only() -> None:
    """So a payload of 256 KiB fits beside its entry: it is in no index."""
    table = table_named("orders")
    assert table
    (history,) = table.local_indexes.values()
    with_payload = item(historyPosition=text(), status=text(), payload=text("x" * 262_144))

    assert history.size_of_entry(item()) == 0
    assert history.size_of_entry(with_payload) == entry_bytes(historyPosition=text(), status=text())
    assert broken_rules(PUT, put(with_payload)) == []


# DynamoDB Local counts the same: tests/contract/test_item_limit.py.
SIZES: list[tuple[Value, int]] = [
    ({"S": "ñ"}, 2),
    ({"N": "0"}, 1),
    ({"N": "-0.0"}, 1),
    ({"N": "12.50"}, 3),
    ({"N": "1.10"}, 3),
    ({"N": "12E3"}, 3),
    ({"N": "1000"}, 2),
    ({"N": "0.01"}, 2),
    ({"N": "-12.50"}, 4),
    ({"N": "1E125"}, 2),
    ({"N": "9999999999999.99"}, 9),
    ({"N": "1" * 38}, 20),
    ({"B": b"123"}, 3),
    ({"BOOL": False}, 1),
    ({"NULL": True}, 1),
    ({"SS": ["a", "bc"]}, 3),
    ({"BS": [b"a", b"bc"]}, 3),
    ({"NS": ["1", "-12"]}, 5),
    ({"L": [{"S": "a"}, {"S": "b"}]}, 7),
    ({"L": []}, 3),
    ({"M": {}}, 3),
    ({"M": {"k": {"S": "v"}}}, 6),
]


@pytest.mark.parametrize(("value", "size"), SIZES)
def test_sizes_are_counted_as_dynamodb_does(value: Value, size: int) -> None:
    assert size_of_item({"name": value}) == len("name") + size
