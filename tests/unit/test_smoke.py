"""The smoke test: it waits for a stage that is waking up, and says if one isn't well."""

import socket
import threading
from typing import Any

import pytest

from ops.deploy import smoke
from ops.deploy.problems import DeploymentProblem
from ops.deploy.smoke import Answer, SmokeTest, download, smoke_order
from ops.ports import LOOPBACK

HEALTHY = Answer(200, {"status": "pass"})
SICK = Answer(503, {"status": "fail"})
ACCEPTED = Answer(202, {"status": "QUEUED"})
UNKNOWN = Answer(404, {"title": "Order not found"})
URL = "https://orders-dev-111122223333.s3.eu-west-1.amazonaws.com/orders/1/a?X-Amz-Signature=secret"
RECORDED = Answer(200, {"order": {"status": "ACCEPTED"}, "records": [{}], "s3Url": URL})


class FakeApi:
    """
    An API with the given answers, one after the other; the last one stays.

    Its archive hands out what was sent, unless it has something else.
    """

    def __init__(
        self, *answers: Answer | Exception, archived: Answer | Exception | None = None
    ) -> None:
        self._answers = list(answers)
        self._archived = archived
        self.requests: list[str] = []
        self.handed_in: list[tuple[str | None, bytes]] = []
        self.sent = b""

    def download(self, url: str) -> Answer:
        self.requests.append(f"download {url}")
        if isinstance(self._archived, Exception):
            raise self._archived
        return self._archived or Answer(200, None, self.sent)

    def request(
        self, method: str, path: str, body: bytes | None = None, key: str | None = None
    ) -> Answer:
        self.sent = body or self.sent
        if body:
            self.handed_in.append((key, body))
        route = path.partition("smoke-test-")[0]
        self.requests.append(f"{method} {route}" + (" +" if body else ""))
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HEALTH_LIMIT_SECONDS", "RECORD_LIMIT_SECONDS"):
        monkeypatch.setattr(smoke, name, 0.0)


def smoke_test(api: Any, said: list[str] | None = None) -> SmokeTest:
    heard = [] if said is None else said
    return SmokeTest(api, heard.append, sleep=lambda _: None)


def test_the_smoke_test_waits_for_a_stage_to_wake_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smoke, "HEALTH_LIMIT_SECONDS", 60.0)
    said: list[str] = []

    smoke_test(FakeApi(ConnectionResetError(), SICK, HEALTHY), said).check_health()

    assert said == ["  GET /health: pass"]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (SICK, 'GET /health got 503: {"status": "fail"}'),
        (ConnectionRefusedError("refused"), 'GET /health got no answer: "refused"'),
    ],
)
def test_an_unhealthy_stage_fails_the_smoke_test_and_stays_deployed(
    answer: Answer | Exception, said: str
) -> None:
    with pytest.raises(DeploymentProblem) as failure:
        smoke_test(FakeApi(answer)).check_health()

    assert f"The stage is deployed, but its smoke test failed: {said}" in str(failure.value)
    assert "docs/operating.md#a-smoke-test-that-fails" in str(failure.value)


