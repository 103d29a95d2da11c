"""Checks of what becomes of orders: the verdicts that the docs promise, large orders, and lists."""

from __future__ import annotations

import hashlib
import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from chalicelib.orders.order import MAX_PAYLOAD_BYTES
from chalicelib.orders.record import Status
from chalicelib.orders.terms import CHANNELS
from ops.verify.check import check, require
from ops.verify.run import told

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ops.verify.run import Run

API_PAGE, RELIABILITY_PAGE = "docs/api.md", "docs/reliability.md"
AT_ONCE = 20
# The most messages that SQS takes by one call.
LARGEST_SEND = 10
MOST_PAGES = 100


@check("order", API_PAGE)
def order(run: Run) -> str:
    """Take an order from POST to its record."""
    sent, shown = run.shared()
    (record,) = shown["records"]
    require(verdicts([record]) == [(Status.ACCEPTED, False, ())], f"it is {verdicts([record])}")
    digest = hashlib.sha256(sent).hexdigest()
    require(record["payloadSha256"] == digest, "the record has another SHA-256 than what was sent")
    require(
        record["s3Key"] == f"orders/{record['orderId']}/{record['submissionId']}-{digest}.json",
        f"its key is {record['s3Key']}",
    )
    return f"{record['orderId']}: ACCEPTED, with the SHA-256 of what was sent"


@check("duplicates", API_PAGE)
def duplicates(run: Run) -> str:
    """Record a second submission as DUPLICATE, with what differs."""
    first = run.order("duplicate")
    run.submit(first)
    (record,) = run.records(first["id"])
    run.submit(first)
    run.records(first["id"], 2)
    run.submit({**first, "amount": "0.02", "channel": _channel_beside(record)})
    found = verdicts(run.records(first["id"], 3))
    wanted = [
        (Status.ACCEPTED, False, ()),
        (Status.DUPLICATE, True, ()),
        (Status.DUPLICATE, True, ("amount", "channel")),
    ]
    require(found == wanted, f"the records are {found}, not {wanted}")
    return "ACCEPTED, DUPLICATE, and DUPLICATE that differs in amount and channel"


@check("correction", API_PAGE)
def correction(run: Run) -> str:
    """Accept a valid submission after an invalid one."""
    wrong = run.order("corrected", amount=run.rejected_amount)
    receipt = run.submit(wrong)
    codes = [error["code"] for error in receipt["errors"]]
    require(codes == ["not_positive"], f"POST found {codes} wrong, not the amount")
    run.records(wrong["id"])
    run.submit(run.order("corrected"))
    found = verdicts(run.records(wrong["id"], 2))
    wanted = [(Status.REJECTED, False, ()), (Status.ACCEPTED, True, ())]
    require(found == wanted, f"the records are {found}, not {wanted}")
    return "REJECTED, then ACCEPTED"


@check("idempotency-key", API_PAGE)
def idempotency_key(run: Run) -> str:
    """Take the same bytes under a key for one submission, and refuse other bytes under it."""
    data = json.dumps(run.order("again")).encode()
    key = {"Idempotency-Key": f"{run.mark}-again"}
    first, second = run.submit(data, key), run.submit(data, key)
    require(first["submissionId"] == second["submissionId"], "two POSTs have two submission ids")
    run.records(first["orderId"])
    other = run.post(run.order("other-again"), key)
    require(other.status == HTTPStatus.UNPROCESSABLE_ENTITY, f"other bytes got {told(other)}")
    require(other.body["orderId"] == first["orderId"], "the refusal names another order")
    run.let_pass("again")
    run.records(first["orderId"])
    return "two POSTs have one submission id, and one record; other bytes are refused"


