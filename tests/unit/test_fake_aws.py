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
