"""GET one submission: what became of it, for the sender who wants to know of its own."""

import json
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest

from chalicelib.aws.items import to_item
from chalicelib.services.waiting import WaitingRoom
from tests.builders import gateway_event, order_text, sqs_event, sqs_record
from tests.http.conftest import Answer, Api

SHA256 = "0" * 64
MINE = "/orders/order-001/submissions/s-1"


def hand_in(api: Api, submission_id: str, **changes: Any) -> str:
    """Hand in an order by the queue, let it be processed, and return its hash."""
    text = order_text(**changes)
    api.process(sqs_event(sqs_record(text, submissionId=submission_id)))
    return sha256(text.encode()).hexdigest()


def assert_problem(answer: Answer, status: int, slug: str) -> None:
    assert answer.status == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.body["type"] == f"urn:orders:problem:{slug}"
    assert answer.body["status"] == status


def test_the_202_leads_to_what_became_of_the_submission(api: Api) -> None:
    receipt = api.post(order_text()).body
    api.process_queue()

    answer = api.get(receipt["submissionUrl"])

    assert answer.status == 200
    of_order = api.get("/orders/order-001").body
    assert answer.body == {
        "submission": of_order["order"],
        "s3Url": of_order["s3Url"],
        "payload": None,
    }
    assert answer.body["submission"]["payloadSha256"] == receipt["payloadSha256"]


def test_the_202_names_the_submissions_url_with_the_stages_prefix(api: Api) -> None:
    answer = api.invoke(gateway_event("POST", "/orders", body=order_text()))

    body = json.loads(answer["body"])
    assert body["submissionUrl"] == (
        f"{answer['headers']['Location']}/submissions/id-1?payloadSha256={body['payloadSha256']}"
    )
    assert body["submissionUrl"].startswith("/dev/orders/order-001/")


@pytest.mark.parametrize("stage", ["", "/dev"])
def test_a_slash_at_the_paths_end_changes_no_url(api: Api, stage: str) -> None:
    event = gateway_event("POST", "/orders", stage=stage, body=order_text())
    event["requestContext"]["path"] += "/"

    body = json.loads(api.invoke(event)["body"])

    assert body["submissionUrl"].startswith(f"{stage}/orders/order-001/submissions/id-1?")


def test_the_202_names_the_hash_of_the_bytes_that_were_sent(api: Api) -> None:
    text = order_text(note="ñ \U0001f600") + " \n"

    receipt = api.post(text).body

    assert receipt["payloadSha256"] == sha256(text.encode()).hexdigest()


def test_a_sender_does_not_read_that_anothers_order_was_accepted(api: Api) -> None:
    """`GET /orders/o` shows the accepted order, with 10: this sender's had 9999."""
    hand_in(api, "s-theirs", amount=10)
    hand_in(api, "s-1", amount=9999)

    submission = api.get(MINE).body["submission"]

    assert api.get("/orders/order-001").body["order"]["amount"] == 10
    assert (submission["status"], submission["amount"]) == ("DUPLICATE", 9999)
    assert submission["differs"] == ["amount"]


def test_a_rejected_submission_is_shown_with_the_text_as_received(api: Api) -> None:
    hand_in(api, "s-1", amount=0, note="ñ")

    answer = api.get(MINE, Accept_Language="es")

    assert answer.body["payload"] == order_text(amount=0, note="ñ")
    assert answer.body["s3Url"] is None
    assert answer.body["submission"]["errors"][0]["message"].startswith("debe ser mayor que 0")


@pytest.mark.parametrize("query", ["", f"?payloadSha256={SHA256}"])
def test_the_404_of_a_submission_says_that_it_may_still_be_queued(api: Api, query: str) -> None:
    """Also if another submission of its order is recorded."""
    hand_in(api, "s-theirs")

    answer = api.get(f"{MINE}{query}")

    assert_problem(answer, 404, "submission-not-found")
    assert "s-1" in answer.body["detail"]
    assert "order-001" in answer.body["detail"]
    assert "queue" in answer.body["detail"]
    assert int(answer.headers["retry-after"]) > 0


