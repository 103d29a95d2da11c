"""Sealing: one seal for each day that is over, in one chain, whatever comes late or in between."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from chalicelib.orders.record import Record
from chalicelib.services.chain import Chain, ChainBroken
from chalicelib.services.leaves import CHUNK_LEAVES, ENTRIES_PREFIX, Leaf, root_of_chunks
from chalicelib.services.merkle import leaf_hash, root_of
from chalicelib.services.seal import Seal, chunk_key, seal_key
from chalicelib.services.sealing import NotInChain, NotOver, Sealing, TooManyDays
from chalicelib.services.unavailable import StoreUnavailable
from tests.builders import Clock, order_text, submission
from tests.desk_fakes import Killed
from tests.fakes import FakeRecordStore
from tests.seal_fakes import FakeSealItems, FakeSealStore, FakeSigner

DAY = date(2026, 5, 14)
NEXT, THIRD, FOURTH = (DAY + timedelta(days=number) for number in (1, 2, 3))


def at(day: date, hour: int = 12, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)


class Stage:
    """A stage with records, and a sealer of it."""

    def __init__(self) -> None:
        self.records = FakeRecordStore()
        self.items = FakeSealItems(self.records)
        self.store = FakeSealStore()
        self.signer = FakeSigner()
        self.clock = Clock(at(NEXT, 1))
        self.slept: list[float] = []
        self.chain = Chain(self.store, self.slept.append)

    def sealing(self) -> Sealing:
        return Sealing(self.items, self.chain, self.signer, stage="dev", clock=self.clock)

    def seal(self, first: date | None = None, through: date | None = None) -> list[Seal]:
        sealing = self.sealing()
        return list(sealing.seal(sealing.unsealed_days(first, through)))

    def record(self, order_id: str, moment: datetime) -> Record:
        record = Record.of_first(submission(order_text(order_id)), moment)
        self.records.take(record)
        return record

    def enter(self, day: date, what: str = "orders.exported") -> None:
        """Let an operator's entry be written."""
        key = {"orderId": {"S": f"{ENTRIES_PREFIX}{day}"}, "recordId": {"S": f"{day}T01#uuid"}}
        self.records.put_by_hand(key | {"what": {"S": what}})

    def leaves(self, day: date) -> list[Leaf]:
        seal = self.chain.seal_of(day)
        assert seal
        return list(self.chain.leaves_of(seal.statement))

    def orders(self, day: date) -> list[str]:
        return [leaf.order_id for leaf in self.leaves(day)]


@pytest.fixture
def stage() -> Stage:
    return Stage()


def chained_days(stage: Stage) -> list[date]:
    """Walk the chain back from its last seal, which must lead to the first; the days it has."""
    days = []
    last = stage.chain.last_day(date.max)
    seal = last and stage.chain.seal_of(last)
    while seal:
        days.append(seal.statement.day)
        seal = stage.chain.before(seal.statement)
    return days[::-1]


def test_a_seal_holds_each_record_and_entry_of_its_day(stage: Stage) -> None:
    stage.record("order-2", at(DAY, 23, 59))
    stage.record("order-1", at(DAY, 0))
    stage.record("order-3", at(NEXT, 0))
    stage.enter(DAY)

    (seal,) = stage.seal()

    assert stage.orders(DAY) == ["order-1", f"{ENTRIES_PREFIX}{DAY}", "order-2"]
    statement = seal.statement
    assert (statement.records, statement.entries, statement.late) == (2, 1, 0)
    assert (statement.stage, statement.day, statement.sealed_at) == ("dev", DAY, stage.clock())
    assert (statement.previous_day, statement.previous) == (None, None)
    hashes = [leaf_hash(leaf.line.encode()) for leaf in stage.leaves(DAY)]
    assert statement.root == root_of(hashes).hex()


def test_the_key_signs_the_statement(stage: Stage) -> None:
    stage.record("order-1", at(DAY))

    (seal,) = stage.seal()

    assert stage.signer.signed == [seal.digest]
    assert (seal.key_id, seal.algorithm) == (stage.signer.key_id, "ECDSA_SHA_256")
    assert seal == stage.chain.seal_of(DAY)


def test_every_day_that_is_over_is_sealed_also_one_without_anything(stage: Stage) -> None:
    stage.record("order-1", at(DAY))
    stage.record("order-3", at(THIRD))
    stage.clock.now = at(FOURTH)

    seals = stage.seal()

    assert [seal.statement.day for seal in seals] == [DAY, NEXT, THIRD]
    assert [seal.statement.leaves for seal in seals] == [1, 0, 1]
    assert chained_days(stage) == [DAY, NEXT, THIRD]


def test_a_day_is_over_a_quarter_of_an_hour_after_its_end(stage: Stage) -> None:
    stage.record("order-1", at(DAY))
    stage.clock.now = at(NEXT, 0, 14)
    assert stage.seal() == []

    stage.clock.advance(minutes=1)

    assert len(stage.seal()) == 1


