"""POST /orders?dryRun=true: the judgement of a submission, and no submission."""

import gzip
from typing import Any

import pytest

from chalicelib.orders.order import MAX_PAYLOAD_BYTES
from tests.builders import gateway_event, order_text
from tests.http.conftest import JSON, Answer, Api, running
from tests.http.test_errors import lines_of


def dry_run(api: Api, body: str | bytes, *, query: str = "dryRun=true", **headers: str) -> Answer:
    data = body.encode() if isinstance(body, str) else body
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return api.request("POST", f"/orders?{query}", data, {"Content-Type": JSON, **given})


def test_a_dry_run_judges_a_valid_order_and_queues_nothing(api: Api) -> None:
    answer = dry_run(api, order_text())

    assert answer.status == 200
    assert answer.headers["content-type"] == JSON
    assert "location" not in answer.headers
    assert answer.body == {
        "orderId": "order-001",
        "status": "NOT_QUEUED",
        "valid": True,
        "errors": [],
    }
    assert api.queue.sent == []


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize(
    "changes",
    [{}, {"amount": 0, "fromAccount": 7, "toAccount": "x"}, {"channel": "fax"}],
    ids=["valid", "three errors", "one error"],
)
def test_the_judgement_of_a_dry_run_is_the_receipts(
    api: Api, changes: dict[str, Any], language: str
) -> None:
    body = order_text(**changes)

    judged = dry_run(api, body, Accept_Language=language)
    queued = api.post(body, Accept_Language=language)

    assert judged.headers["content-language"] == language
    assert {name: judged.body[name] for name in ("orderId", "valid", "errors")} == {
        name: queued.body[name] for name in ("orderId", "valid", "errors")
    }


REFUSED: dict[str, tuple[bytes, dict[str, str]]] = {
    "nothing": (b"", {}),
    "no JSON": (b"{not json", {}),
    "no order": (b"[]", {}),
    "no id": (b"{}", {}),
    "a bad id": (b'{"id": "a b"}', {}),
    "no UTF-8": (b'{"id": "\xff"}', {}),
    "a repeated key": (b'{"id": "a", "id": "b"}', {}),
    "too large": (b"x" * (MAX_PAYLOAD_BYTES + 1), {}),
    "another type": (order_text().encode(), {"Content_Type": "text/plain"}),
    "another charset": (order_text().encode(), {"Content_Type": f"{JSON}; charset=utf-16"}),
    "compressed": (gzip.compress(order_text().encode()), {"Content_Encoding": "gzip"}),
    "a bad key": (order_text().encode(), {"Idempotency_Key": "a b"}),
}


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize(("body", "headers"), REFUSED.values(), ids=REFUSED)
def test_a_dry_run_refuses_what_a_submission_refuses_in_the_same_words(
    api: Api, body: bytes, headers: dict[str, str], language: str
) -> None:
    given = {"Content_Type": JSON, **headers, "Accept_Language": language}
    types = {name.replace("_", "-"): value for name, value in given.items()}

    judged = api.request("POST", "/orders?dryRun=true", body, types)
    submitted = api.request("POST", "/orders", body, types)

    assert judged.status in (400, 413, 415)
    assert (judged.status, judged.body) == (submitted.status, submitted.body)
    assert api.queue.sent == []


def test_false_is_as_without(api: Api) -> None:
    answer = dry_run(api, order_text(), query="dryRun=false")

    assert (answer.status, answer.body["status"]) == (202, "QUEUED")
    assert answer.headers["location"] == "/orders/order-001"
    assert len(api.queue.sent) == 1


@pytest.mark.parametrize(
    ("query", "quoted"),
    [
        ("dryRun", "''"),
        ("dryRun=", "''"),
        ("dryRun=True", "'True'"),
        ("dryRun=1", "'1'"),
        ("dryRun=yes", "'yes'"),
        ("dryRun=true%20", "'true '"),
        ("dryRun=%0D%0Aset-cookie", "'\\r\\nset-cookie'"),
        (f"dryRun={'x' * 5000}", f"'{'x' * 40}'"),
    ],
    ids=["none", "empty", "a capital", "a digit", "a word", "a blank", "a line break", "long"],
)
def test_another_value_is_refused_by_name_and_queues_nothing(
    api: Api, query: str, quoted: str
) -> None:
    """To take it for either would queue an order by mistake, or not queue one."""
    answer = dry_run(api, order_text(), query=query)

    assert answer.status == 400
    assert answer.body["type"] == "urn:orders:problem:invalid-parameters"
    assert answer.body["detail"] == (
        f"dryRun must be true or false: got {quoted}. Nothing was queued."
    )
    assert [(error["field"], error["code"]) for error in answer.body["errors"]] == [
        ("dryRun", "bad_boolean")
    ]
    assert api.queue.sent == []


