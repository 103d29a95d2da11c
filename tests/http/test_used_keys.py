"""POST /orders under a key that was used: sent again, or refused. Never a 500."""

import pytest

from tests.builders import order_text
from tests.http.conftest import JSON, Api
from tests.http.test_submit import assert_refused


def test_a_replay_is_sent_again_counts_once_and_says_that_it_is_one(api: Api) -> None:
    """The first attempt may have died before it reached the queue."""
    first, *replays = [api.post(order_text(), Idempotency_Key="key-1") for _ in range(3)]

    assert "idempotent-replayed" not in first.headers
    assert [each.headers["idempotent-replayed"] for each in replays] == ["true", "true"]
    assert [each.status for each in replays] == [202, 202]
    assert len(api.queue.sent) == 3
    api.process_queue()
    (record,) = api.get("/orders/order-001").body["records"]
    assert record["status"] == "ACCEPTED"


OTHER_BODIES = {
    "another order": order_text("order-002"),
    "another amount": order_text(amount=9999),
    "an invalid order": order_text(amount=0),
    "one space more": f"{order_text()} ",
}


@pytest.mark.parametrize("body", OTHER_BODIES.values(), ids=OTHER_BODIES)
def test_another_body_under_a_used_key_is_refused_and_queues_nothing(api: Api, body: str) -> None:
    api.post(order_text(), Idempotency_Key="key-1")
    api.process_queue()

    answer = api.post(body, Idempotency_Key="key-1")

    assert_refused(api, answer, 422, "idempotency-key-reused")
    assert answer.body["orderId"] == "order-001"
    assert "location" not in answer.headers
    assert "idempotent-replayed" not in answer.headers


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", 'that of order "order-001". To hand that order in again, send its very bytes'),
        ("es", 'el de la orden "order-001". Para enviar otra vez esa orden, envíe exactamente'),
    ],
)
def test_the_refusal_of_a_used_key_names_its_order_and_says_what_to_do(
    api: Api, language: str, said: str
) -> None:
    api.post(order_text(), Idempotency_Key="key-1")

    answer = api.post(order_text("order-002"), Idempotency_Key="key-1", Accept_Language=language)

    assert said in answer.body["detail"]
    assert answer.headers["content-language"] == language


def test_the_line_of_a_refused_key_tells_neither_the_key_nor_the_first_order(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    api.post(order_text(), Idempotency_Key="key-1")
    caplog.clear()

    api.post(order_text("order-002"), Idempotency_Key="key-1")

    (line,) = [vars(each) for each in caplog.records]
    assert (line["status"], line["problem"]) == (422, "idempotency-key-reused")
    assert "key-1" not in str(line)
    assert "order-001" not in str(line)


@pytest.mark.parametrize("second", [order_text(), order_text("order-002")], ids=["same", "other"])
def test_an_order_is_taken_in_though_its_key_can_not_be_checked(
    api: Api, caplog: pytest.LogCaptureFixture, second: str
) -> None:
    """An order is worth more than a check."""
    api.post(order_text(), Idempotency_Key="key-1")

    with api.application.fake_keys.outage():
        answer = api.post(second, Idempotency_Key="key-1")

    assert answer.status == 202
    assert "idempotent-replayed" not in answer.headers
    assert len(api.queue.sent) == 2
    (line,) = [vars(each) for each in caplog.records if each.message == "key unchecked"]
    assert line["levelname"] == "WARNING"
    assert line["submissionId"] == answer.body["submissionId"]
    assert line["requestId"] == answer.headers["x-request-id"]
    assert line["detail"] == "PutItem: ServiceUnavailable"
    assert "key-1" not in str(line)


def test_a_dry_run_takes_no_key_and_meets_none(api: Api) -> None:
    """It asks no service, so it can't say whether the key was used."""
    for body in (order_text(), order_text("order-002")):
        headers = {"Content-Type": JSON, "Idempotency-Key": "key-1"}
        answer = api.request("POST", "/orders?dryRun=true", body.encode(), headers)
        assert answer.status == 200

    assert api.application.fake_keys.calls == []
