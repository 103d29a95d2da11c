"""Another stage in the same process: it has only another name."""

import json
from collections.abc import Iterator

import pytest
from chalice.test import Client
from moto import mock_aws

from app import app
from tests.resources import create_resources


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    with mock_aws(), Client(app, stage_name="other-test") as client:
        for name, value in create_resources("other-test").items():
            monkeypatch.setenv(name, value)
        yield client


def test_an_order_that_comes_again_with_another_amount_is_a_duplicate(client: Client) -> None:
    order = {"id": "order-001", "amount": 2580, "fromAccount": "1111111", "toAccount": "7777777"}
    orders = [json.dumps(order), json.dumps(order | {"amount": 9999})]

    client.lambda_.invoke("process_orders", client.events.generate_sqs_event(orders))
    records = client.http.get("/orders/order-001").json_body["records"]

    assert [record["status"] for record in records] == ["ACCEPTED", "DUPLICATE"]
    assert records[1]["differs"] == ["amount"]
