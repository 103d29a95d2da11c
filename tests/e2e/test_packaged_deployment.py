"""
A stage as `make deploy` makes it, on an emulator that really runs the packaged archive.

Both stacks come from CloudFormation; requests go through API Gateway and messages through the
event source mapping. Only AWS itself can show more.
"""

from collections.abc import Iterator
from pathlib import Path
from unittest.mock import ANY

import pytest

from chalicelib.orders.order import sha256_of
from ops.deploy.packaging import PackagedApp
from ops.lint.emulator import excuse
from ops.lint.stage_rules import NO_EXPIRY, NO_RECOVERY, no_alarm
from ops.local_stage import REGION
from ops.stage_names import REJECTED_SHARE_ALARM
from ops.verify.place import signed_api
from tests.builders import order_text
from tests.e2e.client import ApiClient, download, eventually
from tests.e2e.deployment import PROCESSOR, STAGE, EmulatedAccount
from tests.e2e.reading import assert_reads_are_taken
from tests.properties.traceparents import TRACE, TRACEPARENT

# The first test packages and deploys the stage too.
pytestmark = pytest.mark.timeout(300)
CALLER = "arn:aws:iam::000000000000:root"


class Deployed:
    """The account, the packaged app, and the API that came of it."""

    def __init__(self, account: EmulatedAccount, packaged: PackagedApp) -> None:
        self.account = account
        self.packaged = packaged
        self.api = account.deploy_packaged(packaged)


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory, deployments: Path) -> Iterator[Deployed]:
    with EmulatedAccount(tmp_path_factory.mktemp("packaged"), deployments) as account:
        # What X-Ray adds must be in nothing's way.
        yield Deployed(account, account.package(xray=True))


@pytest.fixture
def account(deployed: Deployed) -> EmulatedAccount:
    return deployed.account


@pytest.fixture
def api(deployed: Deployed) -> ApiClient:
    return deployed.api


def test_a_valid_order_is_read_back_with_its_caller_and_downloads_as_it_was_sent(
    api: ApiClient,
) -> None:
    sent = order_text("valid")

    answer = api.post(sent, X_Request_Id="deployed-1")
    (record,) = api.records("valid", 1)

    assert (answer.status, answer.headers["X-Request-Id"]) == (202, "deployed-1")
    assert answer.headers["Location"] == f"/{STAGE}/orders/valid"
    assert (record["status"], record["submittedBy"]) == ("ACCEPTED", CALLER)
    assert download(api.get("/orders/valid").body["s3Url"]) == sent.encode()


def test_x_ray_is_on_and_the_callers_trace_goes_the_whole_way(
    account: EmulatedAccount, api: ApiClient
) -> None:
    api.post(order_text("traced"), traceparent=TRACEPARENT)
    api.records("traced", 1)

    function = account.awslambda.get_function_configuration(FunctionName=PROCESSOR)
    (stage,) = account.client("apigateway").get_stages(restApiId=account.app_outputs["RestAPIId"])[
        "item"
    ]
    (item,) = account.records("traced")
    assert (function["TracingConfig"], stage["tracingEnabled"]) == ({"Mode": "Active"}, True)
    assert item["traceparent"] == {"S": TRACEPARENT}
    for name in (f"orders-{STAGE}", PROCESSOR):
        (line,) = [line for line in account.log_lines(name) if line.get("orderId") == "traced"]
        assert line["traceId"] == TRACE
        assert line["xray_trace_id"].startswith("1-")


def test_many_orders_go_through_api_gateway_byte_for_byte(api: ApiClient) -> None:
    """The API's definition says that their type is binary: the function gets it in base64."""
    text = order_text("line", note="@").replace("@", "ñ")

    answer = api.post_lines(f"{text}\r\n[]\n{text}\n", Idempotency_Key="key-1")

    assert (answer.status, answer.body["queued"], answer.body["refused"]) == (202, 2, 1)
    (record,) = api.records("line", 1)
    assert record["payloadSha256"] == sha256_of(text)
    result = answer.body["results"][2]
    assert (result["sameAsLine"], record["submissionId"]) == (1, result["submissionId"])
    assert result["submissionUrl"].startswith(f"/{STAGE}/orders/line/submissions/")


def test_an_invalid_order_and_a_duplicate_are_recorded_as_such(api: ApiClient) -> None:
    api.post(order_text("twice", amount=0))
    api.records("twice", 1)
    api.post(order_text("twice"))
    api.records("twice", 2)
    api.post(order_text("twice", amount=1))

    records = api.records("twice", 3)

    assert [(r["status"], r["isDuplicate"], r["differs"]) for r in records] == [
        ("REJECTED", False, []),
        ("ACCEPTED", True, []),
        ("DUPLICATE", True, ["amount"]),
    ]
    assert {r["orderId"] for r in api.get("/orders?isDuplicate=true").body["records"]} == {"twice"}


