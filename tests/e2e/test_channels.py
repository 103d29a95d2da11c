"""Channels are who calls, on the system of `make run`: each reads its own orders only."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from ops.local.stack import LocalStack
from tests.builders import order_text
from tests.e2e.client import Answer, ApiClient, eventually

ACCOUNT = "111122223333"
ROLE = f"arn:aws:iam::{ACCOUNT}:role"
TABLE = f"web={ROLE}/orders-web mobile={ROLE}/orders-mobile reader={ROLE}/audit"
FORBIDDEN = "urn:orders:problem:"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    log = tmp_path_factory.mktemp("channels") / "log"
    with LocalStack(log_file=log, principals=TABLE) as stack:
        yield stack


class Channel:
    """A client that calls as an assumed role, or as nobody."""

    def __init__(self, stack: LocalStack, role: str | None) -> None:
        self._api = ApiClient(stack.api_url)
        called = f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/i-1"
        self._headers = {"X-Local-Principal": called} if role else {}

    def post(self, text: str) -> Answer:
        headers = {"Content-Type": "application/json", **self._headers}
        return self._api.request("POST", "/orders", text.encode(), headers)

    def get(self, path: str) -> Answer:
        return self._api.request("GET", path, headers=self._headers)

    def hand_in(self, text: str) -> dict[str, Any]:
        """Hand an order in, and wait for what became of it."""
        receipt = self.post(text)
        assert receipt.status == 202, receipt.body

        def recorded() -> Answer | None:
            answer = self.get(receipt.body["submissionUrl"])
            return answer if answer.status == 200 else None

        return dict(eventually(recorded).body["submission"])


def test_a_channel_is_who_calls_and_reads_nothing_of_anothers_order(stack: LocalStack) -> None:
    """Whoever may submit could say any channel, use others' ids, and read everyone's orders."""
    web, mobile = Channel(stack, "orders-web"), Channel(stack, "orders-mobile")

    theirs = mobile.hand_in(order_text("o1", amount=1234.5))
    refused = web.post(order_text("o2", channel="mobile"))
    unseen = web.get("/orders/o1")
    unknown = web.get("/orders/o9")
    mine = web.hand_in(order_text("o1", amount=99))
    seen = web.get("/orders/o1")

    assert (refused.status, refused.body["type"]) == (403, f"{FORBIDDEN}channel-not-yours")
    assert unseen.status == unknown.status == 404
    assert unseen.body == json.loads(json.dumps(unknown.body).replace("o9", "o1"))
    assert (theirs["status"], theirs["messageChannel"]) == ("ACCEPTED", "mobile")
    assert (mine["status"], mine["differs"]) == ("DUPLICATE", ["amount"])
    assert seen.body["records"] == [seen.body["order"]] == [mine]
    assert "1234.5" not in json.dumps(seen.body)
    assert web.get(f"/orders/o1/submissions/{theirs['submissionId']}").status == 404


def test_a_list_shows_a_channel_its_own_and_a_reader_all(stack: LocalStack) -> None:
    web, mobile, audit = (Channel(stack, each) for each in ("orders-web", "orders-mobile", "audit"))
    web.hand_in(order_text("of-web"))
    mobile.hand_in(order_text("of-mobile"))

    def ids(caller: Channel) -> set[str]:
        return {record["orderId"] for record in caller.get("/orders").body["records"]}

    assert "of-web" in ids(web)
    assert "of-mobile" not in ids(web)
    assert {"of-web", "of-mobile"} <= ids(audit)
    assert web.get("/orders?channel=mobile").status == 403
    assert audit.post(order_text()).status == 403


@pytest.mark.parametrize("role", [None, "stranger"])
def test_a_caller_of_no_channel_is_refused(stack: LocalStack, role: str | None) -> None:
    caller = Channel(stack, role)

    for answer in (caller.post(order_text("of-nobody")), caller.get("/orders")):
        assert (answer.status, answer.body["type"]) == (403, f"{FORBIDDEN}caller-unknown")
    assert caller.get("/health").status == 200


def test_a_header_that_is_no_caller_is_refused(stack: LocalStack) -> None:
    api = ApiClient(stack.api_url)
    for said in ("orders-web", f"{ROLE}/orders-web", "a" * 5_000, "arn:aws:iam::1:user/x"):
        answer = api.request("GET", "/orders", headers={"X-Local-Principal": said})

        assert (answer.status, answer.body["errors"][0]["field"]) == (400, "X-Local-Principal")
