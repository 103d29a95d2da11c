"""A batch of lines, handed in until the API has answered for each of them."""

from __future__ import annotations

import time
from http import HTTPStatus
from http.client import HTTPException, responses
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from botocore.exceptions import BotoCoreError

from chalicelib.http.problem import TYPE_PREFIX
from ops.bulk.answers import Settled, may_be_tried_again, settled_lines
from ops.bulk.problems import StoppedShort
from ops.deploy.smoke import is_of_no_channel
from ops.desk.masking import masked_text
from ops.patience import Patience, asked_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ops.bulk.lines import Line
    from ops.deploy.smoke import Answer

ROUTE = "/order-batches"
MEDIA_TYPE = "application/x-ndjson"
# API Gateway's answers to who may not call a route, or calls one that is not there.
REFUSED_AT_THE_DOOR = {401, 403, 404}
CALLER_UNKNOWN = f"{TYPE_PREFIX}caller-unknown"


class Api(Protocol):
    """The API of a stage, as far as it is needed here."""

    def send(self, method: str, path: str, data: bytes, headers: Mapping[str, str]) -> Answer: ...


class Attempt(NamedTuple):
    """An attempt: the lines that it has settled, and why it has not settled the others."""

    settled: dict[Line, Settled]
    why: str
    asked_seconds: float | None = None


class Sender:
    """Hands batches in, all with the same key."""

    def __init__(
        self,
        api: Api,
        key: str,
        *,
        language: str,
        note: Callable[[str], None],
        sleep: Callable[[float], None] = time.sleep,
        make_patience: Callable[[], Patience] = Patience,
    ) -> None:
        """`note` is told why an attempt was in vain, and when the next one is."""
        self._api = api
        self._headers = {
            "Content-Type": MEDIA_TYPE,
            "Idempotency-Key": key,
            "Accept-Language": language,
        }
        self._note = note
        self._sleep = sleep
        self._make_patience = make_patience

    def hand_in(self, lines: Sequence[Line]) -> dict[Line, Settled]:
        """
        Hand lines in, and those again that an answer left open; return what became of each.

        Raises:
            StoppedShort: the API doesn't take them, or not now. Some may be queued.
        """
        settled: dict[Line, Settled] = {}
        patience = self._make_patience()
        while left := [line for line in lines if line not in settled]:
            attempt = self._attempt(left)
            settled |= attempt.settled
            if attempt.settled:
                patience.renew()
            if len(attempt.settled) < len(left):
                self._wait(patience, attempt)
        return {line: settled[line] for line in lines}

    def _attempt(self, lines: Sequence[Line]) -> Attempt:
        body = b"".join(line.content + b"\n" for line in lines)
        try:
            answer = self._api.send("POST", ROUTE, body, self._headers)
        except (OSError, HTTPException) as error:
            # It may have been taken all the same.
            return Attempt({}, f"No answer: {error or type(error).__name__}")
        except BotoCoreError as error:
            raise StoppedShort(f"The request can't be signed: {error}.") from error
        settled = settled_lines(answer.body, lines)
        if not settled and not may_be_tried_again(answer.status):
            raise StoppedShort(_refusal(answer))
        asked = asked_seconds(answer.headers.get("Retry-After"))
        left = len(lines) - len(settled)
        why = f"{left:,} lines are not confirmed" if _is_success(answer) else _told(answer)
        return Attempt(settled, why, asked)

    def _wait(self, patience: Patience, attempt: Attempt) -> None:
        seconds = patience.wait_seconds(attempt.asked_seconds)
        if seconds is None:
            asked = attempt.asked_seconds
            later = f" It asks to wait {asked:,.0f} s." if asked else ""
            raise StoppedShort(f"The API does not take the orders now. {attempt.why}.{later}")
        self._note(f"{attempt.why}: once more in {seconds:.1f} s.")
        self._sleep(seconds)


def _is_success(answer: Answer) -> bool:
    return answer.status < HTTPStatus.MULTIPLE_CHOICES


def _refusal(answer: Answer) -> str:
    said = f"The API refuses the request. {_told(answer)}."
    if answer.status in REFUSED_AT_THE_DOOR and not is_of_no_channel(answer):
        return (
            f"{said} Whoever hands in needs the right to call POST {ROUTE}, and the stage must be "
            "deployed with it."
        )
    return said


def _told(answer: Answer) -> str:
    """Say what an answer says: the detail of a problem, or else the words for its status."""
    body: Any = answer.body if isinstance(answer.body, dict) else {}
    detail = body.get("detail")
    if isinstance(detail, str) and detail:
        return f"{answer.status}: {masked_text(detail).rstrip('.')}"
    return f"{answer.status} {responses.get(answer.status, '')}".rstrip()