def test_the_smoke_test_submits_an_order_and_waits_for_its_record(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(smoke, "RECORD_LIMIT_SECONDS", 60.0)
    api = FakeApi(ACCEPTED, UNKNOWN, RECORDED)

    smoke_test(api).check_order()

    assert api.requests[:3] == ["POST /orders +", "GET /orders/", "GET /orders/"]


def test_a_deployer_of_no_channel_is_told_that_no_order_was_handed_in() -> None:
    refused = Answer(403, {"type": "urn:orders:problem:caller-unknown", "status": 403})
    api, said = FakeApi(refused), list[str]()

    smoke_test(api, said).check_order()

    assert api.requests == ["POST /orders +"]
    assert said == ["  POST /orders: 403, as ORDERS_PRINCIPALS has no channel for you"]


PAGE = "<html>Service Unavailable</html>"


@pytest.mark.parametrize(
    "passing",
    [*(Answer(status, PAGE) for status in (408, 429, 500, 502, 503, 504)), ConnectionResetError()],
)
def test_the_smoke_test_hands_the_same_order_in_again_where_the_api_asks_for_it(
    monkeypatch: pytest.MonkeyPatch, passing: Answer | Exception
) -> None:
    monkeypatch.setattr(smoke, "RECORD_LIMIT_SECONDS", 60.0)
    api = FakeApi(passing, passing, ACCEPTED, RECORDED)

    smoke_test(api).check_order()

    assert len(api.handed_in) == 3
    assert len(set(api.handed_in)) == 1
    assert api.handed_in[0][0]


@pytest.mark.parametrize("foreign", [Answer(200, PAGE), Answer(200, []), Answer(200, None)])
def test_a_page_of_a_portal_is_no_answer_of_the_stage(
    monkeypatch: pytest.MonkeyPatch, foreign: Answer
) -> None:
    for name in ("HEALTH_LIMIT_SECONDS", "RECORD_LIMIT_SECONDS"):
        monkeypatch.setattr(smoke, name, 60.0)

    smoke_test(FakeApi(foreign, HEALTHY)).check_health()
    smoke_test(FakeApi(ACCEPTED, foreign, RECORDED)).check_order()


@pytest.mark.parametrize(
    "cut",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{",
        b"HTTP/1.1 503 No\r\nContent-Length: 9\r\n\r\n{",
        b"no HTTP\r\n\r\n",
        b"",
    ],
)
def test_half_an_answer_counts_as_none(cut: bytes) -> None:
    with socket.create_server((LOOPBACK, 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(cut)

        threading.Thread(target=answer, daemon=True).start()
        with pytest.raises(OSError):  # noqa: PT011 (any of its kinds)
            download(f"http://{LOOPBACK}:{server.getsockname()[1]}/")


def test_the_smoke_test_downloads_the_order_and_compares_the_bytes() -> None:
    api, said = FakeApi(ACCEPTED, RECORDED), list[str]()

    smoke_test(api, said).check_order()

    host = "orders-dev-111122223333.s3.eu-west-1.amazonaws.com"
    assert api.requests[-1] == f"download {URL}"
    assert said[-1] == f"  GET s3Url: {len(api.sent)} bytes from {host}, as sent"


def refusal(body: bytes) -> Answer:
    return Answer(403, None, body)


@pytest.mark.parametrize(
    ("archived", "said"),
    [
        (Answer(200, {}, b"{}"), "has other bytes than were sent"),
        (refusal(b"<Error><Code>SignatureDoesNotMatch</Code></Error>"), "403: SignatureDoesNotMat"),
        (refusal(b""), "got 403: Forbidden"),
        (ConnectionRefusedError("refused"), "got no answer: refused"),
    ],
)
def test_a_download_that_is_not_what_was_sent_fails_the_test(
    archived: Answer | Exception, said: str
) -> None:
    with pytest.raises(DeploymentProblem, match=said) as failure:
        smoke_test(FakeApi(ACCEPTED, RECORDED, archived=archived)).check_order()

    assert "secret" not in str(failure.value)


def test_an_accepted_order_without_a_download_fails_the_test() -> None:
    recorded = Answer(200, {"order": {"status": "ACCEPTED"}, "records": [{}], "s3Url": None})

    with pytest.raises(DeploymentProblem, match="the answer has no s3Url"):
        smoke_test(FakeApi(ACCEPTED, recorded)).check_order()


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ([Answer(403, {"message": "Forbidden"})], "POST /orders got 403"),
        ([ACCEPTED, UNKNOWN], "got 404"),
    ],
)
def test_an_order_that_does_not_get_through_fails_the_test(
    answers: list[Answer], said: str
) -> None:
    with pytest.raises(DeploymentProblem, match=said):
        smoke_test(FakeApi(*answers)).check_order()


def test_each_smoke_order_is_new_and_has_a_telling_id() -> None:
    first, second = smoke_order(), smoke_order()

    assert first["id"] != second["id"]
    assert first["id"].startswith("smoke-test-")
    assert first["fromAccount"] != first["toAccount"]
