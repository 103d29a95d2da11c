"""POST /order-batches: what it refuses as a whole. Nothing is queued, and it is never a 500."""

import gzip
from typing import NamedTuple

import pytest

from chalicelib.services.batch_lines import MAX_BATCH_BYTES, MAX_BATCH_LINES
from tests.builders import order_text
from tests.http.conftest import NDJSON, Answer, Api, post_lines

GOOD = order_text().encode()
TYPES = "urn:orders:problem:"


class Refused(NamedTuple):
    """A request that is refused, with the answer's status, its type, and words of its detail."""

    body: bytes
    status: int
    slug: str
    said: str
    headers: dict[str, str] = {}  # noqa: RUF012 (a default that nobody changes)
    query: str = ""


def unreadable(body: bytes, said: str = "No line of the body can be read as an order") -> Refused:
    return Refused(body, 400, "no-line-readable", said)


def bad_query(query: str, said: str) -> Refused:
    return Refused(GOOD, 400, "invalid-parameters", said, query=query)


def bad_key(key: str, said: str) -> Refused:
    return Refused(GOOD, 400, "invalid-idempotency-key", said, {"Idempotency_Key": key})


def bad_media(said: str, body: bytes = GOOD, **headers: str) -> Refused:
    return Refused(body, 415, "unsupported-media-type", said, headers)


MOST_LINES = f"a batch has at most {MAX_BATCH_LINES}"
MOST_BYTES = f"has {MAX_BATCH_BYTES + 1} bytes: a batch has at most {MAX_BATCH_BYTES}"
WRONG_TYPE = "The Content-Type must be application/x-ndjson. Unsupported media type: "

REFUSED = {
    "nothing": unreadable(b"", "The body has no line"),
    "an LF": unreadable(b"\n", "The body has no line"),
    "only blank lines": unreadable(b"\n \r\n\t\n\r\n\r", "The body has no line"),
    "an array on one line": unreadable(b"[" + GOOD + b"]", "no list of orders"),
    "an order on several lines": unreadable(b'{\n"id": "a"\n}', "no part of one"),
    "a NUL": unreadable(b"\x00"),
    "NULs and blank lines": unreadable(b"\x00\n\n\x00\x00\n"),
    "only a byte order mark": unreadable(b"\xef\xbb\xbf"),
    "UTF-16": unreadable(order_text().encode("utf-16")),
    "a line separator of Unicode": unreadable(f"{order_text()}\u2028{order_text()}".encode()),
    "CR for LF": unreadable(GOOD + b"\r" + GOOD + b"\r"),
    "one line of 4 MiB": unreadable(b"x" * MAX_BATCH_BYTES),
    "one line of brackets": unreadable(b"[" * MAX_BATCH_BYTES),
    "gzip": unreadable(gzip.compress(GOOD, mtime=0)),
    "gzip that says so": bad_media(
        "Content-Encoding", gzip.compress(GOOD, mtime=0), Content_Encoding="gzip"
    ),
    "501 lines": Refused(b"\n".join([GOOD] * 501), 413, "batch-too-large", MOST_LINES),
    "501 bad lines": Refused(b"x\n" * 501, 413, "batch-too-large", MOST_LINES),
    "a byte too many": Refused(b"x" * (MAX_BATCH_BYTES + 1), 413, "batch-too-large", MOST_BYTES),
    "an LF too many": Refused(b"\n" * (MAX_BATCH_BYTES + 1), 413, "batch-too-large", MOST_BYTES),
    "JSON": bad_media(f"{WRONG_TYPE}application/json.", Content_Type="application/json"),
    "text": bad_media(f"{WRONG_TYPE}text/plain.", Content_Type="text/plain"),
    "another name of NDJSON": bad_media(WRONG_TYPE, Content_Type="application/jsonl"),
    "an empty type": bad_media(WRONG_TYPE, Content_Type=""),
    "another charset": bad_media("UTF-8", Content_Type=f"{NDJSON}; charset=iso-8859-1"),
    "a key with a space": bad_key("a b", "character 2 is a space"),
    "an empty key": bad_key("", "got 0 characters"),
    "a long key": bad_key("x" * 256, "got 256 characters"),
    "a key with a control character": bad_key("a\x01", "U+0001"),
    "a dry run of 1": bad_query("?dryRun=1", "dryRun must be true or false: got '1'."),
    "a dry run without a value": bad_query("?dryRun=", "dryRun must be true or false: got ''."),
    "two dry runs": bad_query("?dryRun=true&dryRun=false", "dryRun must be given once"),
    "another parameter": bad_query("?dryrun=true", "dryrun is not known here: use dryRun."),
    "two problems of parameters": bad_query("?dryRun=x&limit=1", "limit is not known here"),
}


