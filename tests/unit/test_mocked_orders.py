"""Whoever tests the app with Chalice's test client under `mock_aws` needs nothing else."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from chalice.test import Client
from moto import mock_aws

from tests.application import load_app, project_with
from tests.builders import order_text
from tests.resources import create_resources

JSON = {"Content-Type": "application/json"}


@pytest.fixture(params=[{}, {"ORDERS_ARCHIVE": "boto3"}, {"ORDERS_ARCHIVE": "obstore"}], ids=str)
def client(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Client]:
    """
    Make a client of the app as a process loads it, over the variables of a stage.

    The last is what the stages of the checkout say: obstore would go past the mock, to AWS itself.
    """
    with mock_aws():
        project = project_with(tmp_path, mine=create_resources("mine") | request.param)
        with Client(load_app().app, stage_name="mine", project_dir=str(project)) as client:
            yield client


def test_an_order_goes_from_the_post_through_the_processor_to_the_get(client: Client) -> None:
    body = order_text("mocked")

    receipt = client.http.post("/orders", headers=JSON, body=body.encode())
    client.lambda_.invoke("process_orders", client.events.generate_sqs_event([body]))
    answer = client.http.get("/orders/mocked")

    assert receipt.status_code == 202
    assert answer.json_body["order"]["status"] == "ACCEPTED"
    assert "/orders/mocked/" in answer.json_body["s3Url"]
