"""`orders submit FILE.ndjson --dry-run`: each line of a file judged, nothing queued."""

from __future__ import annotations

import sys
from collections import Counter
from typing import IO, TYPE_CHECKING, Any

from chalicelib.http.batches import result_json
from chalicelib.http.representation import NOT_QUEUED
from ops.bulk.judging import judge_file
from ops.cli.exits import FOUND_WANTING
from ops.cli.language import FILE_TEXTS
from ops.cli.tables import error_facts, show_facts
from ops.desk.masked_records import masked_result
from ops.terminal.lines import say

if TYPE_CHECKING:
    from chalicelib.orders.order import Order
    from chalicelib.services.batch_judgement import LineResult
    from chalicelib.texts import Texts
    from ops.cli.session import Session


def show_judged_lines(session: Session, file: IO[bytes]) -> None:
    """Show each line that is no valid order, as it is found, and then the counts."""
    counts: Counter[str] = Counter()
    for result in judge_file(file):
        kind = _kind(result)
        counts[kind] += 1
        if kind != "valid":
            _show(session, masked_result(result))
    _show_counts(session, counts)
    if counts["invalid"] or counts["refused"]:
        sys.exit(FOUND_WANTING)


def _kind(result: LineResult) -> str:
    if result.order is None:
        return "refused"
    return "valid" if result.order.valid else "invalid"


def _show(session: Session, result: LineResult) -> None:
    if session.as_json:
        session.print_json(result_json(result, FILE_TEXTS))
    elif result.order:
        say(f"line {result.line}: {result.order.id}: {_errors(result.order, session.texts)}")
    else:
        problem = result_json(result, session.texts)["problem"]
        say(f"line {result.line}: {problem['detail']}")


def _errors(order: Order, texts: Texts) -> str:
    return "; ".join(f"{field} {said}" for field, said in error_facts(order.errors, texts))


def _show_counts(session: Session, counts: Counter[str]) -> None:
    names = ("valid", "invalid", "refused")
    if session.as_json:
        summary: dict[str, Any] = {name: counts[name] for name in names}
        session.print_json({"type": "summary", "status": NOT_QUEUED, **summary})
        return
    labels = ("valid", "not valid", "no order")
    show_facts(
        session.out,
        [(label, f"{counts[name]:,}") for label, name in zip(labels, names, strict=True)],
    )
    session.out.print("A dry run: nothing was queued.")