@pytest.mark.parametrize(
    ("query", "quoted"),
    [
        ("dryRun=true&dryRun=true", "'true', 'true'"),
        ("dryRun=true&dryRun=false", "'true', 'false'"),
    ],
)
def test_a_repeated_dry_run_is_refused_with_its_values(api: Api, query: str, quoted: str) -> None:
    answer = dry_run(api, order_text(), query=query, Accept_Language="es")

    assert answer.status == 400
    assert answer.body["detail"] == (
        f"dryRun debe darse una sola vez: se recibió {quoted}. No se encoló nada."
    )
    assert [error["code"] for error in answer.body["errors"]] == ["repeated_parameter"]
    assert api.queue.sent == []


def test_a_dry_run_works_behind_api_gateway_too(api: Api) -> None:
    event = gateway_event("POST", "/orders", body=order_text(), query={"dryRun": ["true"]})

    assert api.invoke(event)["statusCode"] == 200
    assert api.queue.sent == []


def test_a_dry_run_asks_no_service(api: Api) -> None:
    with api.queue.outage(), api.records.outage(), api.archive.outage():
        answer = dry_run(api, order_text())

    assert answer.status == 200
    assert (api.records.calls, api.archive.calls) == ([], [])


def test_a_dry_run_leaves_its_key_to_the_submission(api: Api) -> None:
    """A client may try an order, mend it, and hand it in with the key that it minted first."""
    alone = api.post(order_text(), Idempotency_Key="key-1").body["submissionId"]

    dry_run(api, order_text(amount=0), Idempotency_Key="key-1")
    after = api.post(order_text(), Idempotency_Key="key-1").body["submissionId"]

    assert after == alone


def test_a_dry_run_says_nothing_of_an_order_that_is_recorded(api: Api) -> None:
    """Whether an id is taken is decided at processing: the judgement is of the order alone."""
    before = dry_run(api, order_text())
    api.post(order_text())
    api.process_queue()

    assert dry_run(api, order_text(amount=7)).body == before.body
    assert [each["status"] for each in api.get("/orders/order-001").body["records"]] == ["ACCEPTED"]


@pytest.mark.parametrize("changes", [{}, {"amount": 0}], ids=["valid", "invalid"])
def test_the_line_of_a_dry_run_says_so_and_names_its_order(
    api: Api, caplog: pytest.LogCaptureFixture, changes: dict[str, Any]
) -> None:
    dry_run(api, order_text(**changes))

    (line,) = lines_of(caplog)
    assert (line["message"], line["status"]) == ("POST /orders", 200)
    assert (line["dryRun"], line["orderId"]) == (True, "order-001")
    assert "submissionId" not in line


def test_the_line_of_a_refused_dry_run_says_so_and_why(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    dry_run(api, "[]")

    (line,) = lines_of(caplog)
    assert (line["dryRun"], line["reason"]) == (True, "not_an_object")


def test_the_line_of_a_submission_says_nothing_of_dry_runs(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    dry_run(api, order_text(), query="dryRun=false")

    (line,) = lines_of(caplog)
    assert "dryRun" not in line


def test_no_metric_counts_a_dry_run(capsys: pytest.CaptureFixture[str]) -> None:
    with running(ORDERS_SERVICE="metrics-of-dry-runs") as api:
        dry_run(api, order_text())
        dry_run(api, order_text(amount=0))
        api.process_queue()
        of_dry_runs = capsys.readouterr().out

        api.post(order_text())
        api.process_queue()
        of_an_order = capsys.readouterr().out

    assert "Orders" not in of_dry_runs
    assert "OrdersReceived" in of_an_order
