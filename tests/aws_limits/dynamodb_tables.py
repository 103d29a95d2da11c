"""The keys and indexes of the project's table, from the template that makes it everywhere."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from tests.aws_limits.dynamodb_values import Item, Value, size_of_item, size_of_text

TEMPLATE = Path(__file__).parents[2] / "infrastructure" / "resources.yaml"
# `orders-STAGE`, and what tests without the template call it.
OUR_TABLE = re.compile(r"orders(-[a-z0-9-]+)?")
MOST_BYTES_OF_PARTITION_KEY = 2_048
MOST_BYTES_OF_SORT_KEY = 1_024


class Key(NamedTuple):
    """An attribute of a key."""

    name: str
    type: str
    most_bytes: int

    def problem(self, value: Value | None) -> str | None:
        """Say why a value can't be this part of a key."""
        if value is None:
            return f"no {self.name}"
        if set(value) != {self.type}:
            return f"{self.name} is no {self.type}"
        size = size_of_text(str(value[self.type]))
        if not size:
            return f"{self.name} is empty"
        return f"{self.name} has {size} bytes" if size > self.most_bytes else None


class Index(NamedTuple):
    """A secondary index: its keys, and the attributes of an entry, or None for all."""

    keys: tuple[Key, ...]
    projected: frozenset[str] | None

    def size_of_entry(self, item: Item) -> int:
        """Count the bytes of an item's entry. Without a key it has none."""
        if any(key.name not in item for key in self.keys):
            return 0
        names = item.keys() if self.projected is None else self.projected & item.keys()
        return size_of_item({name: item[name] for name in names})


class Table(NamedTuple):
    """A table: its keys and its indexes, by their names."""

    keys: tuple[Key, ...]
    local_indexes: Mapping[str, Index]
    global_indexes: Mapping[str, Index]

    @property
    def indexes(self) -> dict[str, Index]:
        return {**self.local_indexes, **self.global_indexes}

    def keys_of(self, index: str | None) -> dict[str, Key]:
        """Name the keys of an entry in an index, the table's included; None is the table."""
        keys = (*self.keys, *(self.indexes[index].keys if index else ()))
        return {key.name: key for key in keys}

    def size_with_entries(self, item: Item) -> int:
        """Count the bytes of an item together with its entries in the local indexes."""
        entries = sum(index.size_of_entry(item) for index in self.local_indexes.values())
        return size_of_item(item) + entries


def table_named(name: str) -> Table | None:
    """Describe a table of the project; None is another one."""
    return _orders_table() if OUR_TABLE.fullmatch(name) else None


@cache
def _orders_table() -> Table:
    properties = _template()["Resources"]["OrdersTable"]["Properties"]
    types = {
        each["AttributeName"]: each["AttributeType"] for each in properties["AttributeDefinitions"]
    }
    table_keys = _keys(properties["KeySchema"], types)

    def indexes(kind: str) -> dict[str, Index]:
        return {
            each["IndexName"]: _index(each, _keys(each["KeySchema"], types), table_keys)
            for each in properties.get(kind, ())
        }

    return Table(table_keys, indexes("LocalSecondaryIndexes"), indexes("GlobalSecondaryIndexes"))


def _keys(schema: Sequence[Mapping[str, str]], types: Mapping[str, str]) -> tuple[Key, ...]:
    most = {"HASH": MOST_BYTES_OF_PARTITION_KEY, "RANGE": MOST_BYTES_OF_SORT_KEY}
    return tuple(
        Key(each["AttributeName"], types[each["AttributeName"]], most[each["KeyType"]])
        for each in schema
    )


def _index(
    properties: Mapping[str, Any], keys: tuple[Key, ...], table_keys: tuple[Key, ...]
) -> Index:
    projection = properties["Projection"]
    if projection["ProjectionType"] == "ALL":
        return Index(keys, None)
    names = {key.name for key in (*keys, *table_keys)}
    return Index(keys, frozenset(names | set(projection.get("NonKeyAttributes", ()))))


def _template() -> Any:
    """Load the template without the values of its short forms, such as !Sub."""
    # Here: a process that calls no table needs no YAML.
    import yaml  # noqa: PLC0415

    class Loader(yaml.SafeLoader):  # type: ignore[misc] # yaml is untyped
        pass

    Loader.add_multi_constructor("!", lambda *_: None)
    return yaml.load(TEMPLATE.read_text(encoding="utf-8"), Loader=Loader)  # noqa: S506 (it is safe)
