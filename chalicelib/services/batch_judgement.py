"""The judgement of a batch: a result for each of its lines."""

from collections import Counter
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple

from chalicelib.orders.errors import Refusal
from chalicelib.orders.order import Order
from chalicelib.services.batch_lines import Line, LineRefusal
from chalicelib.services.intake import judge, require_usable_key
from chalicelib.services.principals import ANYONE, Caller, ChannelNotYours


class LineStatus(StrEnum):
    """The fate of a line, as far as the intake knows it."""

    QUEUED = "QUEUED"
    NOT_QUEUED = "NOT_QUEUED"
    REFUSED = "REFUSED"
    UNCONFIRMED = "UNCONFIRMED"


class LineResult(NamedTuple):
    """The result of one line: a refused one has no order, and a dry run mints no id."""

    line: int
    status: LineStatus
    order: Order | None = None
    submission_id: str | None = None
    refusal: LineRefusal | None = None
    same_as_line: int | None = None


class BatchReceipt(NamedTuple):
    """The results of all lines, in their order, and the failures of those that are unconfirmed."""

    results: Sequence[LineResult]
    failures: Sequence[str] = ()

    @property
    def counts(self) -> Counter[LineStatus]:
        return Counter(each.status for each in self.results)


def judge_lines(
    lines: Iterable[Line], idempotency_key: str | None = None, caller: Caller = ANYONE
) -> BatchReceipt:
    """
    Judge lines as `BatchIntake.submit` does. Nothing is queued, and no service is asked.

    Raises:
        CallerUnknown: the caller is of no channel, and may hand in nothing.
        InvalidIdempotencyKey: the key can't be used.
    """
    caller.require_channel()
    require_usable_key(idempotency_key)
    results = [_judged(line, caller) for line in lines]
    # Without a key nothing says that two identical lines are one order.
    return BatchReceipt(_with_repeats_marked(results) if idempotency_key else results)


def _judged(line: Line, caller: Caller) -> LineResult:
    try:
        if line.refusal:
            raise line.refusal
        return LineResult(line.number, LineStatus.NOT_QUEUED, judge(line.body, caller=caller))
    except (Refusal, ChannelNotYours) as refusal:
        return LineResult(line.number, LineStatus.REFUSED, refusal=refusal)


def _with_repeats_marked(results: Iterable[LineResult]) -> list[LineResult]:
    first: dict[str, int] = {}
    marked = []
    for each in results:
        line = first.setdefault(each.order.payload_sha256, each.line) if each.order else each.line
        marked.append(each if line == each.line else each._replace(same_as_line=line))
    return marked
