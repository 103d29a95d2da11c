"""Each function of the packaged app, by its first invocation, with vendor/ and without."""

import json
from typing import Any

import pytest

from chalicelib.services.batch_lines import MAX_BATCH_BYTES, MAX_BATCH_LINES
from ops.ports import accepts_connections, reachable_from_outside
from tests.aws_parts import LAMBDA_RUNTIME
from tests.builders import gateway_event, lines_event, order_text
from tests.lambda_runtime.account import Account, change_of
from tests.lambda_runtime.conftest import Start
from tests.lambda_runtime.package import API, PROCESSOR, PUBLISHER, Package

pytestmark = pytest.mark.aws_part(LAMBDA_RUNTIME.name)


@pytest.fixture(params=["plain", "vendored"])
def package(request: pytest.FixtureRequest) -> Package:
    """Each package in turn."""
    package: Package = request.getfixturevalue(request.param)
    return package


def get_event(order_id: str) -> dict[str, Any]:
    return gateway_event("GET", f"/orders/{order_id}", resource="/orders/{order_id}")


def test_the_packages_differ_in_vendor(plain: Package, vendored: Package) -> None:
    assert not (plain.code / "botocore").exists()
    assert (vendored.code / "botocore").exists()


def test_a_package_for_arm64_runs_on_any_processor(package: Package) -> None:
    assert [path.name for path in package.code.rglob("*.so*")] == []


def test_the_emulator_of_lambda_listens_on_this_machine_only(plain: Package, start: Start) -> None:
    function = start(plain, API)

    ports = (function.port, function.runtime_port)
    assert all(accepts_connections("127.0.0.1", port) for port in ports)
    assert not any(reachable_from_outside(port) for port in ports)


@pytest.mark.parametrize(
    ("event", "status"),
    [
        (gateway_event("POST", "/orders", body=order_text("first-invocation")), 202),
        (get_event("no-such-order"), 404),
        (gateway_event("GET", "/health"), 200),
    ],
    ids=["POST", "GET", "health"],
)
def test_the_api_answers_its_first_invocation(
    package: Package, start: Start, event: dict[str, Any], status: int
) -> None:
    function = start(package, API)

    answer = function.invoke(event)

    assert (answer.status, answer.body["statusCode"]) == (200, status)
    assert answer.body["headers"]["X-Request-Id"] == "request-1"
    assert function.invocations_ms[0] > 0
    assert function.init_ms > 0


def test_an_order_goes_from_the_api_through_the_queue_and_the_processor_to_its_record(
    package: Package, start: Start, account: Account
) -> None:
    order_id = f"whole-way-{package.name}"
    api = start(package, API)
    posted = api.invoke(gateway_event("POST", "/orders", body=order_text(order_id)))

    processed = start(package, PROCESSOR).invoke(account.receive())

    assert processed.body == {"batchItemFailures": []}
    shown = json.loads(api.invoke(get_event(order_id)).body["body"])
    assert shown["order"]["status"] == "ACCEPTED"
    assert shown["order"]["submissionId"] == json.loads(posted.body["body"])["submissionId"]


def test_the_largest_batch_fits_into_an_invocation(
    plain: Package, start: Start, account: Account
) -> None:
    """API Gateway hands its bytes on in base64, within the 6 MB that Lambda takes."""
    texts = [order_text(f"many-{number}", note='"' * 4_000) for number in range(MAX_BATCH_LINES)]
    body = "\r\n".join(texts).encode()
    body += b"\n" * (MAX_BATCH_BYTES - len(body))
    event = lines_event(body)

    answer = start(plain, API).invoke(event)

    assert len(json.dumps(event)) < 6_000_000
    assert answer.body["statusCode"] == 202
    assert json.loads(answer.body["body"])["queued"] == MAX_BATCH_LINES
    assert set(account.take()) == set(texts)


def test_a_batch_of_the_stream_becomes_events(
    package: Package, start: Start, account: Account
) -> None:
    changes = {"Records": [change_of("told-1"), change_of("told-2")]}

    answer = start(package, PUBLISHER).invoke(changes)

    assert (answer.status, answer.body) == (200, None)
    assert sorted(event["subject"] for event in account.heard()) == ["told-1", "told-2"]


def test_a_partial_batch_response_names_the_message_that_failed(
    package: Package, start: Start, account: Account
) -> None:
    account.spoil_record("spoilt")
    event = account.deliver(order_text("good-1"), order_text("spoilt"), order_text("good-2"))

    answer = start(package, PROCESSOR).invoke(event)

    (failed,) = [record for record in event["Records"] if "spoilt" in record["body"]]
    assert answer.body == {"batchItemFailures": [{"itemIdentifier": failed["messageId"]}]}
    # It is Lambda that deletes the others.
    assert account.waiting() == 3


def test_without_partial_batches_the_good_messages_are_deleted_and_the_invocation_fails(
    package: Package, start: Start, account: Account
) -> None:
    account.spoil_record("spoilt")
    good = [f"{package.name}-{number}" for number in range(2)]
    event = account.deliver(*map(order_text, [*good, "spoilt"]))
    function = start(package, PROCESSOR, variables={"ORDERS_PARTIAL_BATCH": "disabled"})

    answer = function.invoke(event)

    assert answer.body["errorType"] == "BatchFailed"
    assert answer.body["errorMessage"] == "1 of 3 messages failed and stay on the queue"
    assert answer.body["requestId"]
    assert answer.body["stackTrace"]
    (failed,) = [record for record in event["Records"] if "spoilt" in record["body"]]
    account.end_visibility_timeout({"Records": [failed]})
    (redelivered,) = account.receive()["Records"]
    assert redelivered["messageId"] == failed["messageId"]
    assert account.waiting() == 1
    assert [len(account.records(order_id)) for order_id in good] == [1, 1]