def test_a_day_that_is_not_over_is_refused(stage: Stage) -> None:
    stage.record("order-1", at(DAY))

    with pytest.raises(NotOver, match=f"{NEXT} is not over: .* from 2026-05-16T00:15:00.000Z"):
        stage.seal(through=NEXT)
    with pytest.raises(NotOver):
        stage.seal(first=NEXT)
    assert not stage.store.contents


def test_what_is_sealed_is_not_sealed_again(stage: Stage) -> None:
    stage.record("order-1", at(DAY))
    stage.seal()
    contents = dict(stage.store.contents)

    assert stage.seal() == stage.seal(first=DAY, through=DAY) == []

    assert stage.store.contents == contents


def test_a_stage_without_anything_has_nothing_to_seal(stage: Stage) -> None:
    assert stage.seal() == []


def test_only_the_days_that_are_asked_for_are_sealed(stage: Stage) -> None:
    stage.record("order-1", at(DAY))
    stage.clock.now = at(FOURTH)

    stage.seal(first=NEXT, through=NEXT)
    assert chained_days(stage) == [NEXT]

    stage.seal()
    assert chained_days(stage) == [NEXT, THIRD]


@pytest.mark.parametrize("first", [DAY, FOURTH])
def test_a_chain_has_no_gap_and_no_new_beginning(stage: Stage, first: date) -> None:
    stage.clock.now = at(FOURTH + timedelta(days=1))
    stage.seal(first=NEXT, through=NEXT)

    with pytest.raises(NotInChain, match=f"begin with {NEXT} and go on with {THIRD}: .* {first}"):
        stage.seal(first=first)


def test_the_first_day_of_a_chain_may_be_named_again(stage: Stage) -> None:
    """The same command is typed again after it was killed."""
    stage.clock.now = at(FOURTH)
    stage.seal(first=DAY, through=DAY)

    stage.seal(first=DAY)

    assert chained_days(stage) == [DAY, NEXT, THIRD]


def test_somebodys_own_item_of_another_century_makes_no_thousands_of_seals(stage: Stage) -> None:
    stage.record("order-1", at(date(1970, 1, 1)))

    with pytest.raises(TooManyDays, match="the first day that has anything is 1970-01-01"):
        stage.seal()

    assert len(stage.seal(first=DAY)) == 1


# What comes late.


def test_a_record_that_comes_late_goes_into_the_next_seal_as_late(stage: Stage) -> None:
    stage.record("order-1", at(DAY))
    stage.seal()
    stage.record("order-2", at(DAY, 23))
    stage.record("order-3", at(NEXT))
    stage.clock.now = at(THIRD)

    (seal,) = stage.seal()

    assert (seal.statement.records, seal.statement.late) == (2, 1)
    assert stage.orders(NEXT) == ["order-2", "order-3"]
    assert [leaf.is_late_on(NEXT) for leaf in stage.leaves(NEXT)] == [True, False]


def test_an_entry_that_comes_late_goes_into_the_next_seal(stage: Stage) -> None:
    stage.record("order-1", at(DAY))
    stage.seal()
    stage.enter(DAY)
    stage.clock.now = at(THIRD)

    (seal,) = stage.seal()

    assert (seal.statement.records, seal.statement.entries, seal.statement.late) == (0, 1, 1)


def test_a_record_may_come_two_days_late(stage: Stage) -> None:
    stage.record("order-1", at(DAY))
    stage.record("order-2", at(DAY))
    stage.items.unindexed = {"order-2"}
    stage.clock.now = at(THIRD)
    stage.seal()
    stage.items.unindexed = set()
    stage.clock.now = at(FOURTH)

    (seal,) = stage.seal()

    assert (seal.statement.day, seal.statement.late) == (THIRD, 1)
    assert stage.orders(THIRD) == ["order-2"]


def test_a_late_record_is_sealed_once(stage: Stage) -> None:
    stage.record("order-1", at(DAY))
    stage.seal()
    stage.record("order-2", at(DAY))
    stage.clock.now = at(FOURTH + timedelta(days=2))

    seals = stage.seal()

    assert [seal.statement.late for seal in seals] == [1, 0, 0, 0]


def test_a_record_that_comes_later_still_is_in_no_seal(stage: Stage) -> None:
    """Verifying names it as added."""
    stage.record("order-1", at(DAY))
    stage.clock.now = at(FOURTH)
    stage.seal()
    stage.record("order-2", at(DAY))
    stage.clock.advance(days=1)

    (seal,) = stage.seal()

    assert seal.statement.leaves == 0


