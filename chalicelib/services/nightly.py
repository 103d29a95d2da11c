"""
The sealing of a night: one day after the other, while the function's time is long enough.

A day that is begun and not finished is lost work and nothing more: nobody sees it, and the next run
begins it anew. So between two days it is asked whether another one fits.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Protocol

from chalicelib.services.seal import Seal

# A day has room for twice what the longest one took so far, and for a minute at least.
ROOM = 2
LEAST_ROOM_MS = 60_000.0


class Sealer(Protocol):
    """The days of a stage, and their seals."""

    def unsealed_days(self) -> list[date]: ...
    def seal(self, days: Iterable[date]) -> Iterator[Seal]: ...


class Reporter(Protocol):
    """Whoever is told of each new seal, and at the end of the days that are left."""

    def day_sealed(self, fields: Mapping[str, Any]) -> None: ...
    def days_left(self, days: Sequence[date]) -> None: ...


def seal_each_day(
    sealer: Sealer, reporter: Reporter, time_left_ms: Callable[[], float] | None = None
) -> None:
    """
    Seal the days that are over, oldest first. Without a clock there is no limit.

    Safe to repeat, and to run twice at a time: a day that has a seal is passed over.

    Raises:
        ChainBroken, CannotSeal, StoreUnavailable: the days before it have their seals.
    """
    days = sealer.unsealed_days()
    clock = time_left_ms or (lambda: float("inf"))
    # A function that has little time from the start still uses half of it.
    room = min(LEAST_ROOM_MS, clock() / 2)
    while days and (begun := clock()) >= room:
        for seal in sealer.seal(days[:1]):
            reporter.day_sealed(_fields_of(seal))
        del days[0]
        if time_left_ms:
            room = max(room, ROOM * (begun - clock()))
    reporter.days_left(days)


def _fields_of(seal: Seal) -> dict[str, Any]:
    """Name what the log says of a seal. `digest` is what the next seal is chained to."""
    statement = seal.statement
    return {
        "day": statement.day.isoformat(),
        **{name: getattr(statement, name) for name in ("records", "entries", "late", "root")},
        "digest": seal.digest.hex(),
    }
