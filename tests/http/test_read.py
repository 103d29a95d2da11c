"""GET: the order with its history, the audit, and health."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.http.representation import to_json
from chalicelib.orders.terms import TERMS
from tests.builders import order_text, sqs_event, sqs_record
from tests.http.conftest import Api


def test_a_processed_order_is_read_back(api: Api) -> None:
    api.post(order_text(channel="web", amount=25.8), X_Request_Id="request-1")
    api.process_queue()

    answer = api.get("/orders/order-001")

    assert answer.status == 200
    record = answer.body["order"]
    assert record == {
        "orderId": "order-001",
        "recordId": "0#FIRST",
        "submissionId": "id-1",
        "status": "ACCEPTED",
        "valid": True,
        "isDuplicate": False,
        "errors": [],
        **dict.fromkeys(TERMS),
        "amount": 25.8,
        "fromAccount": "1111111",
        "toAccount": "7777777",
        "channel": "web",
        "s3Key": record["s3Key"],
        "payloadSha256": record["payloadSha256"],
        "receivedAt": "2026-03-01T12:00:00.000Z",
        "processedAt": "2026-03-01T12:00:01.000Z",
        "receiveCount": 1,
        "differs": [],
        "submittedBy": None,
        "messageChannel": None,
        "ignoredAttributes": [],
        "sentBy": None,
    }
    assert answer.body["records"] == [record]
    assert answer.body["s3Url"].endswith(f"{record['s3Key']}?signed")
    assert answer.body["cursor"] is None


def test_an_invalid_order_is_read_back_with_its_errors_and_without_its_text(api: Api) -> None:
    api.post(order_text(amount="abc"))
    api.process_queue()

    order = api.get("/orders/order-001").body["order"]

    assert order["status"] == "REJECTED"
    assert order["amount"] is None
    assert "payload" not in order
    assert [error["code"] for error in order["errors"]] == ["not_a_number"]


def test_the_404_says_that_the_order_may_still_be_queued(api: Api) -> None:
    answer = api.get("/orders/order-001")

    assert answer.status == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.body["type"] == "urn:orders:problem:order-not-found"
    assert answer.body["detail"].startswith('No order "order-001" is recorded.')
    assert "queue" in answer.body["detail"]
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize("order_id", ["a%20b", "..%2f", "x" * 65, "%0d%0aX"])
def test_get_answers_400_to_an_impossible_id(api: Api, order_id: str) -> None:
    answer = api.get(f"/orders/{order_id}")

    assert answer.status == 400
    assert [error["field"] for error in answer.body["errors"]] == ["orderId"]


@pytest.mark.parametrize(
    ("order_id", "got"),
    [("a%20b", '"a b"'), ("y" * 63 + "~", f'"{"y" * 63}~"'), ("x" * 65, "65 characters")],
)
def test_get_quotes_an_impossible_id_to_its_sender(api: Api, order_id: str, got: str) -> None:
    answer = api.get(f"/orders/{order_id}")

    assert answer.body["detail"] == (
        f"orderId must be 1 to 64 of A-Z a-z 0-9 . _ - (not . or ..): got {got}."
    )


def test_a_long_history_is_paged(api: Api) -> None:
    for number in range(5):
        api.process(sqs_event(sqs_record(order_text(), submissionId=f"s-{number}")))
        api.clock.advance(seconds=1)

    seen, path = [], "/orders/order-001?limit=2"
    while path:
        body = api.get(path).body
        seen += [record["submissionId"] for record in body["records"]]
        path = body["cursor"] and f"/orders/order-001?limit=2&cursor={body['cursor']}"

    assert seen == [f"s-{number}" for number in range(5)]


def test_the_audit_is_filtered_and_paged(api: Api) -> None:
    for number in range(6):
        changes = {"amount": 0} if number % 2 else {}
        api.process(sqs_event(sqs_record(order_text(f"order-{number}", **changes))))
        api.clock.advance(seconds=1)

    first = api.get("/orders?valid=true&limit=2").body
    second = api.get(f"/orders?valid=true&limit=2&cursor={first['cursor']}").body

    seen = [record["orderId"] for record in first["records"] + second["records"]]
    assert seen == ["order-4", "order-2", "order-0"]
    assert second["cursor"] is None


@pytest.mark.parametrize("period", ["", "&from=2026-02-25", "&to=2026-03-02"])
def test_all_pages_keep_the_period_of_the_first_one_past_midnight(api: Api, period: str) -> None:
    """Without `from` and `to` the period ends on the day of the request, and that day changes."""
    api.clock.now -= timedelta(days=4)
    for number in range(5):
        api.process(sqs_event(sqs_record(order_text(f"order-{number}"))))
        api.clock.advance(days=1)

    seen, path = [], f"/orders?limit=1{period}"
    while path:
        body = api.get(path).body
        seen += [record["orderId"] for record in body["records"]]
        path = body["cursor"] and f"/orders?limit=1{period}&cursor={body['cursor']}"
        api.clock.advance(days=3)

    assert seen == ["order-4", "order-3", "order-2", "order-1", "order-0"]


@pytest.mark.parametrize(
    "other", ["valid=true", "from=2026-02-23", "to=2026-03-01", "from=2026-02-23&to=2026-03-01"]
)
def test_a_cursor_is_refused_with_other_parameters(api: Api, other: str) -> None:
    for number in range(3):
        api.process(sqs_event(sqs_record(order_text(f"order-{number}"))))
    cursor = api.get("/orders?limit=1").body["cursor"]

    answer = api.get(f"/orders?{other}&cursor={cursor}")

    assert answer.status == 400
    assert [error["code"] for error in answer.body["errors"]] == ["bad_cursor"]


def test_a_day_without_orders_is_an_empty_list(api: Api) -> None:
    answer = api.get("/orders?from=2020-01-01&to=2020-01-02")

    assert (answer.status, answer.body) == (200, {"records": [], "cursor": None, "unreadable": []})


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("limit=0", ["limit"]),
        ("limit=0&valid=x&from=now", ["from", "valid", "limit"]),
        ("cursor=altered", ["cursor"]),
        ("nonsense=1", ["nonsense"]),
        ("status=ACCEPTED&status=REJECTED", ["status"]),
        ("limit=1&limit=1&valid=x", ["limit", "valid"]),
    ],
)
def test_bad_parameters_are_named(api: Api, query: str, fields: list[str]) -> None:
    answer = api.get(f"/orders?{query}")

    assert answer.status == 400
    assert answer.body["type"] == "urn:orders:problem:invalid-parameters"
    assert [error["field"] for error in answer.body["errors"]] == fields


def test_a_repeated_parameter_of_a_history_is_named(api: Api) -> None:
    answer = api.get("/orders/order-001?limit=1&limit=2")

    assert answer.status == 400
    assert answer.body["detail"] == "limit must be given once: got '1', '2'."


def test_an_unreachable_store_is_a_503(api: Api) -> None:
    with api.records.outage():
        answers = [api.get("/orders/order-001"), api.get("/orders")]

    assert [answer.status for answer in answers] == [503, 503]
    assert [answer.body["detail"] for answer in answers] == [
        "A service behind this one did not answer. Try again after the time in Retry-After."
    ] * 2


def test_health_passes_when_all_is_well(api: Api) -> None:
    answer = api.get("/health")

    assert answer.status == 200
    assert answer.headers["content-type"] == "application/health+json"
    assert answer.body["status"] == "pass"
    assert set(answer.body["checks"]) == {
        "queue:responseTime",
        "deadLetterQueue:responseTime",
        "bucket:responseTime",
        "table:responseTime",
    }
    (check,) = answer.body["checks"]["table:responseTime"]
    assert (check["status"], check["observedUnit"]) == ("pass", "ms")
    assert check["observedValue"] >= 0


def test_health_warns_of_dead_letters(api: Api) -> None:
    api.process(sqs_event(sqs_record("[]")))

    answer = api.get("/health")

    assert (answer.status, answer.body["status"]) == (200, "warn")
    assert answer.body["checks"]["deadLetterQueue:responseTime"][0]["output"] == "is not empty"


def test_health_fails_with_a_dependency(api: Api) -> None:
    with api.archive.outage():
        answer = api.get("/health")

    assert (answer.status, answer.body["status"]) == (503, "fail")
    assert answer.body["checks"]["bucket:responseTime"][0]["status"] == "fail"
    assert answer.body["checks"]["table:responseTime"][0]["status"] == "pass"


@given(st.decimals("0.01", "9999999999999.99", places=2))
def test_an_amount_is_shown_exactly(amount: Decimal) -> None:
    shown = to_json({"amount": amount})

    assert json.loads(shown, parse_float=Decimal, parse_int=Decimal)["amount"] == amount


def test_to_json_refuses_a_value_that_has_no_json_form() -> None:
    with pytest.raises(TypeError, match="object has no JSON form"):
        to_json({"x": object()})


def test_an_item_that_cannot_be_read_is_named_beside_the_records(api: Api) -> None:
    api.process(sqs_event(sqs_record(order_text("order-001"))))
    (item,) = api.records.items()
    api.records.put_by_hand({**item, "orderId": {"S": "by-hand"}, "status": {"S": "PENDING"}})

    audit, gone = api.get("/orders"), api.get("/orders/by-hand")

    assert [each["orderId"] for each in audit.body["records"]] == ["order-001"]
    assert audit.body["unreadable"] == [{"orderId": "by-hand", "recordId": "0#FIRST"}]
    assert (gone.status, gone.body["type"]) == (500, "urn:orders:problem:internal-error")
    assert api.get("/orders/order-001").body["unreadable"] == []