def test_a_record_that_was_changed_or_removed_is_not_sealed_anew(stage: Stage) -> None:
    stage.record("order-1", at(DAY))
    stage.record("order-2", at(DAY))
    stage.seal()
    before = stage.leaves(DAY)
    stage.records._items["order-1", "0#FIRST"]["status"] = {"S": "REJECTED"}
    del stage.records._items["order-2", "0#FIRST"]
    stage.clock.now = at(THIRD)

    (seal,) = stage.seal()

    assert seal.statement.leaves == 0
    assert stage.leaves(DAY) == before


def test_records_from_before_the_first_seal_are_in_none(stage: Stage) -> None:
    stage.record("order-1", at(DAY))
    stage.clock.now = at(FOURTH)

    stage.seal(first=NEXT)

    assert stage.orders(NEXT) == stage.orders(THIRD) == []


def test_earlier_days_are_read_by_their_places_unless_something_is_late(stage: Stage) -> None:
    """To read a record whole takes ten times as long."""
    stage.record("order-1", at(DAY))
    stage.clock.now = at(FOURTH)
    stage.seal()
    assert stage.items.read == [DAY, NEXT, THIRD]
    assert stage.items.placed == [DAY, NEXT, DAY]


# Many.


def test_many_leaves_are_kept_in_chunks_whose_roots_make_the_root(stage: Stage) -> None:
    count = 2 * CHUNK_LEAVES + 3
    leaves = [Leaf(f"{DAY}T{number:06}", f"o-{number}", "r", "00") for number in range(count)]

    class Many(FakeSealItems):
        def leaves(self, day: date) -> Iterator[Leaf]:
            yield from leaves if day == DAY else []

    stage.items = Many(stage.records)

    (seal,) = stage.seal(first=DAY)

    statement = seal.statement
    assert [chunk.leaves for chunk in statement.chunks] == [CHUNK_LEAVES, CHUNK_LEAVES, 3]
    assert stage.leaves(DAY) == leaves
    hashes = [leaf_hash(leaf.line.encode()) for leaf in leaves]
    assert statement.root == root_of(hashes).hex() == root_of_chunks(statement.chunks)
    assert [chunk.first for chunk in statement.chunks] == [
        leaves[start].position for start in (0, CHUNK_LEAVES, 2 * CHUNK_LEAVES)
    ]


# Killed, and two at once.


def busy_stage() -> Stage:
    """Make a stage of which a day is sealed, one has late ones, and three are to be sealed."""
    stage = Stage()
    stage.record("order-1", at(DAY))
    stage.seal()
    stage.record("order-2", at(DAY))
    stage.record("order-3", at(NEXT))
    stage.record("order-4", at(THIRD))
    stage.clock.now = at(FOURTH + timedelta(days=1))
    return stage


def calls_to_seal() -> int:
    """Count the calls that sealing the busy stage makes."""
    stage = busy_stage()
    calls: list[str] = []
    stage.store.before_call = stage.signer.before_call = calls.append
    stage.seal()
    return len(calls)


CALLS = calls_to_seal()


def require_whole(stage: Stage) -> None:
    """Require one seal a day, in one chain, and each record in exactly one of them."""
    assert chained_days(stage) == [DAY, NEXT, THIRD, FOURTH]
    assert [stage.orders(day) for day in chained_days(stage)] == [
        ["order-1"],
        ["order-2", "order-3"],
        ["order-4"],
        [],
    ]


@pytest.mark.parametrize("call", range(CALLS))
def test_a_sealer_that_is_killed_anywhere_is_run_again(call: int) -> None:
    stage = busy_stage()
    sealed = dict(stage.store.contents)
    left = iter(range(call))

    def kill_at_its_end(_: str) -> None:
        if next(left, None) is None:
            raise Killed

    stage.store.before_call = stage.signer.before_call = kill_at_its_end
    with pytest.raises(Killed):
        stage.seal()
    made = dict(stage.store.contents)
    stage.store.before_call = stage.signer.before_call = lambda _: None

    stage.seal()

    require_whole(stage)
    assert sealed.items() <= made.items() <= stage.store.contents.items()


@pytest.mark.parametrize("call", range(CALLS))
def test_two_may_seal_at_once(call: int) -> None:
    """The second one runs from start to end between any two calls of the first."""
    stage = busy_stage()
    left = iter(range(call))

    def let_the_other_seal(_: str) -> None:
        if next(left, None) is None:
            stage.store.before_call = stage.signer.before_call = lambda _: None
            others.extend(stage.seal())

    others: list[Seal] = []
    stage.store.before_call = stage.signer.before_call = let_the_other_seal

    own = stage.seal()

    require_whole(stage)
    # Each day was sealed by one of the two, which said so.
    days = sorted(seal.statement.day for seal in own + others)
    assert days == [NEXT, THIRD, FOURTH]
    assert all(stage.chain.seal_of(seal.statement.day) == seal for seal in own + others)


