"""The benchmarks' own arithmetic: what a table says is what was measured."""

import itertools
import json
from typing import Any

import pytest

from benchmarks.contender import Outcome
from benchmarks.events import Mix, batches
from benchmarks.optimisations import _saved
from benchmarks.report import by_round
from benchmarks.throughput import FULL, SCENARIOS, SINGLE_ORDERS, THROTTLED, Cell, Scenario


def outcome(orders: int = 10, cpu_seconds: float = 1.0, wall_seconds: float = 1.0) -> Outcome:
    return Outcome(orders, wall_seconds, cpu_seconds, resident_kib=0, log_bytes=0)


def cell(*outcomes: Outcome) -> Cell:
    found = Cell()
    found.outcomes += outcomes
    return found


def orders_of(event: dict[str, Any]) -> list[str]:
    return [json.loads(message["body"])["id"] for message in event["Records"]]


def test_a_share_is_of_the_same_round_and_leaves_out_what_only_one_has() -> None:
    assert by_round([1, 4, 9], [2, 2]) == [0.5, 2]


def test_a_round_in_which_the_machine_is_slow_does_not_change_the_share() -> None:
    mine = cell(outcome(cpu_seconds=1), outcome(cpu_seconds=10), outcome(cpu_seconds=1))
    others = cell(outcome(cpu_seconds=2), outcome(cpu_seconds=20), outcome(cpu_seconds=2))

    assert mine.cpu_of(others) == 0.5


def test_orders_a_second_are_of_all_turns() -> None:
    assert cell(outcome(10, wall_seconds=1), outcome(30, wall_seconds=3)).orders_per_second == 10


@pytest.mark.parametrize(
    ("after", "saved"),
    [
        ([0.5, 0.5, 0.5], "50% (50 to 50)"),
        ([1.0, 0.9, 1.1], "0% (-5 to 5)"),
        ([2.0, 2.0, 2.0], "-100% (-100 to -100)"),
    ],
)
def test_what_is_saved_is_shown_with_the_middle_half_of_its_rounds(
    after: list[float], saved: str
) -> None:
    before = [outcome(cpu_seconds=1.0) for _ in after]

    assert _saved(before, [outcome(cpu_seconds=seconds) for seconds in after]) == saved


@pytest.mark.parametrize("mix", list(Mix))
def test_with_batches_of_one_everyone_has_the_same_mix(mix: Mix) -> None:
    turn = Scenario(FULL, mix, 1).turn("run")

    assert (turn.batches, turn.seconds) == (SINGLE_ORDERS, 0)
    assert SINGLE_ORDERS % 10 == 0


def test_each_share_has_each_mix_in_each_size() -> None:
    scenarios = {(each.share, each.mix, each.batch_size) for each in SCENARIOS}

    assert scenarios == set(itertools.product((FULL, THROTTLED), Mix, (1, 10, 100)))


@pytest.mark.parametrize("size", [1, 10, 100])
def test_one_order_in_ten_is_a_duplicate_and_every_other_one_of_an_earlier_batch(size: int) -> None:
    events = list(itertools.islice(batches(Mix.DUPLICATES, size, "run"), 400 // size))

    seen: dict[str, int] = {}
    earlier, same = 0, 0
    for number, event in enumerate(events):
        for order in orders_of(event):
            if order in seen:
                earlier, same = earlier + (seen[order] < number), same + (seen[order] == number)
            seen.setdefault(order, number)

    assert earlier + same == 40
    # With batches of one all are; the first ones have no earlier batch.
    assert earlier == 40 if size == 1 else earlier >= 15