def test_the_409_lists_the_bodies_of_an_id_and_the_parameter_chooses(api: Api) -> None:
    hashes = [hand_in(api, "s-1", amount=amount) for amount in (10, 9999)]

    ambiguous = api.get(MINE)
    chosen = [api.get(f"{MINE}?payloadSha256={each}").body["submission"] for each in hashes]

    assert_problem(ambiguous, 409, "submission-ambiguous")
    assert sorted(ambiguous.body["payloadSha256"]) == sorted(hashes)
    assert "payloadSha256" in ambiguous.body["detail"]
    assert [(each["amount"], each["status"]) for each in chosen] == [
        (10, "ACCEPTED"),
        (9999, "DUPLICATE"),
    ]


@pytest.mark.parametrize("wait", ["", "&wait=1"])
def test_an_item_that_cannot_be_read_is_a_fault_of_ours(api: Api, wait: str) -> None:
    digest = hand_in(api, "s-1")
    item = to_item(api.records.of("order-001")[0], 4)
    api.records.put_by_hand({**item, "status": {"S": "PENDING"}})

    answer = api.get(f"{MINE}?payloadSha256={digest}{wait}")

    assert_problem(answer, 500, "internal-error")
    assert "PENDING" not in str(answer.body)


def test_a_store_that_does_not_answer_is_a_503(api: Api) -> None:
    with api.records.outage():
        answer = api.get(f"{MINE}?wait=10")

    assert_problem(answer, 503, "unavailable")


@pytest.mark.parametrize(
    ("path", "field", "code"),
    [
        *(
            (f"{MINE}?wait={value}", "wait", "bad_wait")
            for value in ("0", "11", "-1", "1.5", "01", "ten", "%D9%A3", "1e1", "", "100", "5s")
        ),
        *(
            (f"{MINE}?payloadSha256={value}", "payloadSha256", "bad_sha256")
            for value in ("", "0" * 63, "0" * 65, "A" * 64, "g" * 64, f"{SHA256}%0a", "sha256:0")
        ),
        (f"{MINE}?wait=1&wait=2", "wait", "repeated_parameter"),
        (
            f"{MINE}?payloadSha256={SHA256}&payloadSha256={SHA256}",
            "payloadSha256",
            "repeated_parameter",
        ),
        (f"{MINE}?Wait=1", "Wait", "unknown_parameter"),
        (f"{MINE}?limit=1", "limit", "unknown_parameter"),
        ("/orders/order-001/submissions/a%20b", "submissionId", "bad_id"),
        (f"/orders/order-001/submissions/{'x' * 129}", "submissionId", "bad_id"),
        ("/orders/order-001/submissions/s-1%230", "submissionId", "bad_id"),
        ("/orders/order-001/submissions/%2e%2e%2f", "submissionId", "bad_id"),
        ("/orders/order-001/submissions/%2e", "submissionId", "bad_id"),
        ("/orders/order-001/submissions/..", "submissionId", "bad_id"),
        ("/orders/a%20b/submissions/s-1", "orderId", "bad_id"),
        (f"/orders/{'x' * 65}/submissions/s-1", "orderId", "bad_id"),
        ("/orders/../submissions/s-1", "orderId", "bad_id"),
    ],
)
def test_get_answers_400_to_what_it_cannot_use(api: Api, path: str, field: str, code: str) -> None:
    answer = api.get(path)

    assert_problem(answer, 400, "invalid-parameters")
    assert [(error["field"], error["code"]) for error in answer.body["errors"]] == [(field, code)]
    assert answer.body["errors"][0]["message"]


def test_all_that_cannot_be_used_is_named_at_once(api: Api) -> None:
    answer = api.get("/orders/a%20b/submissions/c%20d?wait=0&payloadSha256=x&other=1")

    fields = {error["field"] for error in answer.body["errors"]}
    assert fields == {"orderId", "submissionId", "wait", "payloadSha256", "other"}


