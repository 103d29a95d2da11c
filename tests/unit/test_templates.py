"""Templates: an import gets only the part that it may have."""

import json

from ops.deploy.imports import importable_names, only
from ops.local.resources import TEMPLATE
from ops.templates import load_template

VALUES = {"Stage": "dev", "AWS::AccountId": "111122223333", "AWS::Region": "us-east-1"}
DATA = {
    "OrdersQueue": "orders-dev",
    "OrdersDLQ": "orders-dlq-dev",
    "OrdersBucket": "orders-dev-111122223333",
    "OrdersTable": "orders-dev",
}


def test_every_retained_resource_can_be_imported_by_name() -> None:
    template = load_template(TEMPLATE.read_text())

    names = importable_names(template, VALUES)

    retained = {
        logical_id
        for logical_id, resource in template["Resources"].items()
        if resource.get("DeletionPolicy") == "Retain"
    }
    assert retained == DATA.keys()
    assert {name: names[name] for name in DATA} == DATA


def test_an_import_has_neither_outputs_nor_other_resources() -> None:
    template = load_template(TEMPLATE.read_text())

    part = json.loads(only(template, DATA))

    assert part["Resources"].keys() == DATA.keys()
    assert "Outputs" not in part
    assert part["Parameters"].keys() == template["Parameters"].keys()
    assert part["Resources"]["OrdersQueue"] == template["Resources"]["OrdersQueue"]


def test_an_import_refers_to_imported_resources_only() -> None:
    """Someone has deleted the dead-letter queue: the queue's redrive policy has to wait for it."""
    template = load_template(TEMPLATE.read_text())

    part = json.loads(only(template, ["OrdersQueue"]))

    properties = part["Resources"]["OrdersQueue"]["Properties"]
    assert "RedrivePolicy" not in properties
    assert properties["QueueName"] == {"Fn::Sub": "orders-${Stage}"}


def test_short_forms_are_read_as_their_full_forms() -> None:
    template = load_template("a: !Sub x-${Y}\nb: !GetAtt Q.Arn\nc: !If [A, !Ref B, {d: 1}]")

    assert template == {
        "a": {"Fn::Sub": "x-${Y}"},
        "b": {"Fn::GetAtt": ["Q", "Arn"]},
        "c": {"Fn::If": ["A", {"Ref": "B"}, {"d": 1}]},
    }
