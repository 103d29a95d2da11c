"""Checks of what a sender gets of its own submission: its verdict, and a judgement beforehand."""

from __future__ import annotations

import hashlib
import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from chalicelib.http.representation import NOT_QUEUED
from chalicelib.orders.record import Status
from ops.verify.check import check, require
from ops.verify.run import JSON, told

if TYPE_CHECKING:
    from ops.deploy.smoke import Answer
    from ops.verify.run import Run

API_PAGE = "docs/api.md"
WAIT_SECONDS = 5
ROUTE = "/orders/"


@check("submission", API_PAGE)
def submission(run: Run) -> str:
    """Answer each of two senders of one order for its own submission."""
    sent = [run.order("sent-twice", amount=amount) for amount in ("0.01", "0.02")]
    receipts = [run.submit(each) for each in sent]
    answers = [_recorded(run, receipt) for receipt in receipts]
    for order, receipt, answer in zip(sent, receipts, answers, strict=True):
        shown = answer["submission"]
        digest = hashlib.sha256(json.dumps(order).encode()).hexdigest()
        require(shown["submissionId"] == receipt["submissionId"], "it shows another submission")
        require(shown["payloadSha256"] == digest, "it shows another body than was sent")
    found = sorted(answer["submission"]["status"] for answer in answers)
    require(found == [Status.ACCEPTED, Status.DUPLICATE], f"the two are {', '.join(found)}")
    return "of two senders of one id, each reads its own: ACCEPTED, and DUPLICATE"


@check("dry-run", API_PAGE)
def dry_run(run: Run) -> str:
    """Judge an order, and queue nothing."""
    wrong = run.order("dry", amount=run.rejected_amount)
    data = json.dumps(wrong).encode()
    answer = run.answered(lambda: run.api.send("POST", "/orders?dryRun=true", data, JSON))
    require(answer.status == HTTPStatus.OK, f"POST /orders?dryRun=true got {told(answer)}")
    codes = [error["code"] for error in answer.body["errors"]]
    require(codes == ["not_positive"], f"it found {codes} wrong, not the amount")
    require(answer.body["status"] == NOT_QUEUED, f"its status is {answer.body['status']}")
    run.let_pass("dry")
    require(not run.recorded(wrong["id"]), f"{wrong['id']} is recorded all the same")
    return "200 with the judgement, and no record"


def _recorded(run: Run, receipt: dict[str, Any]) -> dict[str, Any]:
    """Follow the receipt's URL until the submission is recorded."""
    prefix, route, rest = receipt["submissionUrl"].partition(ROUTE)
    base = run.api.base_path
    # An emulator serves a stage under a longer path, which the stage's is a part of.
    as_served = prefix == base or (run.is_emulated and prefix in base)
    require(as_served, f"submissionUrl begins with {prefix!r}, not with {base!r}")

    def look() -> Answer | None:
        path = f"{route}{rest}&wait={WAIT_SECONDS}"
        answer = run.answered(lambda: run.api.send("GET", path))
        return None if answer.status == HTTPStatus.NOT_FOUND else answer

    answer = run.wait_for(look, f"submission {receipt['submissionId']} is not recorded")
    require(answer.status == HTTPStatus.OK, f"GET its submissionUrl got {told(answer)}")
    body: dict[str, Any] = answer.body
    return body
