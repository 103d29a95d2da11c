"""One run of the checks: the stage, the orders that it is given, and bounded waits for them."""

from __future__ import annotations

import json
import secrets
import threading
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar

from chalicelib.aws.clients import MAKING
from chalicelib.services.health import HealthStatus
from ops.aws_hosts import is_of_aws
from ops.aws_session import make_client
from ops.deploy.smoke import ANSWER_LIMIT_SECONDS, RECORD_LIMIT_SECONDS, download
from ops.desk.stage import CLIENT_CONFIG
from ops.lint.deployed import DeployedStage
from ops.verify.check import Failed, Interrupted, is_refusal, require
from ops.verify.letters import MARK, Letters

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from botocore.credentials import Credentials

    from ops.deploy.smoke import Answer, SignedApi
    from ops.desk.desk import Desk
    from ops.lint.stage import StageSettings

PAUSE_SECONDS = 0.3
JSON = {"Content-Type": "application/json"}

Found = TypeVar("Found")


class Run:
    """
    A run over one stage. It is used from several threads at once.

    `mark` begins every order id of this run. Its account numbers are no bank's, and stand nowhere
    else; so does the amount of an order that is rejected.
    """

    def __init__(
        self,
        desk: Desk,
        api_as: Callable[[Credentials | None], SignedApi],
        *,
        download: Callable[[str], Answer] = download,
        deployed_settings: Callable[[], StageSettings] | None = None,
        patience: float = 1.0,
    ) -> None:
        """
        `api_as` makes the stage's API, for a caller with these credentials.

        `deployed_settings` reads what is deployed, as `ops lint` does unless another is given.
        `patience` shortens every limit and pause: 0 looks once.
        """
        self.desk = desk
        self.stage = desk.stage
        self.api_as = api_as
        self.api = api_as(desk.stage.session.get_credentials())
        self.began_at = time.time()
        moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(self.began_at))
        self.mark = f"{MARK}-{moment}-{secrets.token_hex(3)}"
        self.accounts = tuple(f"0{side}{secrets.randbelow(10**18):018}" for side in (1, 2))
        self.rejected_amount = f"-{secrets.randbelow(9 * 10**11) + 10**11}.37"
        self.letters = Letters(desk.dead_letters, self.mark)
        self.download = download
        self.deployed_settings = (
            deployed_settings or DeployedStage(self.stage.name, self.stage.session).settings
        )
        self._patience = patience
        # What does not answer, by its name in /health, and what was seen of it.
        self.dead: dict[str, str] = {}
        self._clients: dict[tuple[str, bool], Any] = {}
        self._stopping = threading.Event()
        self._sharing = threading.Lock()
        self._shared: tuple[bytes, dict[str, Any]] | Failed | None = None

    @property
    def is_emulated(self) -> bool:
        return not is_of_aws(self.stage.sqs.meta.endpoint_url)

    def client(self, service: str, *, use_ssl: bool = True) -> Any:
        """Return a client of the operator's: made once, and never two at the same time."""
        name = (service, use_ssl)
        with MAKING:
            if name not in self._clients:
                self._clients[name] = make_client(
                    self.stage.session,
                    service,
                    endpoint_url=self.stage.endpoint_url,
                    config=CLIENT_CONFIG,
                    use_ssl=use_ssl,
                )
        return self._clients[name]

    def stop(self) -> None:
        """End every wait, and give back the dead letters that are being looked at."""
        self._stopping.set()
        self.letters.close()

    def find_dead(self) -> None:
        """
        Ask once for everything that an order needs. It takes some seconds at most.

        What is dead would let each check wait in vain: from here on none waits. A refusal is an
        answer, and each check says by itself which right is missing.
        """
        for name, found in self.desk.health().checks.items():
            if found.status is HealthStatus.FAIL and not is_refusal(found.failure):
                self.dead[name] = f"{found.failure or found.output}"
        if self.dead:
            self._patience = 0.0

    # Orders

    def order(self, name: str, **changes: Any) -> dict[str, Any]:
        """Make an order of this run: the smallest, between its own accounts."""
        return {
            "id": f"{self.mark}-{name}",
            "amount": "0.01",
            "fromAccount": self.accounts[0],
            "toAccount": self.accounts[1],
            **changes,
        }

    def post(
        self, order: Mapping[str, Any] | bytes, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Hand an order in, an object or these very bytes, until there is an answer that stays."""
        data = order if isinstance(order, bytes) else json.dumps(order).encode()
        return self.answered(
            lambda: self.api.send("POST", "/orders", data, {**JSON, **(headers or {})})
        )

    def submit(
        self, order: Mapping[str, Any] | bytes, headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """
        Hand an order in under a key, if it has none of its own, and return its receipt.

        Raises:
            Failed: it was not taken in.
        """
        keyed = {"Idempotency-Key": secrets.token_hex(16), **(headers or {})}
        answer = self.post(order, keyed)
        require(answer.status == HTTPStatus.ACCEPTED, f"POST /orders got {told(answer)}")
        receipt: dict[str, Any] = answer.body
        return receipt

    def send(self, bodies: Sequence[str]) -> list[str]:
        """Put up to ten messages on the queue by one call, and return their ids."""
        answer = self.stage.sqs.send_message_batch(
            QueueUrl=self.stage.settings.queue_url,
            Entries=[{"Id": str(n), "MessageBody": body} for n, body in enumerate(bodies)],
        )
        require(not answer.get("Failed"), f"SQS refuses some of {len(bodies)} messages")
        ids = {each["Id"]: each["MessageId"] for each in answer.get("Successful", [])}
        return [ids[str(n)] for n in range(len(bodies))]

    def records(self, order_id: str, count: int = 1) -> list[dict[str, Any]]:
        """
        Wait until an order has so many records, and return them.

        Raises:
            Failed: they did not come in time, or there are more.
        """

        def enough() -> list[dict[str, Any]] | None:
            records = self.recorded(order_id)
            return records if len(records) >= count else None

        few = "no record" if count == 1 else f"fewer than {count} records"
        found = self.wait_for(enough, f"{order_id} got {few}")
        require(len(found) == count, f"{order_id} has {len(found)} records, not {count}")
        return found

    def recorded(self, order_id: str) -> list[dict[str, Any]]:
        """Read the records that an order has now."""
        answer = self.answered(lambda: self.api.send("GET", f"/orders/{order_id}"))
        if answer.status == HTTPStatus.NOT_FOUND:
            return []
        require(answer.status == HTTPStatus.OK, f"GET /orders/{order_id} got {told(answer)}")
        records: list[dict[str, Any]] = answer.body["records"]
        return records

    def let_pass(self, name: str) -> None:
        """Wait until an order that is handed in now is recorded: what came before is done too."""
        order = self.order(f"{name}-later")
        self.submit(order)
        self.records(order["id"])

    def shared(self) -> tuple[bytes, dict[str, Any]]:
        """
        Return the order that several checks look at: the bytes sent, and what GET answers.

        Raises:
            Failed: it was not recorded.
        """
        with self._sharing:
            if self._shared is None:
                self._shared = self._share()
        if isinstance(self._shared, Failed):
            raise self._shared
        return self._shared

    def _share(self) -> tuple[bytes, dict[str, Any]] | Failed:
        # Bytes that no second serializer would write: spaces, an escape, letters beyond ASCII.
        order = self.order("first", note="ñ € 😀 \u2028")
        data = json.dumps(order, indent=3, ensure_ascii=False).encode()
        try:
            self.submit(data)
            self.records(order["id"])
            path = f"/orders/{order['id']}"
            return data, self.answered(lambda: self.api.send("GET", path)).body
        except Failed as failure:
            return failure

    # Waiting

    def answered(self, ask: Callable[[], Answer]) -> Answer:
        """
        Ask again, as a client does, while the answer is one that may pass; return the last.

        Raises:
            OSError: there was no answer.
        """
        deadline = time.monotonic() + ANSWER_LIMIT_SECONDS * self._patience
        while True:
            is_last = time.monotonic() >= deadline
            try:
                answer = ask()
            except OSError:
                if is_last:
                    raise
            else:
                if is_last or not answer.is_passing:
                    return answer
            self.pause()

    def wait_for(
        self,
        look: Callable[[], Found | None],
        problem: str,
        limit_seconds: float = RECORD_LIMIT_SECONDS,
    ) -> Found:
        """
        Look until there is something, and return that.

        Raises:
            Failed: there was nothing within the limit.
        """
        limit = limit_seconds * self._patience
        deadline = time.monotonic() + limit
        while True:
            found = look()
            if found:
                return found
            require(time.monotonic() < deadline, f"{problem} within {limit:g} s")
            self.pause()

    def pause(self) -> None:
        """
        Wait a moment.

        Raises:
            Interrupted: the run is to stop.
        """
        if self._stopping.wait(PAUSE_SECONDS * self._patience):
            raise Interrupted


def told(answer: Answer) -> str:
    """Write an answer in a line."""
    return f"{answer.status}: {json.dumps(answer.body)[:300]}"
