"""POST /orders: taken in and queued, or refused with nothing queued. Never a 500."""

import gzip
import json
import uuid
from typing import Any

import pytest

from chalicelib.orders.order import MAX_PAYLOAD_BYTES, sha256_of
from tests import envelopes
from tests.builders import gateway_event, order_text
from tests.http.conftest import NDJSON, Answer, Api

PROBLEM = "application/problem+json"


def assert_refused(api: Api, answer: Answer, status: int, slug: str) -> None:
    assert answer.status == status
    assert answer.headers["content-type"] == PROBLEM
    assert answer.body["type"] == f"urn:orders:problem:{slug}"
    assert answer.body["status"] == status
    assert answer.body["title"]
    assert "Nothing was queued" in answer.body["detail"]
    assert api.queue.sent == []


def test_a_valid_order_is_queued(api: Api) -> None:
    digest = sha256_of(order_text())

    answer = api.post(order_text())

    assert answer.status == 202
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["location"] == "/orders/order-001"
    assert answer.body == {
        "orderId": "order-001",
        "submissionId": "id-1",
        "payloadSha256": digest,
        "status": "QUEUED",
        "valid": True,
        "errors": [],
        "submissionUrl": f"/orders/order-001/submissions/id-1?payloadSha256={digest}",
    }
    assert [sent.body for sent in api.queue.sent] == [order_text()]


def test_an_invalid_order_is_queued_and_its_errors_shown_at_once(api: Api) -> None:
    answer = api.post(order_text(amount=0, fromAccount=7, toAccount="x"))

    assert answer.status == 202
    assert answer.body["valid"] is False
    assert [(error["field"], error["code"]) for error in answer.body["errors"]] == [
        ("amount", "not_positive"),
        ("fromAccount", "not_digits"),
        ("toAccount", "not_digits"),
    ]
    assert all(error["message"] for error in answer.body["errors"])
    assert len(api.queue.sent) == 1


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty"),
        (b"null", "not_an_object"),
        (b"[]", "not_an_object"),
        (b'"x"', "not_an_object"),
        (b"{not json", "not_json"),
        (gzip.compress(order_text().encode(), mtime=0), "not_utf8"),
        (order_text().encode("utf-16"), "not_utf8"),
        (order_text().encode("utf-16-be"), "not_json"),
        (b"[" * 100_000, "too_deep"),
        (b'{"id": "a", "id": "b"}', "repeated_key"),
        (b'{"id": "a", "amount": NaN}', "not_json"),
        (b'{"id": "a\x00b"}', "not_json"),
        (b'\xef\xbb\xbf{"id": "a"}', "not_json"),
        ('{"id": "a", "note": "\ufffe"}'.encode(), "forbidden_character"),
        (b"{}", "missing_id"),
        (b'{"id": 7}', "bad_id"),
        (envelopes.texts()["EventBridge"].encode(), "foreign_envelope"),
    ],
)
def test_post_refuses_a_body_that_holds_no_order_and_queues_nothing(
    api: Api, body: bytes, reason: str
) -> None:
    """The detail is for people, in their language; a program reads the reason."""
    answer = api.post(body)

    assert_refused(api, answer, 400, "unreadable-order")
    assert answer.body["reason"] == reason


BROKEN = {
    "Latin-1": order_text(note="?").encode().replace(b"?", b"\xe9"),
    "a character that is cut": order_text(note="?").encode().replace(b"?", b"\xe2\x82"),
    "before a character that is meant": order_text(note="?\ufffd").encode().replace(b"?", b"\xff"),
    "in the id": order_text("?").encode().replace(b"?", b"\xff"),
    "compressed": gzip.compress(order_text().encode(), mtime=0),
}


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
def test_bytes_that_are_not_utf8_are_refused_alike_on_every_server(api: Api, body: bytes) -> None:
    """API Gateway hands them to Lambda as U+FFFD: the order would not be what was sent."""
    local = api.post(body)
    event = gateway_event("POST", "/orders", body=body.decode(errors="replace"))
    on_aws = json.loads(api.invoke(event)["body"])

    assert_refused(api, local, 400, "unreadable-order")
    assert local.body["reason"] == "not_utf8"
    assert on_aws == local.body


@pytest.mark.parametrize(
    ("language", "start", "end"),
    [
        ("en", "The body is not UTF-8 text, or holds U+FFFD", "write that character as \\ufffd."),
        ("es", "El cuerpo no es texto UTF-8, o contiene U+FFFD", "ese carácter como \\ufffd."),
    ],
)
def test_the_refusal_of_a_replacement_character_says_where_it_is_and_what_to_do(
    api: Api, language: str, start: str, end: str
) -> None:
    answer = api.post('{"id": "a", "note": "ñ\ufffd"}', Accept_Language=language)

    detail, _, _ = answer.body["detail"].rpartition(" No")  # "Nothing was queued", in both
    assert detail.startswith(start)
    assert " byte 23)" in detail
    assert detail.endswith(end)


def test_an_escape_of_the_replacement_character_is_taken(api: Api) -> None:
    body = order_text(note="\ufffd")
    assert "\\ufffd" in body

    assert api.post(body).status == 202
    assert [sent.body for sent in api.queue.sent] == [body]


