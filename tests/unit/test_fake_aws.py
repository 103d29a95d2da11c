"""The fake AWS of the benchmarks charges for a write as DynamoDB does."""

from typing import Any

import pytest

from benchmarks.fake_aws import Tables, Tally


def item(size: int) -> dict[str, Any]:
    """Make an item without an index, of so many KiB begun."""
    return {"id": {"S": "m-1"}, "text": {"S": "x" * (size * 1024 - 20)}}


def put(of: dict[str, Any]) -> dict[str, Any]:
    return {
        "TableName": "idempotency",
        "Item": of,
        "ConditionExpression": "attribute_not_exists(id)",
    }


def insert(of: dict[str, Any]) -> dict[str, Any]:
    names = ", ".join(f"'{name}': ?" for name in of)
    statement = f'INSERT INTO "idempotency" VALUE {{{names}}}'
    return {"Statements": [{"Statement": statement, "Parameters": list(of.values())}]}


@pytest.mark.parametrize(("holder", "refused", "units"), [(1, 1, 1), (3, 1, 3), (1, 3, 3)])
def test_a_refused_write_costs_as_much_as_the_larger_item(
    holder: int, refused: int, units: int
) -> None:
    for call, given in (("PutItem", put), ("BatchExecuteStatement", insert)):
        tally = Tally()
        tables = Tables(tally)
        tables.answer("PutItem", put(item(holder)))
        before = tally.write_units

        tables.answer(call, given(item(refused)))

        assert tally.write_units - before == units, call


def test_a_query_finds_the_items_of_the_order_that_it_names() -> None:
    tables = Tables(Tally())
    for order_id in ("order-1", "order-2"):
        key = {"orderId": {"S": order_id}, "recordId": {"S": "0"}}
        tables.answer("PutItem", {"TableName": "orders", "Item": key})

    found = [
        tables.answer("Query", {"ExpressionAttributeValues": values})
        for values in ({":v0": {"S": "order-2"}}, {":slots": {"S": "s"}, ":id": {"S": "order-2"}})
    ]

    assert [[each["orderId"]["S"] for each in items["Items"]] for _, items in found] == [
        ["order-2"],
        ["order-2"],
    ]


def test_the_history_has_an_orders_further_records_only() -> None:
    tables = Tables(Tally())
    first = {"orderId": {"S": "order-1"}, "recordId": {"S": "0"}}
    further = {**first, "recordId": {"S": "1"}, "historyPosition": {"S": "2026"}}
    for item in (first, further):
        tables.answer("PutItem", {"TableName": "orders", "Item": item})
    query = {"IndexName": "history", "ExpressionAttributeValues": {":id": {"S": "order-1"}}}

    assert tables.answer("Query", query)[1]["Items"] == [further]
