"""Many orders by one request, on the local stack: all recorded, and none twice."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib.services.batch_lines import MAX_BATCH_BYTES, MAX_BATCH_LINES
from ops.local.clients import queue_client
from ops.local.stack import LocalStack
from tests.builders import order_text
from tests.e2e.client import ApiClient, eventually
from tests.queues import message_count


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    with LocalStack(log_file=tmp_path_factory.mktemp("stack") / "log") as stack:
        yield stack


@pytest.fixture(scope="module")
def api(stack: LocalStack) -> ApiClient:
    return ApiClient(stack.api_url)


def lines_of(name: str, count: int) -> str:
    return "".join(f"{order_text(f'{name}-{number}')}\n" for number in range(count))


def all_records(api: ApiClient, name: str) -> list[dict[str, Any]]:
    """Read the audit's records of the orders of a test."""
    found: list[dict[str, Any]] = []
    cursor = ""
    while cursor is not None:
        page = api.get(f"/orders?limit=200{cursor and f'&cursor={cursor}'}").body
        found += [each for each in page["records"] if each["orderId"].startswith(f"{name}-")]
        cursor = page["cursor"]
    return found


def settle(stack: LocalStack) -> None:
    """Wait until nothing is on the queue."""
    sqs = queue_client(stack.aws_url)
    eventually(lambda: message_count(sqs, stack.outputs["QueueUrl"]) == 0)
    sqs.close()


def test_500_lines_are_recorded_and_their_repetition_changes_nothing(
    api: ApiClient, stack: LocalStack
) -> None:
    lines = lines_of("many", MAX_BATCH_LINES)

    first = api.post_lines(lines, Idempotency_Key="key-1")
    eventually(lambda: len(all_records(api, "many")) == MAX_BATCH_LINES)
    again = api.post_lines(lines, Idempotency_Key="key-1")
    settle(stack)

    assert (first.status, first.body["queued"]) == (202, MAX_BATCH_LINES)
    assert (again.status, again.body) == (202, first.body)
    records = all_records(api, "many")
    assert Counter(record["status"] for record in records) == {"ACCEPTED": MAX_BATCH_LINES}
    ids = {result["submissionId"] for result in first.body["results"]}
    assert {record["submissionId"] for record in records} == ids


def test_some_lines_again_with_new_ones_are_recorded_once(api: ApiClient) -> None:
    api.post_lines(lines_of("some", 20), Idempotency_Key="key-1")
    answer = api.post_lines(
        lines_of("some", 31)[len(lines_of("some", 9)) :], Idempotency_Key="key-1"
    )

    eventually(lambda: len(all_records(api, "some")) == 31)
    for result in answer.body["results"]:
        found = api.get(f"{result['submissionUrl']}&wait=10")
        assert (found.status, found.body["submission"]["status"]) == (200, "ACCEPTED")
    assert len(all_records(api, "some")) == 31


def test_each_line_has_the_fate_that_its_result_says(api: ApiClient) -> None:
    good, bad = order_text("fates-1"), order_text("fates-2", amount=0)
    body = f"{good}\r\n\n[1]\n{bad}\n{good}".encode() + b'\n{"id": "\xff"}'

    answer = api.post_lines(body)

    statuses = [(each["line"], each["status"]) for each in answer.body["results"]]
    assert statuses == [
        (1, "QUEUED"),
        (3, "REFUSED"),
        (4, "QUEUED"),
        (5, "QUEUED"),
        (6, "REFUSED"),
    ]
    records = [*api.records("fates-1", 2), *api.records("fates-2", 1)]
    assert [each["status"] for each in records] == ["ACCEPTED", "DUPLICATE", "REJECTED"]
    s3_url = api.get("/orders/fates-1").body["s3Url"]
    assert s3_url


@pytest.mark.parametrize(
    ("body", "status", "slug"),
    [
        (b"", 400, "no-line-readable"),
        (b"\r\n\r\n", 400, "no-line-readable"),
        (b"\x00" * 1000, 400, "no-line-readable"),
        (b"x\n" * (MAX_BATCH_LINES + 1), 413, "batch-too-large"),
        (b"\n" * (MAX_BATCH_BYTES + 1), 413, "batch-too-large"),
        (b"\n" * (6 * 1024 * 1024 + 1), 413, "request-too-large"),
    ],
    ids=["nothing", "blank lines", "NULs", "501 lines", "4 MiB and a byte", "6 MiB and a byte"],
)
def test_a_bad_body_is_refused_over_http_too(
    api: ApiClient, body: bytes, status: int, slug: str
) -> None:
    answer = api.post_lines(body)

    assert answer.status == status
    assert answer.body["type"] == f"urn:orders:problem:{slug}"


def test_a_body_of_4_mib_is_taken(api: ApiClient) -> None:
    line = order_text("large-1", note="x" * 250_000)

    answer = api.post_lines("\n".join([line] * 16), Idempotency_Key="key-1")

    assert (answer.status, answer.body["queued"]) == (202, 16)
    (record,) = api.records("large-1", 1)
    assert record["payloadSha256"] == answer.body["results"][0]["payloadSha256"]
