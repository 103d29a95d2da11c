"""Findings of a reconciliation, and the counts of a run."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Self

from ops.desk.masked_records import masked_key
from ops.desk.masking import masked_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date, datetime

    from ops.desk.decision_log import Entry
    from ops.desk.decisions import Decision
    from ops.desk.order_table import Identity
    from ops.roles.denial import Denial

READ_BETWEEN_REPORTS = 1_000


class Kind(StrEnum):
    """The kinds of disagreement between archive and table."""

    ORPHAN = "orphan"
    """An object without a record: the order was archived, and never recorded."""
    MISSING = "missing"
    """A record without its object, which should be impossible: someone deleted it."""
    FOREIGN = "foreign"
    """An object under a key that no order has."""
    ALTERED = "altered"
    """An object whose bytes are not those that its key names: someone overwrote it."""
    UNREADABLE = "unreadable"
    """An object that was to be compared, and whose bytes S3 does not give."""
    DISCARDED = "discarded"
    """An object without a record, which an operator put away: it is as it should be."""
    PROCESSED = "processed"
    """An object that an operator put away, and that has a record: its sender sent it again."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A disagreement. `day` is that of the object's or the record's time, in UTC."""

    kind: Kind
    key: str
    day: date
    identity: Identity | None
    modified_at: datetime | None = None
    # A phrase: why an object can't be read, and what to do.
    note: str = ""
    decision: Decision | None = None
    # The last entry of the log about its submission, which tells the decision once it is read.
    log: Entry | None = None

    @property
    def masked(self) -> Self:
        """The finding as people see it: a sender chooses a submission's id, and anyone a key."""
        identity = self.identity
        if identity:
            identity = identity._replace(submission_id=masked_text(identity.submission_id))
        decision = self.decision and self.decision.masked
        note = masked_text(self.note)
        return replace(
            self, key=masked_key(self.key), identity=identity, decision=decision, note=note
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    The outcome of a repair: whether it mended anything, and a phrase that says how.

    `denial`: the right that the operator lacks for it.
    """

    mended: bool
    text: str
    denial: Denial | None = None

    @property
    def masked(self) -> Outcome:
        """The outcome as people see it: a failure names a key, and a decision has its reason."""
        return Outcome(self.mended, masked_text(self.text), self.denial)


@dataclass(slots=True)
class Day:
    """A day's counts: objects by the time they were written, records by that of processing."""

    objects: int = 0
    records: int = 0
    orphans: int = 0
    missing: int = 0
    foreign: int = 0
    altered: int = 0
    unreadable: int = 0
    discarded: int = 0
    processed: int = 0
    in_progress: int = 0


DAY_COUNTS = tuple(each.name for each in fields(Day))
"""The names of a day's counts, in the order in which they are shown."""


@dataclass
class Progress:
    """
    How far a run is, and what it has counted: it grows while the run is iterated over.

    `findings` are what is wrong, so those that were discarded are counted apart.
    """

    objects: int = 0
    records: int = 0
    findings: int = 0
    # Objects whose bytes, or S3's own SHA-256 of them, were compared with their keys.
    compared: int = 0
    discarded: int = 0
    days: dict[date, Day] = field(default_factory=dict)
    # Called now and then while much is read and nothing found.
    on_change: Callable[[], None] = field(default=lambda: None, repr=False)

    def count_read(self, *, objects: int = 0, records: int = 0) -> None:
        self.objects += objects
        self.records += records
        if (self.objects + self.records) % READ_BETWEEN_REPORTS == 0:
            self.on_change()

    def count(self, finding: Finding) -> None:
        """Count a finding, on its day."""
        self.findings += finding.kind is not Kind.DISCARDED
        day = self.day(finding.day)
        match finding.kind:
            case Kind.ORPHAN:
                day.orphans += 1
            case Kind.MISSING:
                day.missing += 1
            case Kind.FOREIGN:
                day.foreign += 1
            case Kind.ALTERED:
                day.altered += 1
            case Kind.UNREADABLE:
                day.unreadable += 1
            case Kind.DISCARDED:
                day.discarded += 1
                self.discarded += 1
            case Kind.PROCESSED:
                day.processed += 1

    def day(self, day: date) -> Day:
        return self.days.setdefault(day, Day())
