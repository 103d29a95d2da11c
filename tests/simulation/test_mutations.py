"""The simulation has teeth: each of the usual mistakes makes it fail, with a short schedule."""

from dataclasses import replace

import pytest

from tests.simulation.key_mutations import KEY_MUTATIONS
from tests.simulation.key_scenarios import KEY_SCENARIOS
from tests.simulation.mutations import MUTATIONS, Mutation
from tests.simulation.scenarios import SCENARIOS
from tests.simulation.search import shortest_counterexample
from tests.simulation.tally import Tally

BY_NAME = {scenario.name: scenario for scenario in (*SCENARIOS, *KEY_SCENARIOS)}


@pytest.mark.parametrize(
    "mutation", [*MUTATIONS, *KEY_MUTATIONS], ids=lambda mutation: mutation.name
)
def test_the_simulation_finds_the_mistake(mutation: Mutation, tally: Tally) -> None:
    scenario = replace(BY_NAME[mutation.scenario], system=mutation.system)

    found = shortest_counterexample(scenario, faults=1)

    print(found)  # noqa: T201 (shown by pytest -rP)
    assert found is not None
    assert found.violation.startswith(mutation.violated)
    assert len(found) == mutation.steps
    tally.mutations += 1


def test_a_counterexample_tells_its_schedule_in_words() -> None:
    query_then_put = next(m for m in MUTATIONS if m.name == "a query, then a put")
    scenario = replace(BY_NAME[query_then_put.scenario], system=query_then_put.system)

    told = str(shortest_counterexample(scenario, faults=0))

    assert told == (
        "an order and an exact duplicate:\n"
        "  1. SQS delivers message-1 (receive 1) to worker A\n"
        "  2. SQS delivers message-1 (receive 2) to worker B\n"
        "  3. worker A: S3 PutObject orders/order-1/first-cd325e.json -> written\n"
        "  4. worker A: DynamoDB GetItem order-1 0#FIRST -> not found\n"
        "  5. worker B: S3 PutObject orders/order-1/first-cd325e.json -> 412, it is there already\n"
        "  6. worker B: DynamoDB GetItem order-1 0#FIRST -> not found\n"
        "  7. worker A: DynamoDB PutItem order-1 0#FIRST ACCEPTED -> written\n"
        "  8. worker B: DynamoDB PutItem order-1 0#FIRST ACCEPTED -> written\n"
        "  violated: a record was changed"
    )