def test_two_may_seal_in_turns(stage: Stage) -> None:
    stage = busy_stage()
    one, other = (stage.sealing() for _ in range(2))
    days = one.unsealed_days()
    first, second = one.seal(days), other.seal(days)

    made = [next(first), next(second), *first, *second]

    require_whole(stage)
    assert [seal.statement.day for seal in made] == [NEXT, THIRD, FOURTH]


def test_one_that_saw_more_than_the_other_does_not_replace_its_seal(stage: Stage) -> None:
    stage.record("order-1", at(DAY))
    stage.record("order-2", at(DAY, 13))
    stage.items.unindexed = {"order-2"}

    def let_the_other_seal(_: str) -> None:
        stage.signer.before_call = lambda _: None
        stage.items.unindexed = set()
        stage.seal()

    stage.signer.before_call = let_the_other_seal

    assert stage.seal() == []

    assert stage.orders(DAY) == ["order-1", "order-2"]


def test_two_chains_that_begin_at_different_days_never_meet(stage: Stage) -> None:
    stage.clock.now = at(THIRD)
    other = Stage()
    other.clock.now = at(THIRD)
    other.seal(first=NEXT)

    def begin_another_chain(_: str) -> None:
        stage.store.contents |= other.store.contents

    stage.signer.before_call = begin_another_chain

    with pytest.raises(ChainBroken, match=f"{NEXT} is not chained to the one of {DAY}"):
        stage.seal(first=DAY)


# What goes wrong.


@pytest.mark.parametrize("conflicts", [1, 3])
def test_a_put_that_meets_another_one_is_made_again(stage: Stage, conflicts: int) -> None:
    stage.record("order-1", at(DAY))
    stage.store.conflicts = conflicts

    assert len(stage.seal()) == 1

    assert len(stage.slept) == conflicts
    assert stage.orders(DAY) == ["order-1"]


def test_puts_that_always_meet_another_one_fail(stage: Stage) -> None:
    stage.record("order-1", at(DAY))
    stage.store.conflicts = 100

    with pytest.raises(StoreUnavailable):
        stage.seal()


def test_an_outage_ends_it_and_it_goes_on_later(stage: Stage) -> None:
    stage.record("order-1", at(DAY))
    for broken in (stage.store, stage.items):
        with broken.outage(), pytest.raises(StoreUnavailable):
            stage.seal()

    assert len(stage.seal()) == 1


def two_days(stage: Stage) -> tuple[Seal, Seal]:
    """Seal two days, so that the third is due."""
    stage.record("order-1", at(DAY))
    stage.record("order-2", at(NEXT))
    stage.clock.now = at(THIRD)
    first, second = stage.seal()
    stage.clock.now = at(FOURTH)
    return first, second


def test_no_seal_is_chained_to_one_that_cannot_be_read(stage: Stage) -> None:
    two_days(stage)
    stage.store.contents[seal_key(NEXT)] = b"{}"

    with pytest.raises(ChainBroken, match=f"the seal of {NEXT} can't be read"):
        stage.seal()


def test_no_seal_is_chained_to_another_days(stage: Stage) -> None:
    two_days(stage)
    stage.store.contents[seal_key(NEXT)] = stage.store.contents[seal_key(DAY)]

    with pytest.raises(ChainBroken, match=f"the seal of {NEXT} is another day's"):
        stage.seal()


def test_no_seal_is_made_while_one_of_the_days_before_is_gone(stage: Stage) -> None:
    two_days(stage)
    del stage.store.contents[seal_key(DAY)]

    with pytest.raises(ChainBroken, match=f"the seal of {DAY} is gone"):
        stage.seal()


def test_no_seal_is_made_over_a_chain_that_was_changed(stage: Stage) -> None:
    first, _ = two_days(stage)
    changed = first.statement._replace(stage="other")
    stage.store.contents[seal_key(DAY)] = first._replace(text=changed.text).to_json()

    with pytest.raises(ChainBroken, match=f"{NEXT} is not chained to the one of {DAY}"):
        stage.seal()


@pytest.mark.parametrize("content", [None, b"", b'["a"]\n'])
def test_no_seal_is_made_while_a_chunk_is_gone_or_changed(
    stage: Stage, content: bytes | None
) -> None:
    first, _ = two_days(stage)
    key = chunk_key(DAY, first.statement.chunks[0])
    stage.store.contents.pop(key)
    if content is not None:
        stage.store.contents[key] = content

    with pytest.raises(ChainBroken, match=key):
        stage.seal()


def test_a_seal_of_a_day_to_come_is_no_end_of_the_chain(stage: Stage) -> None:
    """Whoever may put could put it, to stop the sealing."""
    stage.record("order-1", at(DAY))
    stage.store.contents[seal_key(date(9999, 12, 31))] = b"{}"

    assert [seal.statement.day for seal in stage.seal()] == [DAY]
