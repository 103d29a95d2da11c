import json
from collections.abc import Iterator

import pytest
import requests
from chalice.test import Client
from moto import mock_aws

from app import app
from tests.resources import create_resources


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    with mock_aws(), Client(app, stage_name="my-test") as client:
        for name, value in create_resources("my-test").items():
            monkeypatch.setenv(name, value)
        yield client


def test_an_order_is_processed_and_can_be_downloaded(client: Client) -> None:
    accounts = {"fromAccount": "1111111", "toAccount": "7777777"}
    order = json.dumps({"id": "order-001", "amount": 2580, **accounts})
    json_headers = {"Content-Type": "application/json"}

    receipt = client.http.post("/orders", headers=json_headers, body=order.encode())
    client.lambda_.invoke("process_orders", client.events.generate_sqs_event([order]))
    answer = client.http.get("/orders/order-001")

    assert receipt.status_code == 202
    assert answer.json_body["order"]["status"] == "ACCEPTED"
    assert requests.get(answer.json_body["s3Url"], timeout=5).text == order
