"""The smoke test: a deployed stage is well, and one real order goes all the way through it."""

from __future__ import annotations

import json
import re
import time
import urllib.error
import urllib.request
import uuid
from dataclasses import dataclass, field
from email.message import Message
from http import HTTPStatus
from http.client import HTTPException, responses
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

from chalicelib.aws.clients import is_on_this_machine
from chalicelib.http.problem import TYPE_PREFIX
from ops.deploy.problems import DeploymentProblem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from botocore.credentials import Credentials

# The first request starts a function; API Gateway itself gives up after 29 s.
ANSWER_LIMIT_SECONDS = 35.0
# A new API, a new role and a new event source mapping take up to a minute to work together.
HEALTH_LIMIT_SECONDS = 90.0
RECORD_LIMIT_SECONDS = 120.0
PAUSE_SECONDS = 0.5
SERVERS = HTTPStatus.INTERNAL_SERVER_ERROR
TRY_AGAIN = {
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_EARLY,
    HTTPStatus.TOO_MANY_REQUESTS,
}


@dataclass(frozen=True)
class Answer:
    """An answer of the API: its body as JSON if it is JSON, else as text; and the bytes of it."""

    status: int
    body: Any
    content: bytes = b""
    headers: Message = field(default_factory=Message)

    @property
    def is_passing(self) -> bool:
        """Whether the same request may get another answer in a moment (docs/clients.md)."""
        return self.status < HTTPStatus.OK or self.status in TRY_AGAIN or self.status >= SERVERS


class Signer(Protocol):
    """The caller whose credentials sign the requests, and the region that they are for."""

    @property
    def credentials(self) -> Credentials | None: ...
    @property
    def region(self) -> str: ...


class SignedApi:
    """Calls the API as a channel does: each request signed with the caller's own credentials."""

    def __init__(self, url: str, signer: Signer) -> None:
        self._url = url
        self._signer = signer

    @property
    def base_path(self) -> str:
        """The path of the stage: the API's own links begin with it."""
        return urlsplit(self._url).path.rstrip("/")

    def request(
        self, method: str, path: str, data: bytes | None = None, key: str | None = None
    ) -> Answer:
        """
        Send a request, with JSON if there is a body. `key`: its Idempotency-Key.

        Raises:
            OSError: there was no answer.
        """
        headers = {"Content-Type": "application/json"} if data else {}
        return self.send(method, path, data, headers | ({"Idempotency-Key": key} if key else {}))

    def send(
        self,
        method: str,
        path: str,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        signed: bool = True,
    ) -> Answer:
        """
        Send a request with these very bytes and headers.

        Raises:
            OSError: there was no answer.
        """
        url = self._url + path
        prepared = AWSRequest(method, url, headers=dict(headers or {}), data=data)
        credentials = self._signer.credentials
        if credentials and signed:
            SigV4Auth(credentials, "execute-api", self._signer.region).add_auth(prepared)
        request = urllib.request.Request(  # noqa: S310 (the address is our own stack's)
            url, data=data, headers=dict(prepared.headers.items()), method=method
        )
        return fetch(request, _NoRedirection())

    def download(self, url: str) -> Answer:
        """Download from a presigned URL. OSError: there was no answer."""
        return download(url)


def download(url: str) -> Answer:
    """
    GET an address without credentials, and return the answer, whatever its status.

    Raises:
        OSError: there was no answer.
    """
    return fetch(urllib.request.Request(url))  # noqa: S310 (from the stage's own answer)


class _NoRedirection(urllib.request.HTTPRedirectHandler):
    """Takes a redirection for the answer that it is."""

    def redirect_request(self, *_: Any) -> None:
        return None


def fetch(request: urllib.request.Request, *handlers: urllib.request.BaseHandler) -> Answer:
    """
    Send a request as it is, and return the answer, whatever its status.

    Raises:
        OSError: there was no answer.
    """
    opener = _opener(request.full_url, *handlers)
    try:
        try:
            answer = opener.open(request, timeout=ANSWER_LIMIT_SECONDS)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            return _answer(answer.status, answer.headers, answer.read())
    except HTTPException as error:
        # It is no OSError: half an answer is as good as none.
        raise ConnectionError(f"{type(error).__name__}: {error}") from error


def _opener(url: str, *handlers: urllib.request.BaseHandler) -> urllib.request.OpenerDirector:
    """Make an opener: it obeys the environment's proxies, but never on the way to this machine."""
    own = [urllib.request.ProxyHandler({})] if is_on_this_machine(url) else []
    return urllib.request.build_opener(*handlers, *own)


