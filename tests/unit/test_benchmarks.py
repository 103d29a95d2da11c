"""The benchmarks' own arithmetic: a table says what was measured."""

import itertools
import json
from collections import defaultdict
from typing import Any

import pytest

from benchmarks import lambda_runtime
from benchmarks.contender import Outcome
from benchmarks.events import Mix, batches
from benchmarks.lambda_runtime import BASE, ColdStart
from benchmarks.report import by_round
from benchmarks.table_growth import Cost, typical
from benchmarks.throughput import (
    FULL,
    NAMES,
    OURS,
    SCENARIOS,
    SINGLE_ORDERS,
    THROTTLED,
    Cell,
    Cells,
    Scenario,
    report,
)


def outcome(orders: int = 10, cpu_seconds: float = 1.0, wall_seconds: float = 1.0) -> Outcome:
    return Outcome(orders, wall_seconds, cpu_seconds, resident_kib=0, log_bytes=0)


def cell(*outcomes: Outcome) -> Cell:
    found = Cell()
    found.outcomes += outcomes
    return found


def orders_of(event: dict[str, Any]) -> list[str]:
    return [json.loads(message["body"])["id"] for message in event["Records"]]


def test_by_round_compares_paired_rounds_only() -> None:
    assert by_round([1, 4, 9], [2, 2]) == [0.5, 2]


def test_a_slow_round_does_not_change_the_share() -> None:
    mine = cell(outcome(cpu_seconds=1), outcome(cpu_seconds=10), outcome(cpu_seconds=1))
    others = cell(outcome(cpu_seconds=2), outcome(cpu_seconds=20), outcome(cpu_seconds=2))

    assert mine.cpu_of(others) == 0.5


def test_typical_costs_count_every_call_but_pass_over_one_slow_action() -> None:
    costs = [
        Cost(calls=2, records_read=1, cpu_ms=1, ms=3),
        Cost(calls=2, records_read=1, cpu_ms=9, ms=99),
        Cost(calls=5, records_read=4, cpu_ms=2, ms=4),
    ]

    assert typical(costs) == Cost(calls=3, records_read=2, cpu_ms=2, ms=4)


def test_orders_a_second_count_all_turns() -> None:
    assert cell(outcome(10, wall_seconds=1), outcome(30, wall_seconds=3)).orders_per_second == 10


@pytest.mark.parametrize("mix", list(Mix))
def test_batches_of_one_have_the_same_mix_for_every_contender(mix: Mix) -> None:
    turn = Scenario(FULL, mix, 1).turn("run")

    assert (turn.batches, turn.seconds) == (SINGLE_ORDERS, 0)
    assert SINGLE_ORDERS % 10 == 0


def test_each_share_measures_each_mix_in_each_size() -> None:
    scenarios = {(each.share, each.mix, each.batch_size) for each in SCENARIOS}

    assert scenarios == set(itertools.product((FULL, THROTTLED), Mix, (1, 10, 100)))


@pytest.mark.parametrize("size", [1, 10, 100])
def test_one_order_in_ten_is_a_duplicate_half_of_them_from_an_earlier_batch(size: int) -> None:
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


def test_a_row_shows_each_contenders_orders_a_second_cpu_share_and_calls() -> None:
    cells: Cells = defaultdict(Cell)
    for scenario, name in itertools.product(SCENARIOS, NAMES):
        mine = name == OURS
        cells[scenario, name] = cell(outcome(cpu_seconds=1 if mine else 2))
        cells[scenario, name].calls["S3 PutObject"] = 11 if mine else 30

    first = report(cells).splitlines()[2]

    assert first.startswith("| batch 1, all valid | 10.0 · 1.00 | ")
    assert first.endswith(" | 10.0 · 0.50 | 3.00 · 3.00 · 3.00 · 1.10 |")


def test_a_row_of_lambdas_runtime_shows_medians_and_the_share_of_cpu_by_round() -> None:
    base = [ColdStart(200, 300, 50, 350, 54), ColdStart(400, 600, 100, 700, 56)]
    ours = [ColdStart(100, 150, 40, 190, 40), ColdStart(240, 450, 60, 510, 42)]

    rows = lambda_runtime.contenders_table({BASE: base, OURS: ours}).splitlines()[2:]

    assert rows[0] == f"| {BASE} | 300 | 1.00 | 450 | 75 | 525 | 55 |"
    assert rows[1] == f"| {OURS} | 170 | 0.55 | 300 | 50 | 350 | 41 |"
