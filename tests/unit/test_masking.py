"""Masking finds an account however it is spelt, and leaves what only looks like one readable."""

import json
import time
from base64 import b64encode
from typing import Any

import pytest

from chalicelib.orders.errors import FieldError, Sentence, sentence
from chalicelib.orders.order import sha256_of
from chalicelib.orders.record import Record
from chalicelib.orders.terms import MAX_AMOUNT
from ops.desk.masked_records import masked_error, masked_key, masked_record, masked_sentence
from ops.desk.masking import masked_payload, masked_text
from tests.builders import START, order_text, submission
from tests.secrets_shown import SECRETS, is_shown

UUID = "6f796420-4ba3-4735-bfa2-077c450209ad"
SHA256 = sha256_of("any text")
SPELT = pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)


@SPELT
@pytest.mark.parametrize(
    "around",
    ["{}", "an account: {}, to be paid", "({})", "[{}]", "x={}&y", "<a>{}</a>", "a/{}/x.json"],
)
def test_an_account_is_masked_in_any_words(secret: str, around: str) -> None:
    assert not is_shown(secret, masked_text(around.format(secret)))


@SPELT
@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("cut", [None, -1, -2])
def test_an_account_is_masked_in_json_that_can_be_read_or_not(
    secret: str, ascii_only: bool, cut: int | None
) -> None:
    fields = {"id": "a", "note": secret, secret: [secret, {"deep": [secret]}], "fromAccount": 1}
    text = json.dumps(fields, ensure_ascii=ascii_only)[:cut]

    assert not is_shown(secret, masked_payload(text))
    assert not is_shown(secret, masked_payload(b64encode(text.encode()).decode()))
    assert not is_shown(secret, masked_payload(text.encode("utf-16-le").decode("latin-1")))
    assert not is_shown(secret, masked_payload(json.dumps({"inner": text})))


@pytest.mark.parametrize("parent", ["b7ad6b7169203331", "1111111aaaaaaaaa", "a000000000000001"])
def test_a_traceparent_stays_as_it_is(parent: str) -> None:
    """Whoever follows a trace needs its ids, of which half have five digits in a row."""
    traceparent = f"00-4bf92f3577b34da6a3ce929d0e0e4736-{parent}-01"
    event = {"traceparent": traceparent, "subject": "order-1111111"}

    assert masked_text(traceparent) == traceparent
    assert json.loads(masked_text(json.dumps(event)))["traceparent"] == traceparent


@pytest.mark.parametrize("account", ["1111111", "1234567890123456"])
def test_an_account_is_masked_as_an_id_of_a_traceparent(account: str) -> None:
    trace, parent = account.zfill(32), account.zfill(16)

    assert account not in masked_text(f"00-{trace}-b7ad6b7169203331-01")
    assert account not in masked_text(f"00-4bf92f3577b34da6a3ce929d0e0e4736-{parent}-01")
    assert account not in masked_text(f"00-{trace}-{parent}-01")


@SPELT
def test_an_account_is_masked_in_a_sentence_that_a_sender_wrote(secret: str) -> None:
    quoted = json.dumps(secret)[:40] + "…"
    inner = Sentence(secret, {secret: secret, "most": secret, "size": secret})
    written = sentence("id.bad", got=quoted, most=secret, position=secret, inner=inner)

    assert not is_shown(secret, str(masked_sentence(written)))
    assert not is_shown(secret, str(masked_error(FieldError("note", "code", written))))


@SPELT
def test_an_account_is_masked_in_all_that_a_record_keeps_but_the_orders_id(secret: str) -> None:
    wrong: dict[str, Any] = {
        "amount": f"{secret},",
        "channel": secret,
        "toAccount": [secret],
        "note": secret,
    }
    made = submission(order_text(**wrong), submitted_by=secret, sent_by=secret)
    record = Record.of_first(made, START)._replace(
        traceparent=f"00-{secret:x<32}-{secret}",
        submission_id=secret,
        record_id=f"2#{secret}#{SHA256}",
        s3_key=f"orders/a/{secret}.json",
    )

    assert is_shown(secret, str(record))
    assert not is_shown(secret, str(masked_record(record)))


