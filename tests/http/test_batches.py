"""POST /order-batches: each line is an order of its own, and has a result of its own."""

import itertools
import json
from collections.abc import Mapping
from typing import Any

import pytest

from chalicelib.http.batches import batch_json
from chalicelib.http.problems import problem_of
from chalicelib.orders.errors import sentence
from chalicelib.orders.order import MAX_PAYLOAD_BYTES, sha256_of
from chalicelib.services.batch_judgement import BatchReceipt, LineResult, LineStatus
from chalicelib.services.intake import InvalidIdempotencyKey
from chalicelib.texts import texts_in
from tests import envelopes
from tests.builders import lines_event, order_text
from tests.http.conftest import JSON, Answer, Api, post_lines, running
from tests.http.test_errors import lines_of

ROLE = "arn:aws:sts::123456789012:assumed-role/web-channel"


def statuses(answer: Answer) -> list[str]:
    return [each["status"] for each in answer.body["results"]]


def counts(answer: Answer) -> tuple[int, ...]:
    return tuple(answer.body[name] for name in ("queued", "refused", "unconfirmed"))


def test_each_line_is_queued_byte_for_byte(api: Api) -> None:
    texts = [order_text("a"), ' {"id" : "b", "note": "ñ \\ufffd"}\t', order_text("c", amount=0)]

    answer = post_lines(api, "\n".join(texts))

    assert answer.status == 202
    assert answer.headers["content-type"] == JSON
    assert "location" not in answer.headers
    assert [sent.body for sent in api.queue.sent] == texts
    assert [each["payloadSha256"] for each in answer.body["results"]] == list(map(sha256_of, texts))
    assert counts(answer) == (3, 0, 0)


def test_the_result_of_a_line_is_the_receipt_of_the_order_alone(api: Api) -> None:
    text = order_text("a", amount=0, fromAccount=7)
    alone = api.post(text, Accept_Language="es")

    answer = post_lines(api, text, Accept_Language="es")

    assert answer.headers["content-language"] == "es"
    assert answer.body["results"] == [{"line": 1, **alone.body}]


def test_the_answer_has_a_result_for_each_line_in_order(api: Api) -> None:
    body = f"{order_text('a')}\r\n\n[]\n \t\r\n{order_text('b')}\n\n"

    answer = post_lines(api, body)

    assert [each["line"] for each in answer.body["results"]] == [1, 3, 5]
    assert statuses(answer) == ["QUEUED", "REFUSED", "QUEUED"]
    assert [sent.body for sent in api.queue.sent] == [order_text("a"), order_text("b")]


REFUSED: dict[str, str | bytes] = {
    "no JSON": "{not json",
    "a list": "[]",
    "a part of an order": '"amount": 1,',
    "no id": "{}",
    "a bad id": '{"id": "a b"}',
    "a number for an id": '{"id": 7}',
    "a repeated key": '{"id": "a", "id": "b"}',
    "no UTF-8": b'{"id": "\xff"}',
    "U+FFFD": '{"id": "\ufffd"}',
    "deep nesting": "[" * 100,
    "a NUL": '{"id": "a\x00b"}',
    "only a NUL": "\x00",
    "a form feed": "\x0c",
    "NaN": '{"id": "a", "amount": NaN}',
    "a character that SQS can't carry": '{"id": "a", "note": "\ufffe"}',
    "an envelope with an id": envelopes.texts()["EventBridge"],
    "an envelope without one": envelopes.texts()["SNS"],
    "a byte order mark": b'\xef\xbb\xbf{"id": "a"}',
    "two orders": order_text() + order_text(),
    "a CR between two orders": f"{order_text()}\r{order_text()}",
    "too large": "x" * (MAX_PAYLOAD_BYTES + 1),
    "too large, and no UTF-8": b"\xff" * (MAX_PAYLOAD_BYTES + 1),
}


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_a_refused_line_has_the_problem_that_it_has_alone(
    api: Api, text: str | bytes, language: str
) -> None:
    """All but its detail, which speaks of a line and says nothing of the others."""
    bad = text.encode() if isinstance(text, str) else text
    alone = api.post(bad, Accept_Language=language)

    answer = post_lines(api, b"\n".join([order_text().encode(), bad]), Accept_Language=language)

    assert alone.status in (400, 413)
    assert answer.status == 202
    queued, refused = answer.body["results"]
    assert (queued["status"], refused["line"], refused["status"]) == ("QUEUED", 2, "REFUSED")
    assert refused.keys() == {"line", "status", "problem"}
    assert without_detail(refused["problem"]) == without_detail(alone.body)
    said = {"en": ("line", "It was not queued."), "es": ("línea", "No se encoló.")}[language]
    assert all(each in refused["problem"]["detail"] for each in said)
    assert [sent.body for sent in api.queue.sent] == [order_text()]


def without_detail(problem: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in problem.items() if name != "detail"}