@check("concurrency", RELIABILITY_PAGE)
def concurrency(run: Run) -> str:
    """Accept one of twenty orders that come at once under one id."""
    same = run.order("at-once")
    for _ in range(AT_ONCE // LARGEST_SEND):
        run.send([json.dumps(same)] * LARGEST_SEND)
    found = verdicts(run.records(same["id"], AT_ONCE))
    accepted = sum(status is Status.ACCEPTED for status, _, _ in found)
    firsts = sum(not is_duplicate for _, is_duplicate, _ in found)
    require(accepted == 1, f"{accepted} of {AT_ONCE} are ACCEPTED")
    require(firsts == 1, f"{firsts} of {AT_ONCE} are no duplicates")
    return f"{AT_ONCE} records: 1 ACCEPTED, {AT_ONCE - 1} DUPLICATE"


@check("largest-order", API_PAGE)
def largest_order(run: Run) -> str:
    """Record an order of 256 KiB: as the first of its id, a duplicate, and rejected."""
    first = padded(run.order("largest"))
    order_id = run.submit(first)["orderId"]
    run.records(order_id)
    run.submit(first)
    run.records(order_id, 2)
    wrong = padded(run.order("largest", amount=run.rejected_amount))
    run.submit(wrong)
    records = run.records(order_id, 3)
    found = [status for status, _, _ in verdicts(records)]
    wanted = [Status.ACCEPTED, Status.DUPLICATE, Status.REJECTED]
    require(found == wanted, f"the records are {found}, not {wanted}")
    digests = [hashlib.sha256(sent).hexdigest() for sent in (first, first, wrong)]
    same = [record["payloadSha256"] for record in records] == digests
    require(same, "a record has another SHA-256 than what was sent")
    return f"{', '.join(found)}, of {len(first):,} bytes each"


@check("lists", API_PAGE)
def lists(run: Run) -> str:
    """Show every record once, page by page, in GET /orders and in a history."""
    _, shared = run.shared()
    channel = _channel_beside(shared["order"])
    wrong = run.order("listed", amount=run.rejected_amount, channel=channel)
    ids = [run.submit(wrong)["submissionId"] for _ in range(5)]
    run.records(wrong["id"], len(ids))
    wanted = {"status": "REJECTED", "isDuplicate": "true", "channel": channel, "limit": "2"}

    def listed() -> list[str] | None:
        found = [
            record["submissionId"]
            for page in pages(run, "/orders", wanted, stop_at=wrong["id"])
            for record in page
            if record["orderId"] == wrong["id"]
        ]
        # The index follows the table.
        return found if len(found) >= len(ids) - 1 else None

    in_list = run.wait_for(listed, "GET /orders does not show all duplicates of one order")
    require(len({*in_list}) == len(in_list), "GET /orders shows a record twice")
    history = [*pages(run, f"/orders/{wrong['id']}", {"limit": "2"})]
    shown = [record["submissionId"] for page in history for record in page]
    require(sorted(shown) == sorted(ids), f"the history shows {len(shown)} of {len(ids)} records")
    return f"{len(in_list)} in GET /orders, {len(shown)} in a history of {len(history)} pages"


def _channel_beside(record: dict[str, Any]) -> str:
    """Return a channel that this caller may name: its own, where the stage maps callers."""
    return record["messageChannel"] or CHANNELS[0]


def verdicts(records: list[dict[str, Any]]) -> list[tuple[Status, bool, tuple[str, ...]]]:
    """Reduce records to what was decided about them."""
    return [
        (Status(each["status"]), each["isDuplicate"], tuple(each["differs"])) for each in records
    ]


def padded(order: dict[str, Any]) -> bytes:
    """Write an order as large as one may be."""
    data = json.dumps({**order, "note": ""}).encode()
    filler = b"x" * (MAX_PAYLOAD_BYTES - len(data))
    return data.removesuffix(b'"}') + filler + b'"}'


def pages(
    run: Run, path: str, query: dict[str, str], stop_at: str = ""
) -> Iterator[list[dict[str, Any]]]:
    """Yield the records page by page: to the end, or past the last that has this order id."""
    cursor: dict[str, str] = {}
    seen = False
    for _ in range(MOST_PAGES):
        answer = run.api.send("GET", f"{path}?{urlencode(sorted((query | cursor).items()))}")
        require(answer.status == HTTPStatus.OK, f"GET {path} got {told(answer)}")
        records = answer.body["records"]
        yield records
        found = any(record["orderId"] == stop_at for record in records)
        if answer.body["cursor"] is None or (seen and not found):
            return
        seen = seen or found
        cursor = {"cursor": answer.body["cursor"]}