def test_a_body_that_is_too_large_is_refused_as_such_whatever_its_bytes(api: Api) -> None:
    answer = api.post(b"\xff" * (MAX_PAYLOAD_BYTES + 1))

    assert_refused(api, answer, 413, "order-too-large")


@pytest.mark.parametrize(
    "value", [7, None, "", "a/b", "a b", "😀", "x" * 65, "..", "a\r\nSet-Cookie: x", "../../etc"]
)
def test_post_refuses_an_unusable_id_by_name(api: Api, value: Any) -> None:
    answer = api.post(json.dumps({"id": value}))

    assert_refused(api, answer, 400, "unreadable-order")
    assert [error["field"] for error in answer.body["errors"]] == ["id"]


@pytest.mark.parametrize(
    ("value", "got"),
    [
        (7, "7"),
        ("a b", '"a b"'),
        ("y" * 63 + "ñ", f'"{"y" * 63}\\u00f1"'),
        ("x" * 65, "65 characters"),
    ],
)
def test_the_refusal_of_an_id_quotes_it_whole_or_says_its_length(
    api: Api, value: Any, got: str
) -> None:
    answer = api.post(json.dumps({"id": value}))

    assert answer.body["errors"][0]["message"].endswith(f": got {got}")


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        ("true", "not_a_number"),
        ('"abc"', "not_a_number"),
        ('"12.5"', None),
        ("0", "not_positive"),
        ("-1", "not_positive"),
        ("0.001", "too_many_decimals"),
        ("1e400", "not_a_number"),
        ("9999999999999.99", None),
        ("10000000000000", "too_large"),
    ],
)
def test_an_order_is_queued_whatever_its_amount(api: Api, amount: str, code: str | None) -> None:
    answer = api.post(order_text(amount="@").replace('"@"', amount))

    assert answer.status == 202
    assert [error["code"] for error in answer.body["errors"]] == ([code] if code else [])
    assert len(api.queue.sent) == 1


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"fromAccount": 1111111}, "fromAccount", "not_digits"),
        ({"fromAccount": "\u0661\u0662"}, "fromAccount", "not_digits"),
        ({"fromAccount": "1" * 35}, "fromAccount", "too_long"),
        ({"toAccount": "1111111"}, "toAccount", "same_account"),
        ({"channel": "fax"}, "channel", "unknown_channel"),
    ],
)
def test_an_order_is_queued_whatever_its_accounts_and_channel(
    api: Api, changes: dict[str, Any], field: str, code: str
) -> None:
    answer = api.post(order_text(**changes))

    assert answer.status == 202
    assert [(error["field"], error["code"]) for error in answer.body["errors"]] == [(field, code)]
    assert len(api.queue.sent) == 1


def test_extra_fields_are_taken(api: Api) -> None:
    assert api.post(order_text(note="rent", lines=[1, {"a": None}])).body["valid"] is True


@pytest.mark.parametrize("size", [MAX_PAYLOAD_BYTES + 1, 5_000_000])
def test_more_than_256_kib_is_refused(api: Api, size: int) -> None:
    answer = api.post(b"x" * size)

    assert_refused(api, answer, 413, "order-too-large")
    assert answer.body["reason"] == "too_large"


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "", "json"])
def test_another_content_type_is_refused(api: Api, content_type: str) -> None:
    answer = api.post(order_text(), Content_Type=content_type)

    assert_refused(api, answer, 415, "unsupported-media-type")
    assert f"Unsupported media type: {content_type}." in answer.body["detail"]


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        'application/json;charset="UTF-8"',
        "application/json; Charset = utf8",
        "application/json; profile=iso-8859-1",
        "application/json; mycharset=utf-16",
    ],
)
def test_json_may_name_its_charset(api: Api, content_type: str) -> None:
    assert api.post(order_text(), Content_Type=content_type).status == 202


@pytest.mark.parametrize(
    "parameter",
    ["charset=iso-8859-1", 'charset="utf-16"', "CHARSET=us-ascii", "a=b; charset=x", "charset="],
)
def test_another_charset_is_refused(api: Api, parameter: str) -> None:
    """The body is read as UTF-8: text in another charset would be misread."""
    answer = api.post(order_text(), Content_Type=f"application/json; {parameter}")

    assert_refused(api, answer, 415, "unsupported-media-type")
    assert "UTF-8" in answer.body["detail"]


def test_a_body_without_a_content_type_is_taken_for_json(api: Api) -> None:
    assert api.request("POST", "/orders", order_text().encode()).status == 202


def test_a_content_encoding_of_identity_is_taken(api: Api) -> None:
    assert api.post(order_text(), Content_Encoding="identity").status == 202


@pytest.mark.parametrize("name", ["dryrun", "dry_run", "limit", "valid", ""])
def test_post_refuses_a_parameter_that_it_does_not_know(api: Api, name: str) -> None:
    answer = api.request(
        "POST", f"/orders?{name}=true", order_text().encode(), {"Content-Type": "application/json"}
    )

    assert_refused(api, answer, 400, "invalid-parameters")
    assert answer.body["detail"] == (f"{name} is not known here: use dryRun. Nothing was queued.")
    assert [(error["field"], error["code"]) for error in answer.body["errors"]] == [
        (name, "unknown_parameter")
    ]