def test_a_poison_message_holds_up_no_other_and_comes_back_by_redrive(
    account: EmulatedAccount, api: ApiClient
) -> None:
    account.spoil_record("poison")
    good = [f"good-{number}" for number in range(3)]

    account.send_as_one_batch(
        order_text(good[0]),
        order_text("poison"),
        "not an order",
        order_text(good[1]),
        order_text(good[2]),
    )
    account.fails_once("poison")
    with account.short_visibility_timeout():
        dead = {message["Body"]: message for message in account.dead_letters(2)}

    reason = dead["not an order"]["MessageAttributes"]["unreadableReason"]
    assert reason["StringValue"] == "not_json"
    for order_id in good:
        (record,) = api.records(order_id, 1)
        assert (record["status"], record["receiveCount"]) == ("ACCEPTED", 1)
    eventually(lambda: account.failed_attempts("poison") == [1, 2, 3, 4, 5])
    assert account.waiting() == 0

    account.mend_record("poison")
    account.redrive(dead[order_text("poison")])

    (record,) = api.records("poison", 1)
    assert record["status"] == "ACCEPTED"


def test_a_processor_that_crashes_loses_nothing(account: EmulatedAccount, api: ApiClient) -> None:
    """An unknown setting ends the processor as it starts: nothing answers for a batch."""
    with account.endless_receives():
        with account.short_visibility_timeout():
            account.set_variables(PROCESSOR, ORDERS_AUTH="neither")
            before = account.invocations(PROCESSOR)
            receipt = api.post(order_text("crashed"))
            assert receipt.status == 202
            eventually(lambda: account.invocations(PROCESSOR) >= before + 2)
        assert account.records("crashed") == []

        account.set_variables(PROCESSOR, ORDERS_AUTH="iam")

        (record,) = api.records("crashed", 1)
    assert record["submissionId"] == receipt.body["submissionId"]
    assert record["receiveCount"] > 1
    eventually(lambda: account.waiting() == 0)


@pytest.mark.parametrize("path", ["/orders", "/orders/some", "/nowhere"])
def test_a_request_that_is_not_signed_is_refused_with_a_problem(
    deployed: Deployed, path: str
) -> None:
    """The emulator takes no gateway responses from a definition: the test puts them there."""
    deployed.account.put_gateway_responses(deployed.packaged, deployed.account.app_outputs)
    anyone = ApiClient(deployed.api.url)

    answer = anyone.get(path)

    assert answer.status == 403
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["X-Request-Id"]
    assert answer.body["type"] == "urn:orders:problem:not-signed"
    assert anyone.get("/health").status == 200


def test_reads_of_careless_clients_are_taken(api: ApiClient) -> None:
    assert_reads_are_taken(api, prefix=f"/{STAGE}", path_is_decoded=True)


def test_the_root_of_the_stage_leads_anyone_to_its_docs(deployed: Deployed) -> None:
    answer = signed_api(deployed.api.url, REGION, None).send("GET", "/", signed=False)

    assert answer.status == 302
    assert answer.headers["Location"] == f"/{STAGE}/docs"


def test_the_deployed_stage_keeps_the_rules(account: EmulatedAccount) -> None:
    """Exempt are the queue's short times here, and settings that the emulator drops."""
    broken = account.broken_rules()

    assert broken == {
        "visibility-timeout": [ANY],
        "oldest-message-alarm": [ANY],
        "outage-bridged": [ANY],
        "record-table": [NO_RECOVERY, NO_EXPIRY],
        "alarms": [no_alarm(REJECTED_SHARE_ALARM)],
    }
    assert excuse([*broken["record-table"], *broken["alarms"]])
    assert "15 s, and should be at least 360 s" in broken["visibility-timeout"][0]


def test_health_passes_once_all_is_processed(api: ApiClient) -> None:
    assert eventually(lambda: api.get("/health").body["status"] == "pass")


def test_each_function_has_its_log_group_and_logs_no_secret(
    account: EmulatedAccount, api: ApiClient
) -> None:
    api.post(order_text("logged"), X_Request_Id="deployed-log")
    api.records("logged", 1)

    request = logged(account, f"orders-{STAGE}", "deployed-log")
    processed = logged(account, PROCESSOR, "deployed-log")

    assert (request["message"], request["service"]) == ("POST /orders", f"orders-{STAGE}")
    assert (processed["message"], processed["orderId"]) == ("accepted", "logged")
    assert "1111111" not in str(account.log_lines(PROCESSOR))


def logged(account: EmulatedAccount, function: str, request_id: str) -> dict[str, object]:
    (line,) = [line for line in account.log_lines(function) if line.get("requestId") == request_id]
    return line