def test_a_line_that_is_refused_for_another_reason_has_that_reasons_problem() -> None:
    refusal = InvalidIdempotencyKey(sentence("key.bad", count=0))
    receipt = BatchReceipt([LineResult(7, LineStatus.REFUSED, refusal=refusal)])

    (result,) = batch_json(receipt, texts_in("en"))["results"]

    assert result["line"] == 7
    assert result["problem"] == problem_of(refusal).body(texts_in("en"))


def test_a_syntax_error_is_at_its_line_of_the_body(api: Api) -> None:
    answer = post_lines(api, f'{order_text()}\n\n{{"id": }}')

    assert "at line 3 column 8." in answer.body["results"][1]["problem"]["detail"]


def test_a_body_without_a_readable_line_is_a_400_with_the_results(api: Api) -> None:
    array = "[\n" + ",\n".join('{"id": 7}' for _ in range(2)) + "\n]"

    answer = post_lines(api, array)

    assert answer.status == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.body["type"] == "urn:orders:problem:no-line-readable"
    assert "a JSON object: no part of one, and no list of orders" in answer.body["detail"]
    assert statuses(answer) == ["REFUSED"] * 4
    assert counts(answer) == (0, 4, 0)
    assert api.queue.sent == []


def test_all_lines_have_submissions_of_their_own_without_a_key() -> None:
    """Nothing says that two identical lines are one order: the later one becomes a duplicate."""
    ids = (f"id-{number}" for number in itertools.count(1))
    with running() as api:
        api.application.new_id = lambda: next(ids)

        answer = post_lines(api, f"{order_text()}\n{order_text()}")
        api.process_queue()

        assert [each["submissionId"] for each in answer.body["results"]] == ["id-1", "id-2"]
        assert all("sameAsLine" not in each for each in answer.body["results"])
        records = api.get("/orders/order-001").body["records"]
        assert [each["status"] for each in records] == ["ACCEPTED", "DUPLICATE"]


def test_identical_lines_are_one_submission_with_a_key(api: Api) -> None:
    other = order_text(amount=1)

    answer = post_lines(
        api,
        "\n".join([order_text(), "", other, f"{order_text()}\r", order_text()]),
        Idempotency_Key="key-1",
    )
    api.process_queue()

    first, _, *repeats = answer.body["results"]
    assert "sameAsLine" not in first
    assert [each.pop("sameAsLine") for each in repeats] == [1, 1]
    assert [each | {"line": 1} for each in repeats] == [first, first]
    assert counts(answer) == (4, 0, 0)
    records = api.get("/orders/order-001").body["records"]
    assert [each["status"] for each in records] == ["ACCEPTED", "DUPLICATE"]


def test_a_line_is_sent_once_however_often_it_stands_in_the_body(api: Api) -> None:
    post_lines(api, "\n".join([order_text()] * 50), Idempotency_Key="key-1")

    assert [sent.body for sent in api.queue.sent] == [order_text()]


def test_any_lines_can_be_handed_in_again_with_the_key(api: Api) -> None:
    texts = [order_text(f"o-{number}") for number in range(5)]
    first = post_lines(api, "\n".join(texts), Idempotency_Key="key-1")

    again = post_lines(api, f"[]\n{texts[3]}\r\n{texts[1]}", Idempotency_Key="key-1")
    api.process_queue()

    ids = [each["submissionId"] for each in first.body["results"]]
    assert [each["submissionId"] for each in again.body["results"][1:]] == [ids[3], ids[1]]
    records = api.get("/orders").body["records"]
    assert sorted(each["submissionId"] for each in records) == sorted(ids)


@pytest.mark.parametrize(
    "changes",
    [
        {"Idempotency_Key": "key-2"},
        {"caller": "arn:aws:iam::123456789012:user/ana"},
        {"text": f"{order_text()} "},
    ],
    ids=["another key", "another caller", "other bytes"],
)
def test_another_key_caller_or_byte_is_another_submission(
    api: Api, changes: Mapping[str, str]
) -> None:
    def submission_id(text: str, caller: str, Idempotency_Key: str) -> str:  # noqa: N803
        headers = {"Idempotency-Key": Idempotency_Key}
        event = lines_event(text.encode(), headers=headers, identity={"userArn": caller})
        (result,) = json.loads(api.invoke(event)["body"])["results"]
        found: str = result["submissionId"]
        return found

    usual = {"text": order_text(), "caller": f"{ROLE}/i-1", "Idempotency_Key": "key-1"}

    assert submission_id(**usual) == submission_id(**{**usual, "caller": f"{ROLE}/i-2"})
    assert submission_id(**usual) != submission_id(**{**usual, **changes})


def test_a_key_of_a_single_order_may_serve_a_batch_too(api: Api) -> None:
    """It is another submission: the line's id holds its bytes."""
    alone = api.post(order_text(), Idempotency_Key="key-1").body["submissionId"]

    (line,) = post_lines(api, order_text(), Idempotency_Key="key-1").body["results"]

    assert line["submissionId"] != alone