def test_a_signature_in_the_query_is_no_parameter(api: Api) -> None:
    query = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=0123&X-Amz-Security-Token=abc"
    body, headers = order_text().encode(), {"Content-Type": "application/json"}

    assert api.request("POST", f"/orders?{query}", body, headers).status == 202


def test_post_refuses_a_parameter_behind_api_gateway_too(api: Api) -> None:
    event = gateway_event("POST", "/orders", body=order_text(), query={"dryrun": ["true"]})

    assert api.invoke(event)["statusCode"] == 400
    assert api.queue.sent == []


def test_a_compressed_body_is_refused(api: Api) -> None:
    body = gzip.compress(order_text().encode())

    answer = api.post(body, Content_Encoding="gzip")

    assert_refused(api, answer, 415, "unsupported-media-type")


@pytest.mark.parametrize("key", ["x" * 256, "a\x01b", "a b", "ñ"])
def test_post_refuses_an_unusable_idempotency_key(api: Api, key: str) -> None:
    answer = api.post(order_text(), Idempotency_Key=key)

    assert_refused(api, answer, 400, "invalid-idempotency-key")


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("", "got 0 characters"),
        ("a b", "got 3 characters, and character 2 is a space"),
        ("a\tb c", "got 5 characters, and character 2 is U+0009"),
        ("keyñ", "got 4 characters, and character 4 is U+00F1"),
        ("x\x7f", "got 2 characters, and character 2 is U+007F"),
        ("x" * 256, "got 256 characters"),
    ],
)
def test_the_refusal_of_an_idempotency_key_says_why_without_the_key(
    api: Api, key: str, why: str
) -> None:
    answer = api.post(order_text(), Idempotency_Key=key)

    assert answer.body["detail"] == (
        f"The Idempotency-Key must be 1 to 255 visible ASCII characters: {why}. Nothing was queued."
    )


@pytest.mark.parametrize("keys", [["a", "b"], ["a", "a"], ["", "a"], ["a", "b", "c"]])
@pytest.mark.parametrize("path", ["/orders", "/order-batches"])
@pytest.mark.parametrize("query", [{}, {"dryRun": ["true"]}], ids=["", "dry run"])
def test_two_idempotency_keys_are_none(
    api: Api, keys: list[str], path: str, query: dict[str, list[str]]
) -> None:
    """Behind API Gateway the last one looks like the only one; the caller may mean the other."""
    of_lines = {"Content-Type": NDJSON} if path == "/order-batches" else {}
    event = gateway_event("POST", path, body=order_text(), query=query)
    event["headers"] |= of_lines | {"idempotency-key": keys[-1]}
    event["multiValueHeaders"]["idempotency-key"] = keys

    answer = api.invoke(event)

    problem = json.loads(answer["body"])
    assert (answer["statusCode"], problem["type"]) == (
        400,
        "urn:orders:problem:invalid-idempotency-key",
    )
    assert "is a space. Nothing was queued." in problem["detail"]
    assert api.queue.sent == []


def test_a_retry_with_the_same_key_is_the_same_submission(api: Api) -> None:
    first = api.post(order_text(), Idempotency_Key="key-1")
    retry = api.post(order_text(), Idempotency_Key="key-1")

    assert retry.body == first.body
    assert uuid.UUID(first.body["submissionId"]).version == 5


def test_an_unreachable_queue_is_a_503_with_a_time_to_try_again(api: Api) -> None:
    with api.queue.outage():
        answer = api.post(order_text())

    assert answer.status == 503
    assert answer.headers["content-type"] == PROBLEM
    assert int(answer.headers["retry-after"]) > 0
    assert answer.body["type"] == "urn:orders:problem:unavailable"
    assert "reason" not in answer.body
    assert "SendMessage" not in str(answer.body)
    assert api.queue.sent == []


def test_a_503_says_that_the_order_may_be_queued_and_how_to_resend_it(api: Api) -> None:
    """A time-out can't tell, and "nothing was queued" would invite the client to submit twice."""
    with api.queue.outage():
        detail = api.post(order_text()).body["detail"]

    assert "may be queued" in detail
    assert "the same bytes with the same Idempotency-Key" in detail


def test_the_location_has_the_stages_prefix(api: Api) -> None:
    """API Gateway's path in the request context includes the stage; the resource's does not."""
    event = gateway_event(
        "POST",
        "/orders",
        stage="/prod",
        body=order_text(),
        identity={"userArn": "arn:aws:iam::123456789012:user/ana"},
        requestId="from-api-gateway",
    )

    answer = api.invoke(event)

    assert answer["headers"]["Location"] == "/prod/orders/order-001"
    assert answer["headers"]["X-Request-Id"] == "from-api-gateway"
    assert api.queue.sent[0].attributes["submittedBy"] == "arn:aws:iam::123456789012:user/ana"