@pytest.mark.parametrize("refused", REFUSED.values(), ids=REFUSED)
def test_a_batch_is_refused_with_what_is_wrong_and_nothing_is_queued(
    api: Api, refused: Refused
) -> None:
    answer = post_lines(api, refused.body, query=refused.query, **refused.headers)

    assert_refused(api, answer, refused)


@pytest.mark.parametrize("refused", REFUSED.values(), ids=REFUSED)
def test_a_dry_run_refuses_a_batch_in_the_same_words(api: Api, refused: Refused) -> None:
    query = refused.query or "?dryRun=true"

    answer = post_lines(api, refused.body, query=query, **refused.headers)

    assert_refused(api, answer, refused)


@pytest.mark.parametrize("refused", REFUSED.values(), ids=REFUSED)
def test_a_batch_is_refused_in_spanish_too(api: Api, refused: Refused) -> None:
    answer = post_lines(
        api, refused.body, query=refused.query, **refused.headers, Accept_Language="es"
    )

    assert (answer.status, answer.body["type"]) == (refused.status, TYPES + refused.slug)
    assert "o se encoló nada" in answer.body["detail"]


def assert_refused(api: Api, answer: Answer, refused: Refused) -> None:
    assert answer.status == answer.body["status"] == refused.status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.body["type"] == TYPES + refused.slug
    assert refused.said in answer.body["detail"]
    assert "othing was queued" in answer.body["detail"]
    assert api.queue.sent == []


def test_a_batch_without_a_content_type_is_refused(api: Api) -> None:
    """Chalice takes it for JSON."""
    answer = api.request("POST", "/order-batches", GOOD)

    assert (answer.status, api.queue.sent) == (415, [])


def test_a_batch_may_have_500_lines_and_any_number_of_blank_ones(api: Api) -> None:
    texts = [order_text(f"o-{number}") for number in range(MAX_BATCH_LINES)]

    answer = post_lines(api, "\n \n".join(texts) + "\n" * 1000)

    assert (answer.status, answer.body["queued"]) == (202, MAX_BATCH_LINES)
    assert answer.body["results"][-1]["line"] == 2 * MAX_BATCH_LINES - 1
    # The calls are made side by side, and may overtake each other.
    assert sorted(sent.body for sent in api.queue.sent) == sorted(texts)


def test_a_batch_may_have_4_mib(api: Api) -> None:
    line = order_text(note="x" * 100_000).encode()
    body = b"\n".join([line] * 41)

    answer = post_lines(api, body + b"\n" * (MAX_BATCH_BYTES - len(body)))

    assert (answer.status, answer.body["queued"]) == (202, 41)


@pytest.mark.parametrize(
    "content_type",
    [NDJSON, f"{NDJSON}; charset=utf-8", f'{NDJSON};charset="UTF-8"', "Application/X-NDJSON"],
)
def test_a_batch_may_name_its_charset(api: Api, content_type: str) -> None:
    answer = post_lines(api, GOOD, Content_Type=content_type)

    assert answer.status == 202
    assert [sent.body for sent in api.queue.sent] == [order_text()]
