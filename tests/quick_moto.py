"""
Let moto answer as it does, in less time: a plugin of pytest.

For each member of each value of an item, moto asks under up to ten names whether it is there; for
each attribute of an index, it weighs an item anew; and for each message that it hands out, it
counts all messages of the queue a dozen times. That was two fifths of its time. Another fifth: it
asks each text for six other types, sorts all items of a table by such texts, copies what it has
found by a copy of anything, and lists the names of its own methods at each call.
"""

import functools
import sys
from collections.abc import Callable
from typing import Any

import pytest

PATCH = pytest.MonkeyPatch()
PLAIN = {"S", "N", "BOOL", "NULL"}
"""The types of values that moto writes as it has them; besides, there are lists and maps."""
SETS = {"SS", "NS", "BS"}


def pytest_collection_finish() -> None:
    """Begin before the first test, if any of the tests uses moto."""
    if "moto" in sys.modules:
        install()


def install() -> None:
    """Let moto be quick, until PATCH is undone."""
    from moto.core import responses  # noqa: PLC0415 (not for tests without moto)
    from moto.core.serialize import BaseJSONSerializer  # noqa: PLC0415
    from moto.core.utils import unix_time  # noqa: PLC0415
    from moto.dynamodb.models.dynamo_type import DynamoType, Item  # noqa: PLC0415
    from moto.dynamodb.models.table import Table  # noqa: PLC0415
    from moto.sqs import models  # noqa: PLC0415

    def is_kept(backend: Any, queue: str, message: Any) -> bool:
        period = float(backend.get_queue(queue).message_retention_period)
        return bool(period + message.sent_timestamp / 1000 > unix_time())

    write = _writing(BaseJSONSerializer._serialize_type_structure)
    PATCH.setattr(BaseJSONSerializer, "_serialize_type_structure", write)
    PATCH.setattr(Item, "project", _projecting(Item.project))
    PATCH.setattr(DynamoType, "cast_value", _casting(vars(DynamoType)["cast_value"]))
    PATCH.setattr(DynamoType, "size", _weighing(DynamoType.size))
    PATCH.setattr(DynamoType, "__deepcopy__", lambda value, _: _copied(value))
    PATCH.setattr(Table, "all_items", _sorting(Table.all_items))
    for module, name in (
        (responses, "method_names_from_class"),
        (responses, "camelcase_to_underscores"),
        (models, "camelcase_to_underscores"),
    ):
        PATCH.setattr(module, name, functools.cache(getattr(module, name)))
    PATCH.setattr(models.SQSBackend, "is_message_valid_based_on_retention_period", is_kept)


def _writing(otherwise: Callable[..., None]) -> Callable[..., None]:
    def write(serializer: Any, serialized: Any, value: Any, shape: Any, key: str) -> None:
        if shape.name == "AttributeValue" and (quickly := _written(value)):
            serialized[serializer.get_serialized_name(shape, key)] = quickly
        else:
            otherwise(serializer, serialized, value, shape, key)

    return write


def _written(value: Any) -> dict[str, Any] | None:
    """Write a value of an item; None: it is, or holds, one of another type, which moto writes."""
    kind, content = next(iter(value.items())) if isinstance(value, dict) else _parts(value)
    if kind in PLAIN:
        return {kind: content}
    if kind == "L":
        members = [_written(each) for each in content]
        return None if None in members else {kind: members}
    if kind == "M":
        written = {name: _written(each) for name, each in content.items()}
        return None if None in written.values() else {kind: written}
    return None


def _parts(value: Any) -> tuple[str, Any]:
    return value.type, value.value


def _projecting(otherwise: Callable[..., Any]) -> Callable[..., Any]:
    def project(item: Any, expressions: list[list[str]]) -> Any:
        names = [name for name, *rest in expressions if not rest and "[" not in name]
        if len(names) < len(expressions):
            return otherwise(item, expressions)
        projected = type(item)(item.hash_key, item.range_key, {})
        for name in names:
            if name in item.attrs:
                # Not by projected.attrs[name] = ..., which weighs all that there are.
                dict.__setitem__(projected.attrs, name, item.attrs[name])
        return projected

    return project


def _casting(otherwise: property) -> property:
    def cast_value(value: Any) -> Any:
        return value.value if value.type == "S" else otherwise.__get__(value)

    return property(cast_value)


def _weighing(otherwise: Callable[..., int]) -> Callable[..., int]:
    def size(value: Any) -> int:
        return len(value.value.encode()) if value.type == "S" else otherwise(value)

    return size


def _copied(value: Any) -> Any:
    copied: Any = object.__new__(type(value))
    copied.type, content = value.type, value.value
    if value.type == "L":
        content = [_copied(each) for each in content]
    elif value.type == "M":
        content = {name: _copied(each) for name, each in content.items()}
    elif value.type in SETS:
        content = list(content)
    copied.value = content
    return copied


def _sorting(otherwise: Callable[..., Any]) -> Callable[..., Any]:
    def all_items(table: Any) -> Any:
        if not table.range_key_attr:
            return otherwise(table)
        items = [item for of_one in table.items.values() for item in of_one.values()]
        return sorted(items, key=lambda it: (it.hash_key.cast_value, it.range_key.cast_value))

    return all_items
