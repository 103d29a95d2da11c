"""A night's sealing: day after day while there is time, and a word on each and on what is left."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from chalicelib.orders.record import Record
from chalicelib.services.chain import Chain, ChainBroken
from chalicelib.services.nightly import seal_each_day
from chalicelib.services.seal import Seal, seal_key
from chalicelib.services.sealing import Sealing
from chalicelib.services.unavailable import StoreUnavailable
from tests.builders import Clock, order_text, submission
from tests.fakes import FakeRecordStore
from tests.seal_fakes import FakeSealItems, FakeSealStore, FakeSigner

DAY = date(2026, 5, 14)
DAYS = [DAY + timedelta(days=number) for number in range(5)]
TIMEOUT_MS = 900_000.0


class Told:
    """Whoever is told of seals."""

    def __init__(self) -> None:
        self.sealed: list[dict[str, Any]] = []
        self.left: list[list[date]] = []

    def day_sealed(self, fields: Mapping[str, Any]) -> None:
        self.sealed.append(dict(fields))

    def days_left(self, days: Sequence[date]) -> None:
        self.left.append(list(days))

    @property
    def days(self) -> list[str]:
        return [fields["day"] for fields in self.sealed]


class Stage:
    """A stage of five days, each with a record and none with a seal, and the time of a function."""

    def __init__(self) -> None:
        records = FakeRecordStore()
        for day in DAYS:
            moment = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
            records.take(Record.of_first(submission(order_text(f"order-{day}")), moment))
        self.store = FakeSealStore()
        self.told = Told()
        self.time_left_ms = TIMEOUT_MS
        self.ms_of_a_day = 0.0
        self.sealing = Sealing(
            FakeSealItems(records),
            Chain(self.store),
            FakeSigner(),
            stage="dev",
            clock=Clock(datetime(2026, 5, 19, 1, tzinfo=UTC)),
        )

    def unsealed_days(self) -> list[date]:
        return self.sealing.unsealed_days()

    def seal(self, days: Iterable[date]) -> Iterator[Seal]:
        for seal in self.sealing.seal(days):
            self.time_left_ms -= self.ms_of_a_day
            yield seal

    def run(self) -> None:
        seal_each_day(self, self.told, lambda: self.time_left_ms)


@pytest.fixture
def stage() -> Stage:
    return Stage()


def names(days: Iterable[date]) -> list[str]:
    return [day.isoformat() for day in days]


def test_each_day_that_is_over_is_sealed_and_none_is_left(stage: Stage) -> None:
    stage.run()

    assert stage.told.days == names(DAYS)
    assert stage.told.left == [[]]


def test_each_seal_is_told_with_its_counts_and_hashes_and_nothing_else(stage: Stage) -> None:
    stage.run()

    seal = Seal.from_json(stage.store.contents[seal_key(DAY)])
    assert stage.told.sealed[0] == {
        "day": "2026-05-14",
        "records": 1,
        "entries": 0,
        "late": 0,
        "root": seal.statement.root,
        "digest": seal.digest.hex(),
    }


def test_a_second_run_finds_nothing_to_do(stage: Stage) -> None:
    stage.run()

    stage.run()

    assert stage.told.days == names(DAYS)
    assert stage.told.left == [[], []]


@pytest.mark.parametrize(
    ("ms_of_a_day", "sealed"),
    # A day has twice the room of the longest so far: 900, 600, and then 300 are too few.
    [(0, 5), (180_000, 4), (300_000, 2), (450_000, 1), (899_999, 1)],
)
def test_a_day_begins_only_if_it_has_time_to_end(
    stage: Stage, ms_of_a_day: float, sealed: int
) -> None:
    stage.ms_of_a_day = ms_of_a_day

    stage.run()

    assert stage.told.days == names(DAYS[:sealed])
    assert stage.told.left == [DAYS[sealed:]]


def test_the_next_run_goes_on_with_the_day_that_was_left(stage: Stage) -> None:
    stage.ms_of_a_day = 300_000
    stage.run()

    stage.time_left_ms = TIMEOUT_MS
    stage.run()

    assert stage.told.days == names(DAYS[:4])


def test_a_function_with_little_time_from_the_start_seals_a_day_all_the_same(stage: Stage) -> None:
    stage.time_left_ms, stage.ms_of_a_day = 3_000, 1_600

    stage.run()

    assert stage.told.days == names(DAYS[:1])


def test_without_a_clock_there_is_no_limit(stage: Stage) -> None:
    stage.ms_of_a_day = TIMEOUT_MS

    seal_each_day(stage, stage.told)

    assert stage.told.days == names(DAYS)


def test_a_failure_is_raised_after_the_days_before_it_and_nothing_is_said_of_what_is_left(
    stage: Stage,
) -> None:
    """Lambda tries again twice; and no word is the word that the alarm hears."""

    def seal(days: Iterable[date]) -> Iterator[Seal]:
        if DAYS[2] in days:
            raise StoreUnavailable("S3 PutObject of a seal: SlowDown")
        return stage.sealing.seal(days)

    stage.seal = seal  # type: ignore[method-assign]

    with pytest.raises(StoreUnavailable):
        stage.run()

    assert stage.told.days == names(DAYS[:2])
    assert stage.told.left == []


def test_a_broken_chain_is_a_failure(stage: Stage) -> None:
    stage.run()
    stage.store.contents[seal_key(DAYS[-1])] = b"forged"

    with pytest.raises(ChainBroken):
        stage.run()
