"""A fake of `POST /order-batches`, which can misbehave: in memory, and as a server."""

import hashlib
import json
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from chalicelib.http.problems import problem_of
from chalicelib.orders.errors import UnreadableOrder
from chalicelib.services.batch_lines import MAX_BATCH_BYTES, MAX_BATCH_LINES
from chalicelib.services.intake import judge
from chalicelib.texts import texts_in
from ops.deploy.smoke import Answer
from ops.ports import LOOPBACK

Misbehaviour = Callable[["FakeBatchApi", bytes, str], Answer]
UNAVAILABLE = {"type": "urn:orders:problem:unavailable", "status": 503, "detail": "Try again."}


class FakeBatchApi:
    """
    Queues what can be read, under an id of caller, key and line, and answers for each line.

    `queued` has every message that was sent, in order, as (submission id, payload). The next of
    `misbehaviours` answers in place of the API.
    """

    def __init__(self, *misbehaviours: Misbehaviour) -> None:
        self.queued: list[tuple[str, bytes]] = []
        self.requests: list[tuple[Mapping[str, str], bytes]] = []
        self.misbehaviours = list(misbehaviours)

    def send(
        self,
        method: str,
        path: str,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        signed: bool = True,
    ) -> Answer:
        given, body = dict(headers or {}), data or b""
        assert (method, path, signed) == ("POST", "/order-batches", True)
        assert given["Content-Type"] == "application/x-ndjson"
        self.requests.append((given, body))
        if self.misbehaviours:
            return self.misbehaviours.pop(0)(self, body, given["Idempotency-Key"])
        return self.answer(body, given["Idempotency-Key"])

    def answer(
        self, body: bytes, key: str, is_confirmed: Callable[[int], bool] = lambda _: True
    ) -> Answer:
        """Take lines in. One that is not confirmed is queued all the same."""
        assert len(body) <= MAX_BATCH_BYTES
        lines = [line.removesuffix(b"\r") for line in body.removesuffix(b"\n").split(b"\n")]
        assert len(lines) <= MAX_BATCH_LINES
        seen: dict[bytes, int] = {}
        results = []
        for number, line in enumerate(lines, start=1):
            result = self._result(line, key, confirmed=is_confirmed(number))
            if line in seen and "problem" not in result:
                result["sameAsLine"] = seen[line]
            seen.setdefault(line, number)
            results.append({"line": number, **result})
        statuses = {result["status"] for result in results}
        status = 202 if "QUEUED" in statuses else 503 if "UNCONFIRMED" in statuses else 400
        return Answer(status, {"results": results})

    def _result(self, line: bytes, key: str, *, confirmed: bool) -> dict[str, Any]:
        try:
            order = judge(line)
        except UnreadableOrder as error:
            return {"status": "REFUSED", "problem": problem_of(error).body(texts_in("en"))}
        digest = hashlib.sha256(line).hexdigest()
        name = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{key}\n{digest}"))
        self.queued.append((name, line))
        named = {"orderId": order.id, "submissionId": name}
        if not confirmed:
            return {"status": "UNCONFIRMED", **named, "problem": UNAVAILABLE}
        return {
            "status": "QUEUED",
            **named,
            "payloadSha256": digest,
            "valid": order.valid,
            "errors": [],
        }

    def recorded(self) -> list[bytes]:
        """Return what the processor records: each submission once."""
        return list(dict(self.queued).values())


def answer_of(
    status: int, body: Any = "<html>Bad Gateway</html>", retry_after: str | None = None
) -> Answer:
    headers = Message()
    if retry_after is not None:
        headers["Retry-After"] = retry_after
    return Answer(status, body, headers=headers)


def answering(status: int, body: Any = "<html/>", retry_after: str | None = None) -> Misbehaviour:
    """Answer so, and take nothing in."""
    return lambda *_: answer_of(status, body, retry_after)


def failing(error: Exception, *, taken: bool) -> Misbehaviour:
    """Give no answer; perhaps the lines were taken in."""

    def fail(api: FakeBatchApi, body: bytes, key: str) -> Answer:
        if taken:
            api.answer(body, key)
        raise error

    return fail


def confirming(is_confirmed: Callable[[int], bool]) -> Misbehaviour:
    """Take all lines in, and confirm only some, by their numbers."""
    return lambda api, body, key: api.answer(body, key, is_confirmed)


@contextmanager
def serving(api: FakeBatchApi) -> Iterator[str]:
    """Serve it on this machine, with a /health, and yield its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._write(Answer(200, {"status": "pass"}), "application/health+json")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            try:
                answer = api.send("POST", self.path, body, dict(self.headers.items()))
            except ConnectionError:
                self.close_connection = True
                return
            self._write(answer, "application/json")

        def _write(self, answer: Answer, kind: str) -> None:
            text = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
            self.send_response(answer.status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(text)))
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://{LOOPBACK}:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