class SmokeTest:
    """The checks of a deployment, in order."""

    def __init__(
        self,
        api: SignedApi,
        say: Callable[[str], None],
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._api = api
        self._say = say
        self._sleep = sleep

    def check_health(self) -> None:
        """
        Wait until /health is well.

        Raises:
            DeploymentProblem: it isn't, within the limit.
        """
        answer = self._get("/health", _is_healthy, HEALTH_LIMIT_SECONDS)
        self._say(f"  GET /health: {answer.body['status']}")

    def check_order(self) -> None:
        """
        Hand an order in, wait for its record, and download the order.

        Where the stage maps callers to channels, and this one to none, no order can be handed in.

        Raises:
            DeploymentProblem: the order was refused, was not recorded within the limit, or its
                download isn't what was sent.
        """
        order = smoke_order()
        sent = json.dumps(order).encode()
        receipt = self._eventually(
            lambda: self._api.request("POST", "/orders", sent, key=order["id"]),
            lambda answer: not answer.is_passing,
            "POST /orders",
            RECORD_LIMIT_SECONDS,
        )
        if is_of_no_channel(receipt):
            self._say("  POST /orders: 403, as ORDERS_PRINCIPALS has no channel for you")
            return
        if receipt.status != HTTPStatus.ACCEPTED:
            raise DeploymentProblem(_unexpected("POST /orders", receipt))
        self._say(f"  POST /orders: {receipt.status}, {order['id']}")
        began_at = time.monotonic()
        path = f"/orders/{order['id']}"
        answer = self._get(path, _is_recorded, RECORD_LIMIT_SECONDS)
        status, took = answer.body["order"]["status"], time.monotonic() - began_at
        self._say(f"  GET {path}: {status} after {took:.1f} s")
        self._check_download(answer.body.get("s3Url"), sent)

    def _check_download(self, url: str | None, sent: bytes) -> None:
        """Only a real download shows that the URL names the right host and is signed for it."""
        if not url:
            raise DeploymentProblem(_failed("the answer has no s3Url"))
        # Not the URL itself: whoever has it has the order.
        host = urlsplit(url).hostname
        try:
            received = self._api.download(url)
        except OSError as error:
            raise DeploymentProblem(
                _failed(f"GET s3Url, {host}, got no answer: {error}")
            ) from error
        if received.status != HTTPStatus.OK:
            raise DeploymentProblem(_failed(f"GET s3Url, {host}, got {_refusal(received)}"))
        if received.content != sent:
            raise DeploymentProblem(_failed(f"s3Url, {host}, has other bytes than were sent"))
        self._say(f"  GET s3Url: {len(received.content)} bytes from {host}, as sent")

    def _get(self, path: str, is_good: Callable[[Answer], bool], limit_seconds: float) -> Answer:
        return self._eventually(
            lambda: self._api.request("GET", path), is_good, f"GET {path}", limit_seconds
        )

    def _eventually(
        self,
        ask: Callable[[], Answer],
        is_good: Callable[[Answer], bool],
        name: str,
        limit_seconds: float,
    ) -> Answer:
        deadline = time.monotonic() + limit_seconds
        while True:
            try:
                answer = ask()
            except OSError as error:
                answer = Answer(0, str(error))
            if is_good(answer):
                return answer
            if time.monotonic() > deadline:
                raise DeploymentProblem(_unexpected(name, answer))
            self._sleep(PAUSE_SECONDS)


def smoke_order() -> dict[str, Any]:
    """Make the smallest order, between two accounts that no bank has."""
    now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    return {
        "id": f"smoke-test-{now}-{uuid.uuid4().hex[:6]}",
        "amount": "0.01",
        "fromAccount": "0",
        "toAccount": "00",
    }


def is_of_no_channel(answer: Answer) -> bool:
    """Tell whether the API refuses the caller, as the stage maps callers to channels."""
    problem = answer.body if isinstance(answer.body, dict) else {}
    return (answer.status, problem.get("type")) == (
        HTTPStatus.FORBIDDEN,
        f"{TYPE_PREFIX}caller-unknown",
    )


def _is_healthy(answer: Answer) -> bool:
    return _has(answer, "status")


def _is_recorded(answer: Answer) -> bool:
    return _has(answer, "records") and bool(answer.body["records"])


def _has(answer: Answer, member: str) -> bool:
    """Tell the API's own answer from one of a proxy or a portal, which may be a 200 too."""
    is_object = answer.status == HTTPStatus.OK and isinstance(answer.body, dict)
    return is_object and member in answer.body


def _answer(status: int, headers: Message, content: bytes) -> Answer:
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        body = content.decode(errors="replace")
    return Answer(status, body, content, headers)


def _unexpected(request: str, answer: Answer) -> str:
    said = json.dumps(answer.body)[:500]
    got = f"{answer.status}: {said}" if answer.status else f"no answer: {said}"
    return _failed(f"{request} got {got}")


def _failed(what: str) -> str:
    return (
        f"The stage is deployed, but its smoke test failed: {what}\n"
        "See docs/operating.md#a-smoke-test-that-fails, then run the command again."
    )


def _refusal(answer: Answer) -> str:
    """Say why there is no download: S3 has a word for it, among much else."""
    code = re.search(rb"<Code>(\w+)</Code>", answer.content)
    return f"{answer.status}: {code[1].decode() if code else responses.get(answer.status)}"
