"""
The logs of decisions, one for each submission that anybody decided about.

They are in the archive's bucket, beside the objects that they are about: so they outlive the table,
which is when a replay needs them. An entry is put on the condition that its number is free, so
that of two operators who decide at once, one sees the other's decision.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple, Protocol

from chalicelib.services.unavailable import StoreUnavailable
from ops.desk.decisions import Decided, Decision, DecisionStands, from_json, to_json
from ops.desk.order_bucket import PREFIX as ARCHIVE_PREFIX
from ops.desk.order_bucket import identity_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from chalicelib.orders.order import Order
    from chalicelib.services.message import Message
    from ops.desk.order_table import Identity

PREFIX = "decisions/"
# It sorts before every character that an id may have: so the logs are listed in the order of the
# archive's keys.
SEPARATOR = "!"
MAX_TRIES = 8
# The orders' queue keeps a message for 4 days, so a copy that was sent before is not on it. The
# fifth day is for an operator's clock that is wrong.
LONGEST_ON_QUEUE = timedelta(days=5)


class Entry(NamedTuple):
    """An entry of a log, as a listing shows it: its key, and S3's time of its writing."""

    key: str
    modified_at: datetime

    @property
    def archive_key(self) -> str:
        """The key of the object that the log is about. There may be no such object."""
        log = self.key.removeprefix(PREFIX).partition(SEPARATOR)[0]
        return f"{ARCHIVE_PREFIX}{log}"


class Store(Protocol):
    """The bucket, as far as decisions need it: `DecisionBucket` documents each method."""

    def put_new(self, key: str, content: bytes) -> bool: ...
    def entries(self, prefix: str) -> Iterator[Entry]: ...
    def read(self, key: str) -> bytes: ...


