"""The proof of a replay: two streams of records, compared line by line."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, Self

from chalicelib.orders.order import sha256_of
from ops.desk.masked_records import masked_key
from ops.desk.masking import masked_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from chalicelib.orders.record import Record
    from ops.desk.decisions import Decision

COMPARED_BETWEEN_REPORTS = 1_000


class Difference(StrEnum):
    """How a rebuilt record can differ from the original one."""

    MISSING = "missing"
    """An original record with an object has no rebuilt one: the proof has failed."""
    EXTRA = "extra"
    """A rebuilt record has no original one: the original was lost, or not written yet."""
    CONTENT = "content"
    """The two don't say the same of the order: the proof has failed."""
    VERDICT = "verdict"
    """Accepted and duplicate have changed places, or a correction's first one is not in S3."""
    ALTERED = "altered"
    """The object's bytes are not those that its key names: the proof has failed."""
    UNREADABLE = "unreadable"
    """No order can be read from the object: nothing is proven of it."""
    DISCARDED = "discarded"
    """An operator put its submission away: no record is made of it."""


EXPECTED = frozenset({Difference.VERDICT, Difference.DISCARDED})
"""
S3 can't tell the first, and the second is meant. Every other difference means that the two tables
are not equal.
"""
UNUSABLE = frozenset({Difference.ALTERED, Difference.UNREADABLE})
"""No record can be made of such an object."""


@dataclass(frozen=True, slots=True)
class Unequal:
    """One difference, of the submission that is archived under this key."""

    kind: Difference
    key: str
    # A phrase: why an object can't be read, and what to do.
    note: str = field(default="", compare=False)
    decision: Decision | None = None

    @property
    def masked(self) -> Self:
        """The difference as people see it: a sender chooses a part of the key."""
        decision = self.decision and self.decision.masked
        return replace(
            self, key=masked_key(self.key), note=masked_text(self.note), decision=decision
        )


@dataclass
class Progress:
    """How far a replay is: it grows while the replay is iterated over."""

    objects: int = 0
    rebuilt: int = 0
    compared: int = 0
    equal: int = 0
    differences: dict[Difference, int] = field(default_factory=dict)
    # Called now and then while much is read and no difference found.
    on_change: Callable[[], None] = field(default=lambda: None, repr=False)

    @property
    def is_equal(self) -> bool:
        """Tell whether equality is proven over all that S3 holds."""
        return set(self.differences) <= EXPECTED

    def count(self, unequal: Unequal) -> None:
        """Count a difference."""
        self.differences[unequal.kind] = self.differences.get(unequal.kind, 0) + 1


class Line(NamedTuple):
    """A record, as far as the proof compares it: nothing of the order itself is in the open."""

    key: str
    content: str
    verdict: str
    # No record can be made of the object: this kind of difference, and the note.
    unusable: str = ""
    note: str = ""


def line_of(record: Record) -> Line:
    """Digest a record."""
    identity = [record.order_id, record.submission_id, record.payload_sha256]
    terms = record.terms.canonical
    return Line(
        key=record.s3_key or "",
        content=sha256_of(json.dumps([identity, terms])),
        verdict=f"{record.record_id}|{record.status}|{record.is_duplicate}|{record.differs}",
    )


def unusable_line(of: Unequal) -> Line:
    """Stand in for the record that can't be made of an object."""
    return Line(of.key, "", "", of.kind.value, of.note)


def compare(
    progress: Progress,
    originals: Iterable[Line],
    rebuilt: Iterable[Line],
    told: frozenset[Difference] = frozenset(),
) -> Iterator[Unequal]:
    """
    Yield and count the differences between two streams, both in the order of the keys.

    Kinds that are `told` are left out: they are counted already.
    """
    for unequal in _differences(progress, originals, rebuilt):
        if unequal.kind not in told:
            progress.count(unequal)
            yield unequal


def _differences(
    progress: Progress, originals: Iterable[Line], rebuilt: Iterable[Line]
) -> Iterator[Unequal]:
    left, right = iter(originals), iter(rebuilt)
    one, other = next(left, None), next(right, None)
    while one or other:
        progress.compared += 1
        if progress.compared % COMPARED_BETWEEN_REPORTS == 0:
            progress.on_change()
        if other is None or (one and one.key < other.key):
            assert one  # noqa: S101 (one of the two is there)
            yield _unusable(one) or Unequal(Difference.MISSING, one.key)
            one = next(left, None)
        elif one is None or other.key < one.key:
            yield Unequal(Difference.EXTRA, other.key)
            other = next(right, None)
        else:
            unequal = _unusable(one) or _difference(one, other)
            if unequal:
                yield unequal
            else:
                progress.equal += 1
            one, other = next(left, None), next(right, None)


def _unusable(line: Line) -> Unequal | None:
    return Unequal(Difference(line.unusable), line.key, line.note) if line.unusable else None


def _difference(original: Line, rebuilt: Line) -> Unequal | None:
    if original.content != rebuilt.content:
        return Unequal(Difference.CONTENT, original.key)
    if original.verdict != rebuilt.verdict:
        return Unequal(Difference.VERDICT, original.key)
    return None