@pytest.mark.parametrize(
    "text",
    [
        UUID,
        UUID.upper(),
        "00000000-0000-4000-8000-000000000001",
        SHA256,
        f"orders/order-1/{UUID}-{SHA256}.json",
        "2026-11-24T03:44:24.123Z",
        "2026-11-24 03:44:24",
        "orders export of 2026-01-01 to 2026-01-31",
        "arn:aws:sts::123456789012:assumed-role/operators/ana",
        "http://127.0.0.1:45666/health",
        "localhost:45666",
        "is not JSON: Expecting ',' delimiter (line 1, column 34)",
        "order-001",
        "2,580.00",
        "12.50",
        "web",
        "",
        '{"id": "a",  "amount": 2580}',
    ],
)
def test_what_only_looks_like_an_account_stays_as_it_is(text: str) -> None:
    assert masked_text(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ES91 2100 0418 4502 0005 1332", "****1332"),
        ("pay GB29NWBK60161331926819 now", "pay ****6819 now"),
        ("MT84 MALT 0110 0001 2345 MTLC AST0 01S", "****001S"),
        ("XX00 1234 5678 9012 3456", "****3456"),
        ("to12 MT84MALT011000012345MTLCAST001S", "to12 ****001S"),
        ("8888 8888", "****8888"),
        (f"{UUID} 12345", f"{UUID} ****2345"),
        ("arn:aws:iam::123456789012:user/9121000418", "arn:aws:iam::123456789012:user/****0418"),
        ("1" * 64, "****1111"),
        (r"\uD835\uDFD7 \u{1D7D7}-\U0001D7D7\x39%39&#57;\u0039", "****9999"),
        (r"\U99999999", r"\U****9999"),
        ("sort 12-34-56", "sort 12-34-56"),
        ("fromAccount=12&x=1", "fromAccount=****&x=1"),
        ("bad order fromAccount=12-34", "bad order fromAccount=****"),
        # What stands before it is base64 too, of other characters.
        ("orders/order-a/NjM4NDAwNjU5OQ==.json", "orders/order-a/****.json"),
        ("{'From_Account': '12'}", "{'From_Account': '****'}"),
        ('{"toAccount": ["22", "33"', '{"toAccount": ****'),
        (r'{"to\u0041ccount": "\u0031"}', '{"toAccount": "****"}'),
        (r'{"to\u0041ccount": "\u0031\u0022\u0032', '{"toAccount": "****"'),
        ('{"TO ACCOUNT": {"12": 1, "b": true}}', '{"TO ACCOUNT": {"****": "****", "b": true}}'),
        (
            '{"fromAccount": "1111111", "fromAccount": "2222222"}',
            '{"fromAccount": "****1111", "fromAccount": "****2222"}',
        ),
        ("[" * 100_000 + "9121000418", "[" * 100_000 + "****0418"),
    ],
)
def test_what_is_left_of_an_account_is_its_last_four(text: str, shown: str) -> None:
    assert masked_text(text) == shown


@pytest.mark.parametrize("inner", ["it is 9121000418", "no account is here"])
def test_base64_in_base64_is_hidden_in_a_moment_however_deep(inner: str) -> None:
    text = inner
    for _ in range(12):
        # Each "?" becomes a slash, behind which another text may begin.
        text = b64encode(f"{'ab?' * 8}{text}".encode()).decode()
    start = time.perf_counter()

    assert masked_payload(f"see {text}") == "see ****"
    assert time.perf_counter() - start < 1


def test_base64_of_words_stays_as_it_is() -> None:
    text = b64encode(b64encode(b"ab?ab?ab? no account is here")).decode()

    assert masked_text(f"see {text}") == f"see {text}"


def test_a_masked_payload_is_written_anew_though_nothing_in_it_is_masked() -> None:
    assert masked_payload('{"id":"a",\n"id":"b"}') == '{"id": "a", "id": "b"}'


def test_the_order_of_a_key_is_shown_and_its_submission_is_masked() -> None:
    key = f"orders/20261124000017/9121000418-{SHA256}.json"

    assert masked_key(key) == f"orders/20261124000017/****0418-{SHA256}.json"
    assert masked_key("orders/9121000418/x") == "orders/****0418/x"


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("most", str(MAX_AMOUNT), str(MAX_AMOUNT)),
        ("size", "1048576", "1048576"),
        ("size", "1048577", "****8577"),
        ("most", "9121000418", "****0418"),
        ("got", "1250.555", "1250.555"),
        ("got", "-12345.6", "****3456"),
        ("got", "8888.8888", "****8888"),
        ("got", "262144", "****2144"),
    ],
)
def test_a_sentences_own_numbers_are_shown_if_they_can_be_such(
    name: str, value: str, shown: str
) -> None:
    assert masked_sentence(sentence("any", **{name: value})).parameters == {name: shown}


@pytest.mark.parametrize(
    "part",
    [
        "9",
        "9 ",
        "a",
        "a ",
        "ES91",
        "ES91 ",
        '"',
        "'",
        "\\",
        "[",
        "a:",
        "fromAccount=",
        "%3",
        "&",
        "/",
    ],
)
def test_a_long_text_is_masked_in_a_moment(part: str) -> None:
    text = part * (250_000 // len(part))
    start = time.perf_counter()

    masked_payload(text)

    assert time.perf_counter() - start < 10