class Decisions:
    """The decisions of a stage's operators. An entry, once written, is never changed."""

    def __init__(
        self,
        store: Store,
        *,
        who: Callable[[], str],
        clock: Callable[[], datetime],
        new_id: Callable[[], str],
    ) -> None:
        self._store = store
        self._who = who
        self._clock = clock
        self._new_id = new_id

    def last(self, identity: Identity) -> Decision | None:
        """Read the decision that stands about a submission: the last one."""
        return self._last_of(self._entries(identity))

    def of_order(self, order_id: str) -> list[tuple[Identity, Decision]]:
        """List an order's submissions that were put away, with the decision about each."""
        found = [
            (identity_of(end.archive_key), self.read(end))
            for end in _ends(self._store.entries(f"{PREFIX}{order_id}/"))
        ]
        return [(name, decision) for name, decision in found if name and decision.puts_away]

    def ends(self) -> Iterator[Entry]:
        """Yield the last entry of every log, in the order of the archive's keys."""
        return _ends(self._store.entries(PREFIX))

    def read(self, entry: Entry) -> Decision:
        """Read the decision of an entry."""
        return from_json(self._store.read(entry.key), entry.modified_at)

    def hand_in(self, identity: Identity, letter: Message | None = None, *, why: str = "") -> None:
        """
        Write down that a submission is handed in again: before it is sent. `letter` is its source.

        Raises:
            DecisionStands: it was put away: don't send it.
            StoreUnavailable: it is not known to be written: don't send it.
        """
        message_id = letter.message_id if letter else ""
        self._write(identity, Decision(Decided.HANDED_IN, self._who(), why, message_id), letter)

    def discard(self, identity: Identity, letter: Message, why: str) -> None:
        """
        Write down that a letter's submission is not to be processed. Safe to repeat.

        Raises:
            DecisionStands: it may be on the queue again.
            StoreUnavailable: it is not known to be written.
        """
        self._write(identity, self._discard(letter, why), letter)

    def resubmit(self, identity: Identity, letter: Message, order: Order, why: str = "") -> None:
        """
        Write down that this order is handed in in place of a letter's: before it is.

        Raises:
            DecisionStands: the letter may be on the queue again; or it was discarded, or was
                resubmitted otherwise.
            StoreUnavailable: it is not known to be written: don't hand the order in.
        """
        self._write(identity, self._resubmission(letter, order, why), letter)

    def find_processed(self, identity: Identity) -> None:
        """Write down that a submission is recorded, although it was put away. Safe to repeat."""
        self._write(identity, Decision(Decided.PROCESSED, self._who()), None)

    def allow_discard(self, identity: Identity, letter: Message) -> None:
        """Check, and write nothing. Raises `DecisionStands` as `discard` does."""
        self._is_new(self._discard(letter, ""), self._entries(identity), letter)

    def allow_resubmission(self, identity: Identity, letter: Message, order: Order) -> None:
        """Check, and write nothing. Raises `DecisionStands` as `resubmit` does."""
        self._is_new(self._resubmission(letter, order, ""), self._entries(identity), letter)

    def _discard(self, letter: Message, why: str) -> Decision:
        return Decision(Decided.DISCARDED, self._who(), why, letter.message_id)

    def _resubmission(self, letter: Message, order: Order, why: str) -> Decision:
        return Decision(
            Decided.RESUBMITTED,
            self._who(),
            why,
            letter.message_id,
            order_id=order.id,
            payload_sha256=order.payload_sha256,
        )

    def _write(self, identity: Identity, decision: Decision, letter: Message | None) -> None:
        content = to_json(decision, self._new_id())
        # Most logs are new. Nothing stands against their first entry, so it costs no listing.
        if self._store.put_new(_key(identity, 1), content):
            return
        for _ in range(MAX_TRIES):
            entries = self._entries(identity)
            # An answer that was lost makes the SDK put again, which finds its own entry.
            if entries and self._store.read(entries[-1].key) == content:
                return
            if not self._is_new(decision, entries, letter):
                return
            if self._store.put_new(_key(identity, _number_after(entries)), content):
                return
        raise StoreUnavailable("S3 PutObject of a decision: others decide at the same time")

    def _is_new(self, decision: Decision, entries: list[Entry], letter: Message | None) -> bool:
        last = self._last_of(entries)
        if decision.puts_away and last and last.what is Decided.HANDED_IN:
            self._refuse_if_on_queue(last, entries, letter)
        return decision.follows(last)

    def _refuse_if_on_queue(
        self, last: Decision, entries: list[Entry], letter: Message | None
    ) -> None:
        """Refuse to put away what may still be accepted: it was handed in again not long ago."""
        since = self._clock() - LONGEST_ON_QUEUE
        recent = [entry for entry in entries if entry.modified_at > since]
        # SQS keeps the time of sending when it moves a message to the dead-letter queue: a letter
        # that was sent after the one hand-in is that hand-in's copy, and no other is on the queue.
        is_the_copy = (
            len(recent) == 1
            and letter is not None
            and letter.message_id != last.message_id
            and letter.sent_at is not None
            and letter.sent_at >= recent[0].modified_at
        )
        if recent and not is_the_copy:
            raise DecisionStands(
                f"It was {last.masked}: it may be on the orders' queue. Wait until it is recorded "
                "or a dead letter again; or redrive it: that is the same submission, and counts "
                "once."
            )

    def _entries(self, identity: Identity) -> list[Entry]:
        return list(self._store.entries(f"{_log(identity)}{SEPARATOR}"))

    def _last_of(self, entries: list[Entry]) -> Decision | None:
        return self.read(entries[-1]) if entries else None


def _log(identity: Identity) -> str:
    order_id, submission_id, payload_sha256 = identity
    return f"{PREFIX}{order_id}/{submission_id}-{payload_sha256}.json"


def _key(identity: Identity, number: int) -> str:
    return f"{_log(identity)}{SEPARATOR}{number:06d}"


def _number_after(entries: list[Entry]) -> int:
    last = entries[-1].key.rpartition(SEPARATOR)[2] if entries else "0"
    return int(last) + 1 if last.isdecimal() else len(entries) + 1


def _ends(entries: Iterable[Entry]) -> Iterator[Entry]:
    before: Entry | None = None
    for entry in entries:
        if before and before.archive_key != entry.archive_key:
            yield before
        before = entry
    if before:
        yield before
