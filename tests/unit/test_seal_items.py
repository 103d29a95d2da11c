"""The hash of an item: one for one content, wherever it was read, and another for any other."""

import json
from decimal import Decimal
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.aws.items import to_item
from chalicelib.aws.seal_items import canonical, entry_leaf, record_leaf
from chalicelib.orders.record import Record
from tests.builders import START, order_text, submission


def item_of(**fields: Any) -> dict[str, Any]:
    made = submission(order_text(**fields), "s-1", submitted_by="ana", message_channel="web")
    return to_item(Record.of_first(made, START), 4)


ITEM = item_of()


def test_the_hash_is_of_canonical_json() -> None:
    """Anyone can make it with a JSON library and SHA-256."""
    item = {**ITEM, "terms": {"M": {**ITEM["terms"]["M"], "amount": {"N": "2580"}}}}
    text = json.dumps(item, sort_keys=True, separators=(",", ":"))

    leaf = record_leaf(item)

    number = text.replace('"2580"', '"2.58E+3"')
    assert leaf.item_sha256 == sha256(number.encode()).hexdigest()
    assert leaf.name == ("2026-03-01T12:00:00.000Z#" + leaf.position[25:], "order-001", "0#FIRST")


@pytest.mark.parametrize(
    "same", [["1", "1.0", "1E0", "+1", "01"], ["0", "0.00"], ["100", "1E2"], ["0.5", ".5", "5E-1"]]
)
def test_one_number_has_one_text(same: list[str]) -> None:
    assert len({canonical({"a": {"N": number}}) for number in same}) == 1


@pytest.mark.parametrize(
    "name", ["amount", "38 digits", "a text", "the name of an attribute", "its type", "null"]
)
def test_another_value_has_another_hash(name: str) -> None:
    digits = "1" * 37
    before, after = {
        "amount": ({"N": "1"}, {"N": "1.01"}),
        "38 digits": ({"N": f"{digits}1"}, {"N": f"{digits}2"}),
        "a text": ({"S": "1"}, {"S": "1.0"}),
        "the name of an attribute": ({"M": {"a": {"S": ""}}}, {"M": {"b": {"S": ""}}}),
        "its type": ({"N": "1"}, {"S": "1"}),
        "null": ({"NULL": True}, {"BOOL": True}),
    }[name]

    assert canonical({"terms": before}) != canonical({"terms": after})


@pytest.mark.parametrize("text", ['{"N":"1.0"}', '":{"N":"1.0"}', '{"N":"', "\\", "é\u2028😀"])
def test_a_text_that_looks_like_a_number_stays_as_it_is(text: str) -> None:
    item = {"a": {"S": text}, text: {"M": {"N": {"S": text}}}}

    assert json.loads(canonical(item)) == item
    assert canonical(item).isascii()


numbers = st.decimals(allow_nan=False, allow_infinity=False, places=3).map(
    lambda number: {"N": str(number)}
)
values = st.recursive(
    numbers | st.text().map(lambda text: {"S": text}) | st.booleans().map(lambda it: {"BOOL": it}),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: {"L": items})
        | st.dictionaries(st.text(), inner, max_size=3).map(lambda fields: {"M": fields})
    ),
    max_leaves=8,
)
items = st.dictionaries(st.text(), values, max_size=4)


def with_values(value: Any) -> Any:
    """Read DynamoDB's notation, so that equal numbers are equal."""
    (kind, content), *_ = value.items()
    match kind:
        case "N":
            return Decimal(content)
        case "L":
            return [with_values(each) for each in content]
        case "M":
            return {name: with_values(each) for name, each in content.items()}
    return kind, content


@given(items, items)
def test_two_items_have_one_text_only_if_they_are_equal(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    equal = with_values({"M": one}) == with_values({"M": other})

    assert (canonical(one) == canonical(other)) is equal
    assert with_values({"M": json.loads(canonical(one))}) == with_values({"M": one})


def test_bytes_are_written_as_dynamodb_writes_them() -> None:
    """No item of ours has any. Somebody's own must not stop the sealing."""
    assert canonical({"a": {"B": b"\x00\xff"}}) == '{"a":{"B":"AP8="}}'


@pytest.mark.parametrize("name", ["payload", "historyPosition", "traceparent"])
def test_a_records_leaf_leaves_out_what_the_index_does_not_have(name: str) -> None:
    """It is the same, whether the record was read from the index or from the table."""
    assert record_leaf(ITEM | {name: {"S": "x"}}) == record_leaf(ITEM)


@pytest.mark.parametrize("name", sorted(ITEM))
def test_a_change_of_any_attribute_of_a_record_is_another_leaf(name: str) -> None:
    assert record_leaf(ITEM | {name: {"S": "x"}}) != record_leaf(ITEM)


@pytest.mark.parametrize("name", ["why", "payload", "more"])
def test_an_entrys_leaf_is_of_all_its_attributes(name: str) -> None:
    entry = {"orderId": {"S": "#audit/2026-03-01"}, "recordId": {"S": "2026-03-01T12#a"}}

    assert entry_leaf(entry | {name: {"S": "x"}}) != entry_leaf(entry)
    assert entry_leaf(entry).position == "2026-03-01T12#a"