def test_a_queue_that_confirms_nothing_is_a_503_with_the_results(api: Api) -> None:
    with api.queue.outage():
        answer = post_lines(api, f"{order_text()}\n[]", Idempotency_Key="key-1")

    assert answer.status == 503
    assert int(answer.headers["retry-after"]) > 0
    assert answer.body["type"] == "urn:orders:problem:unavailable"
    assert statuses(answer) == ["UNCONFIRMED", "REFUSED"]
    assert counts(answer) == (0, 1, 1)
    assert "SendMessage" not in str(answer.body)


def test_an_unconfirmed_line_has_the_id_that_it_keeps_and_its_problem(api: Api) -> None:
    with api.queue.outage():
        answer = post_lines(api, order_text(amount=0), Idempotency_Key="key-1")
    again = post_lines(api, order_text(amount=0), Idempotency_Key="key-1")

    (unconfirmed,), (queued,) = answer.body["results"], again.body["results"]
    problem = unconfirmed.pop("problem")
    assert unconfirmed | {"status": "QUEUED"} == queued
    assert (problem["type"], problem["status"]) == ("urn:orders:problem:unavailable", 503)
    assert "may be queued" in problem["detail"]
    assert "the same bytes with the same Idempotency-Key" in problem["detail"]


def test_a_dry_run_judges_each_line_and_queues_nothing(api: Api) -> None:
    body = f"{order_text()}\n\n{order_text('b', amount=0)}\n[]\n{order_text()}"

    answer = post_lines(api, body, query="?dryRun=true", Idempotency_Key="key-1")
    queued = post_lines(api, body, Idempotency_Key="key-1")

    assert answer.status == 200
    assert statuses(answer) == ["NOT_QUEUED", "NOT_QUEUED", "REFUSED", "NOT_QUEUED"]
    assert counts(answer) == (0, 1, 0)
    of_queue = {"submissionId", "payloadSha256", "submissionUrl", "status"}
    for judged, submitted in zip(answer.body["results"], queued.body["results"], strict=True):
        assert without_status(judged) == {
            name: value for name, value in submitted.items() if name not in of_queue
        }
    assert len(api.queue.sent) == 2  # those of the second request


def without_status(result: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in result.items() if name != "status"}


def test_a_dry_run_asks_no_service(api: Api) -> None:
    with api.queue.outage(), api.records.outage(), api.archive.outage():
        answer = post_lines(api, order_text(), query="?dryRun=true")

    assert answer.status == 200
    assert api.queue.sent == []


@pytest.mark.parametrize("as_text", [True, False], ids=["text", "base64"])
def test_the_lines_are_the_same_however_api_gateway_hands_them_on(api: Api, as_text: bool) -> None:
    """It is asked for base64; if it takes the type for text, the bytes are the same, or refused."""
    body = f"{order_text(note='ñ')}\r\n".encode() + b'{"id": "\xff"}\n'
    event = lines_event(body)
    if as_text:
        event |= {"body": body.decode(errors="replace"), "isBase64Encoded": False}

    answer = json.loads(api.invoke(event)["body"])

    assert [each["status"] for each in answer["results"]] == ["QUEUED", "REFUSED"]
    assert answer["results"][1]["problem"]["reason"] == "not_utf8"
    assert [sent.body for sent in api.queue.sent] == [order_text(note="ñ")]


def test_the_urls_of_a_batch_have_the_stages_prefix(api: Api) -> None:
    answer = api.invoke(lines_event(order_text().encode(), stage="/prod"))

    (result,) = json.loads(answer["body"])["results"]
    assert result["submissionUrl"].startswith("/prod/orders/order-001/submissions/")
    assert api.queue.sent[0].attributes["requestId"] == "request-1"


def test_the_line_of_the_log_has_counts_and_nothing_of_the_lines(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    post_lines(api, f"{order_text('secret-1')}\n[]\n{order_text('secret-2')}")

    (line,) = lines_of(caplog)
    assert (line["message"], line["status"]) == ("POST /order-batches", 202)
    names = ("lines", "queued", "refused", "unconfirmed")
    assert [line[name] for name in names] == [3, 2, 1, 0]
    assert "secret" not in json.dumps(line)
    assert "dryRun" not in line


def test_the_line_of_a_dry_run_says_so(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    post_lines(api, "[]", query="?dryRun=true")

    (line,) = lines_of(caplog)
    assert (line["dryRun"], line["problem"]) == (True, "no-line-readable")


def test_the_log_says_why_lines_are_unconfirmed(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    with api.queue.outage():
        post_lines(api, order_text())

    failed, answered = lines_of(caplog)
    assert failed["message"] == "request failed"
    assert failed["detail"] == "SendMessageBatch: ServiceUnavailable"
    assert failed["requestId"] == answered["requestId"]
    assert (answered["status"], answered["unconfirmed"]) == (503, 1)
