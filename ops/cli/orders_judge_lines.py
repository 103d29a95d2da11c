"""`orders submit FILE.ndjson --dry-run`: each line of a file judged, nothing queued."""

from __future__ import annotations

import sys
from collections import Counter
from typing import IO, TYPE_CHECKING, Any

from chalicelib.http.problems import problem_of
from chalicelib.http.representation import NOT_QUEUED, judgement_json
from chalicelib.orders.errors import UnreadableOrder
from chalicelib.services.batch_intake import LineStatus
from ops.bulk.judging import judge_lines
from ops.bulk.refused import told
from ops.cli.exits import FOUND_WANTING
from ops.cli.language import FILE_TEXTS
from ops.cli.tables import error_facts, show_facts
from ops.desk.masked_records import masked_order, masked_sentence
from ops.terminal.lines import say

if TYPE_CHECKING:
    from chalicelib.orders.order import Order
    from chalicelib.texts import Texts
    from ops.bulk.judging import Judged
    from ops.cli.session import Session


def show_judged_lines(session: Session, file: IO[bytes]) -> None:
    """Show each line that is no valid order, as it is found, and then the counts."""
    counts: Counter[str] = Counter()
    for judged in judge_lines(file):
        kind = _kind(judged.found)
        counts[kind] += 1
        if kind != "valid":
            _show(session, judged)
    _show_counts(session, counts)
    if counts["invalid"] or counts["refused"]:
        sys.exit(FOUND_WANTING)


def _kind(found: Order | UnreadableOrder) -> str:
    if isinstance(found, UnreadableOrder):
        return "refused"
    return "valid" if found.valid else "invalid"


def _show(session: Session, judged: Judged) -> None:
    number, found = judged
    if isinstance(found, UnreadableOrder):
        found.sentence = masked_sentence(found.sentence)
        detail = told(found, number, FILE_TEXTS if session.as_json else session.texts)[1]
        problem = problem_of(found)._replace(detail=detail)
        if session.as_json:
            said = {"status": LineStatus.REFUSED.value, "problem": problem.body(FILE_TEXTS)}
            session.print_json({"line": number, **said})
        else:
            say(f"line {number}: {detail}")
    elif session.as_json:
        session.print_json({"line": number, **judgement_json(masked_order(found), FILE_TEXTS)})
    else:
        say(f"line {number}: {found.id}: {_errors(masked_order(found), session.texts)}")


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
