"""The check of many orders in one request."""

from __future__ import annotations

import hashlib
import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from chalicelib.http.requests import NDJSON
from chalicelib.services.batch_judgement import LineStatus
from ops.verify.check import check, require
from ops.verify.run import told

if TYPE_CHECKING:
    from ops.verify.run import Run

API_PAGE = "docs/api.md"
QUEUED, REFUSED = LineStatus.QUEUED, LineStatus.REFUSED


@check("order-batch", API_PAGE)
def order_batch(run: Run) -> str:
    """Take each line of a batch by itself, byte for byte, and once for its key."""
    # A letter beyond ASCII, and a CR that is no part of the order: bytes that a text might lose.
    texts = [
        json.dumps(run.order(f"line-{number}", note="ñ"), ensure_ascii=False) for number in (1, 2)
    ]
    body = f"{texts[0]}\r\n\n[]\n{texts[1]}\n".encode()
    first, second = (_hand_in(run, body) for _ in range(2))
    require(first == second, "two POSTs of one batch have two results")
    for text, result in zip(texts, (first[0], first[2]), strict=True):
        (record,) = run.records(result["orderId"])
        digest = hashlib.sha256(text.encode()).hexdigest()
        require(record["payloadSha256"] == digest, "the record has another SHA-256 than its line")
    run.let_pass("lines")
    for result in (first[0], first[2]):
        run.records(result["orderId"])
    return "two of three lines are recorded, once; the third was refused"


def _hand_in(run: Run, body: bytes) -> list[dict[str, Any]]:
    headers = {"Content-Type": NDJSON, "Idempotency-Key": f"{run.mark}-lines"}
    answer = run.answered(lambda: run.api.send("POST", "/order-batches", body, headers))
    require(answer.status == HTTPStatus.ACCEPTED, f"POST /order-batches got {told(answer)}")
    results: list[dict[str, Any]] = answer.body["results"]
    found = [(each["line"], each["status"]) for each in results]
    wanted = [(1, QUEUED), (3, REFUSED), (4, QUEUED)]
    require(found == wanted, f"the results are {found}, not {wanted}")
    return results
