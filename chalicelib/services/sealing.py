"""
Sealing: each UTC day that is over gets one seal, chained to the seal of the day before.

What had not come in when its day was sealed is *late*: a later day's seal holds it. Whoever seals
may be killed anywhere and run again, and two may seal at once: a chunk is named by its content, and
of a day's seal the first stays.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, timedelta
from heapq import merge
from itertools import islice
from typing import Protocol, TypeVar

from chalicelib.orders.times import iso
from chalicelib.services.chain import Chain, ChainBroken
from chalicelib.services.leaves import CHUNK_LEAVES, Chunk, Leaf, Place, chunk_of, root_of_chunks
from chalicelib.services.seal import ALGORITHM, ONE_DAY, Seal, Statement, chunk_key, seal_key

# A function that began before midnight has its 60 seconds, and the index follows the table.
OVER_AFTER = timedelta(minutes=15)
# A seal looks back so many days for what came late.
LATE_DAYS = 2
# Somebody's own item may have any day: nobody wants thousands of seals for it.
MOST_DAYS_AT_ONCE = 3_660

Placed = TypeVar("Placed", Place, Leaf)


class Items(Protocol):
    """The items of a day that are sealed, in the order of their leaves."""

    def leaves(self, day: date) -> Iterator[Leaf]: ...
    # The same without what they hold: a tenth of the work.
    def places(self, day: date) -> Iterator[Place]: ...
    # The first day that has any.
    def first_day(self) -> date | None: ...


class Signer(Protocol):
    """A key that signs a SHA-256 by ECDSA over P-256: the signature is in DER."""

    @property
    def key_id(self) -> str: ...
    def sign(self, digest: bytes) -> bytes: ...


class CannotSeal(Exception):
    """The days that are asked for can't be sealed: the message says why, without its full stop."""


class NotOver(CannotSeal):
    """A day is not over yet."""


class NotInChain(CannotSeal):
    """A seal of this day would leave a gap, or would come before the first one."""


class TooManyDays(CannotSeal):
    """The first day that has anything is so long ago that it is probably a mistake."""


def over_at(day: date) -> datetime:
    """Tell from when on a day can be sealed."""
    return datetime.fromisoformat(f"{day}T00:00:00Z") + ONE_DAY + OVER_AFTER


class Sealing:
    """Seals a stage's days."""

    def __init__(
        self,
        items: Items,
        chain: Chain,
        signer: Signer,
        *,
        stage: str,
        clock: Callable[[], datetime],
    ) -> None:
        self._items = items
        self._chain = chain
        self._signer = signer
        self._stage = stage
        self._clock = clock

    def unsealed_days(self, first: date | None = None, through: date | None = None) -> list[date]:
        """
        List the days that are over and have no seal yet, up to `through`, oldest first.

        A chain that does not exist yet begins at `first`, or at the first day that has anything.

        Raises:
            CannotSeal: a day is not over, or a chain would have a gap.
            ChainBroken: a seal can't be read.
        """
        over = self._last_day_over()
        for day in (first, through):
            if day and day > over:
                raise NotOver(f"{day} is not over: it can be sealed from {iso(over_at(day))} on")
        last = self._chain.last_day(over)
        begin = self._begin(first) if last is None else self._go_on(last, first)
        end = through or over
        if begin is None:
            return []
        if (end - begin).days >= MOST_DAYS_AT_ONCE:
            raise TooManyDays(
                f"the first day that has anything is {begin}: these are too many days at once"
            )
        return [begin + number * ONE_DAY for number in range((end - begin).days + 1)]

    def seal(self, days: Iterable[date]) -> Iterator[Seal]:
        """
        Seal days, as `unsealed_days` lists them, and yield each new seal.

        A day that somebody else has sealed meanwhile is passed over.

        Raises:
            ChainBroken: the seals before are not whole.
            StoreUnavailable: nothing is known of this day; seal again.
        """
        for day in days:
            previous = self._chain.seal_of(day - ONE_DAY)
            if self._taken(day, previous):
                continue
            seal = self._signed(self._statement(day, previous))
            if self._chain.put_new(seal_key(day), seal.to_json()):
                yield seal
            else:
                self._taken(day, previous)

    def _last_day_over(self) -> date:
        return (self._clock() - OVER_AFTER).date() - ONE_DAY

    def _begin(self, first: date | None) -> date | None:
        return first or self._items.first_day()

    def _go_on(self, last: date, first: date | None) -> date:
        begin, due = self._chain.days()[0], last + ONE_DAY
        if first and not begin <= first <= due:
            raise NotInChain(
                f"the seals begin with {begin} and go on with {due}: one of {first} would not be "
                "in their chain"
            )
        return due

    def _taken(self, day: date, previous: Seal | None) -> bool:
        """Tell whether the day has a seal. One that is chained to another is no seal of ours."""
        seal = self._chain.seal_of(day)
        if seal and seal.statement.previous != (previous and previous.digest.hex()):
            raise ChainBroken(f"the seal of {day} is not chained to the one of {day - ONE_DAY}")
        return seal is not None

    def _signed(self, statement: Statement) -> Seal:
        unsigned = Seal(statement.text, ALGORITHM, self._signer.key_id, b"")
        return unsigned._replace(signature=self._signer.sign(unsigned.digest))

    def _statement(self, day: date, previous: Seal | None) -> Statement:
        """Keep the day's leaves, chunk by chunk, and make the statement about them."""
        leaves = merge(self._late(previous), self._items.leaves(day))
        chunks: list[Chunk] = []
        entries = late = 0
        while some := list(islice(leaves, CHUNK_LEAVES)):
            chunk, content = chunk_of(some)
            self._chain.put_new(chunk_key(day, chunk), content)
            chunks.append(chunk)
            entries += sum(leaf.is_entry for leaf in some)
            late += sum(leaf.is_late_on(day) for leaf in some)
        return Statement(
            stage=self._stage,
            day=day,
            sealed_at=self._clock(),
            records=sum(chunk.leaves for chunk in chunks) - entries,
            entries=entries,
            late=late,
            root=root_of_chunks(chunks),
            chunks=tuple(chunks),
            previous=previous and previous.digest.hex(),
        )

    def _late(self, previous: Seal | None) -> Iterator[Leaf]:
        """Yield the leaves of the days before that no seal of these days holds."""
        seals = list(islice(self._chain_from(previous), LATE_DAYS))
        days = [statement.day for statement in seals]

        def sealed() -> Iterator[Leaf]:
            return merge(*map(self._chain.leaves_of, seals))

        places = merge(*map(self._items.places, days))
        # Nearly always there is none, which the places alone tell.
        if any(True for _ in _missing(places, sealed())):
            yield from _missing(merge(*map(self._items.leaves, days)), sealed())

    def _chain_from(self, seal: Seal | None) -> Iterator[Statement]:
        while seal:
            statement = seal.statement
            yield statement
            seal = self._chain.before(statement)


def _missing(found: Iterable[Placed], sealed: Iterator[Leaf]) -> Iterator[Placed]:
    """Yield what was found and isn't sealed. Both come in the order of their places."""
    held = next(sealed, None)
    for each in found:
        place = each[:3]
        while held and held.name < place:
            held = next(sealed, None)
        if held is None or held.name != place:
            yield each
