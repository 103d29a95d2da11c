"""
DynamoDB: what it refuses of items and of keys.

DynamoDB Local leaves the table's sort key out of the size of an index's entry; the guide counts it.
"""

from tests.aws_limits.dynamodb_calls import (
    BATCHED_STATEMENTS,
    BATCHES,
    CONSTRAINTS,
    GUIDE,
    KEYED,
    QUERIES,
    REFERENCE,
    REFUSED,
    WRITING,
)
from tests.aws_limits.dynamodb_requests import Located, compared_keys, keys_of, written_items
from tests.aws_limits.dynamodb_tables import table_named
from tests.aws_limits.dynamodb_values import size_of_item
from tests.aws_limits.rule import Call, Rule, first

MOST_BYTES_OF_ITEM = 400 * 1024


def _item_too_large(call: Call) -> str | None:
    for name, item in written_items(call):
        table = table_named(name)
        size = table.size_with_entries(item) if table else size_of_item(item)
        if size > MOST_BYTES_OF_ITEM:
            return f"{size} bytes, entries in local indexes included"
    return None


def _item_without_keys(call: Call) -> str | None:
    for name, item in written_items(call):
        if table := table_named(name):
            indexed = [key for index in table.indexes.values() for key in index.keys]
            keys = {*table.keys, *(key for key in indexed if key.name in item)}
            if problem := first(key.problem(item.get(key.name)) for key in sorted(keys)):
                return problem
    return None


def _other_keys(call: Call) -> str | None:
    return first(_key_problem(located, None) for located in keys_of(call))


def _other_start_key(call: Call) -> str | None:
    start = call.parameters.get("ExclusiveStartKey")
    located = Located(call.parameters.get("TableName", ""), start or {})
    return _key_problem(located, call.parameters.get("IndexName")) if start else None


def _key_problem(located: Located, index: str | None) -> str | None:
    table = table_named(located.table)
    if table is None:
        return None
    keys = table.keys_of(index)
    if unknown := sorted(located.item.keys() - keys.keys()):
        return f"{unknown} is no part of the key"
    return first(key.problem(located.item.get(name)) for name, key in keys.items())


def _compared_with_other_types(call: Call) -> str | None:
    table = table_named(call.parameters.get("TableName", ""))
    if table is None:
        return None
    index = call.parameters.get("IndexName")
    keys = {key.name: key for key in (table.indexes[index].keys if index else table.keys)}
    for name, placeholder, value in compared_keys(call):
        if name not in keys:
            return f"{name} is no key"
        if problem := keys[name].problem(value):
            return f"{placeholder}: {problem}"
    return None


def _same_item_twice(call: Call) -> str | None:
    seen = set()
    for name, item in (*written_items(call), *keys_of(call)):
        if table := table_named(name):
            identity = (name, *(str(item.get(key.name)) for key in table.keys))
            if identity in seen:
                return f"{identity} twice"
            seen.add(identity)
    return None


RULES = (
    Rule(
        "DynamoDB: an item and its entries in local indexes have at most 400 KB",
        f"{CONSTRAINTS}#limits-items-size-secondary-indexes",
        WRITING,
        _item_too_large,
        REFUSED,
    ),
    Rule(
        "DynamoDB: an item has its keys, of their types and lengths",
        f"{CONSTRAINTS}#limits-partition-sort-keys",
        WRITING,
        _item_without_keys,
        REFUSED,
    ),
    Rule(
        "DynamoDB: a key is the table's, of its types and lengths",
        f"{REFERENCE}/API_GetItem.html",
        KEYED,
        _other_keys,
        REFUSED,
    ),
    Rule(
        "DynamoDB: a start key is the index's, of its types and lengths",
        f"{REFERENCE}/API_Query.html",
        QUERIES,
        _other_start_key,
        REFUSED,
    ),
    Rule(
        "DynamoDB: a condition on keys compares them with their types",
        f"{GUIDE}/Query.KeyConditionExpressions.html",
        ("dynamodb.Query",),
        _compared_with_other_types,
        REFUSED,
    ),
    Rule(
        "DynamoDB: a batch names an item once",
        f"{REFERENCE}/API_BatchGetItem.html",
        (*BATCHED_STATEMENTS, *BATCHES),
        _same_item_twice,
        REFUSED,
    ),
)
