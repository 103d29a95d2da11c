"""
The checker: it knows the orders that clients handed in and the answers they got, nothing else.

It holds the records, the archive and the dead-letter queue against that. A submission is known by
its bytes and, where the client was told it, by its submission id.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from chalicelib.orders.record import Record, Status
from tests.chaos.clients import Outcome, Told


@dataclass(slots=True)
class Findings:
    """The broken promises: each entry names a submission or an order."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    invented: list[str] = field(default_factory=list)
    misjudged: list[str] = field(default_factory=list)
    wrong_objects: list[str] = field(default_factory=list)
    faulty_answers: list[str] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        return {name: len(getattr(self, name)) for name in self.__slots__}

    @property
    def nothing(self) -> bool:
        return not any(self.counts.values())


@dataclass(frozen=True, slots=True)
class Outside:
    """The system as it can be seen from outside."""

    records: Iterable[Record]
    # The SHA-256 of what each object of the archive holds, by its key; None: nobody has looked.
    objects: Mapping[str, str] | None
    # The SHA-256 of each message in the dead-letter queue.
    dead_letters: Iterable[str]


def check(told: Iterable[Told], outside: Outside) -> Findings:
    """Find everything that breaks a promise."""
    findings = Findings()
    told = list(told)
    _check_answers(told, findings)
    _check_submissions(told, outside, findings)
    _check_verdicts(outside.records, findings)
    if outside.objects is not None:
        _check_archive(outside.records, outside.objects, findings)
    return findings


def _check_answers(told: Iterable[Told], findings: Findings) -> None:
    for one in told:
        if len(set(one.submission_ids)) > 1:
            findings.faulty_answers.append(f"{one.handing.key}: one key, several submission ids")
        findings.faulty_answers += [
            f"{one.handing.kind} {one.handing.order_id}: status {status}"
            for status in one.statuses
            if status not in {202, 400, 503}
        ]


def _check_submissions(told: Iterable[Told], outside: Outside, findings: Findings) -> None:
    """Check that each taken submission has one record, and each unanswered one at most one."""
    dead_letters = set(outside.dead_letters)
    recorded: dict[str, Counter[str]] = defaultdict(Counter)
    for record in outside.records:
        recorded[record.payload_sha256][record.submission_id] += 1
    by_payload = defaultdict(list)
    for one in told:
        by_payload[one.handing.sha256].append(one)
    for payload, submissions in by_payload.items():
        records = recorded.pop(payload, Counter())
        taken = {one.submission_ids[0]: one for one in submissions if one.submission_ids}
        for submission_id, one in taken.items():
            there = records.pop(submission_id, 0)
            if not there and payload not in dead_letters:
                findings.lost.append(f"{one.handing.kind} {submission_id}")
            if there > 1 or (there and not one.handing.readable):
                findings.doubled.append(f"{one.handing.kind} {submission_id}")
        unanswered = sum(one.outcome is Outcome.UNANSWERED for one in submissions)
        # Each unanswered one may be there, under an id that nobody was told.
        surplus = records.total() - unanswered
        findings.doubled += [f"{submissions[0].handing.kind} {payload}"] * max(0, surplus)
    findings.invented += recorded


def _check_verdicts(records: Iterable[Record], findings: Findings) -> None:
    """Check that each order has one original, and one accepted record if any is valid."""
    by_order = defaultdict(list)
    for record in records:
        by_order[record.order_id].append(record)
    for order_id, history in by_order.items():
        accepted = sum(record.status is Status.ACCEPTED for record in history)
        originals = sum(not record.is_duplicate for record in history)
        if originals != 1 or accepted != any(record.valid for record in history):
            findings.misjudged.append(order_id)


def _check_archive(
    records: Iterable[Record], objects: Mapping[str, str], findings: Findings
) -> None:
    """Check that every valid record's object holds the bytes that were sent."""
    for record in records:
        stored = objects.get(record.s3_key) if record.s3_key else None
        if stored != (record.payload_sha256 if record.valid else None):
            findings.wrong_objects.append(f"{record.order_id} {record.s3_key}")