@pytest.mark.parametrize("submission_id", ["x" * 128, "...", ".a", "A-Z_a.z-0"])
def test_every_well_formed_submission_id_can_be_asked_for(api: Api, submission_id: str) -> None:
    hand_in(api, submission_id)

    answer = api.get(f"/orders/order-001/submissions/{submission_id}")

    assert answer.body["submission"]["submissionId"] == submission_id


class Waiter:
    """The time of a wait, in which the queue is processed after so many pauses."""

    def __init__(self, api: Api, then: Callable[[], object], after: int = 3) -> None:
        self.pauses = 0
        self.now = 0.0
        self._then = then
        self._after = after
        vars(api.application)["waiting_room"] = WaitingRoom(1, self.sleep, self.monotonic)

    def sleep(self, seconds: float) -> None:
        self.pauses += 1
        self.now += seconds
        if self.pauses == self._after:
            self._then()

    def monotonic(self) -> float:
        return self.now


def test_wait_answers_once_the_submission_is_recorded(api: Api) -> None:
    receipt = api.post(order_text()).body
    waiter = Waiter(api, lambda: hand_in(api, "id-1"))

    answer = api.get(f"{receipt['submissionUrl']}&wait=10")

    assert answer.status == 200
    assert answer.body["submission"]["status"] == "ACCEPTED"
    assert (waiter.pauses, waiter.now < 1) == (3, True)


def test_wait_ends_with_the_404_that_there_is_without_it(api: Api) -> None:
    waiter = Waiter(api, lambda: None)

    answer = api.get(f"{MINE}?wait=2")

    assert_problem(answer, 404, "submission-not-found")
    assert answer.headers["retry-after"] == api.get(MINE).headers["retry-after"]
    assert waiter.now == pytest.approx(2)


def test_head_does_not_wait(api: Api) -> None:
    """On a deployed stage, only GET has a limit on how many wait at a time."""
    waiter = Waiter(api, lambda: None)

    assert api.request("HEAD", f"{MINE}?wait=10").status == 404
    assert waiter.pauses == 0


def test_wait_tells_of_a_second_body_that_came_meanwhile(api: Api) -> None:
    def both() -> None:
        hand_in(api, "s-1", amount=10)
        hand_in(api, "s-1", amount=9999)

    Waiter(api, both)

    assert_problem(api.get(f"{MINE}?wait=2"), 409, "submission-ambiguous")


class Context:
    """The context of a function that has so many milliseconds left."""

    def __init__(self, left_ms: int) -> None:
        self._left_ms = left_ms

    def get_remaining_time_in_millis(self) -> int:
        return self._left_ms


@pytest.mark.parametrize(("left_ms", "waited"), [(9_000, 0), (30_000, 5)])
def test_wait_ends_early_enough_for_the_functions_time_out(
    api: Api, left_ms: int, waited: float
) -> None:
    waiter = Waiter(api, lambda: None)
    event = gateway_event(
        "GET",
        MINE,
        resource="/orders/{order_id}/submissions/{submission_id}",
        query={"wait": ["5"]},
    )
    event["pathParameters"] = {"order_id": "order-001", "submission_id": "s-1"}

    answer = api.app(event, Context(left_ms))

    assert answer["statusCode"] == 404
    assert waiter.now == pytest.approx(waited)


@pytest.mark.parametrize("name", [".", ".."])
def test_a_sender_who_calls_its_submission_a_step_of_a_path_can_read_it_all_the_same(
    api: Api, name: str
) -> None:
    """A client would cut such an id out of its URL, so the record has one that is made of it."""
    digest = hand_in(api, name)

    (record,) = api.get("/orders/order-001").body["records"]
    path = f"/orders/order-001/submissions/{record['submissionId']}?payloadSha256={digest}"

    assert record["submissionId"] not in {".", ".."}
    assert api.get(path).body["submission"]["recordId"] == record["recordId"]
