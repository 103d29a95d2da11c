"""Real threads and AWS's own DynamoDB engine lose no order either, and count none twice."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.aws_parts import DYNAMODB_LOCAL
from tests.simulation.mutations import MUTATIONS
from tests.simulation.races import Round, empty
from tests.simulation.scenarios import SCENARIOS, Scenario

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ROUNDS = 20
# A mistake must show within so many rounds: they do within ten, most of them in the first.
ROUNDS_FOR_A_MISTAKE = 200
BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}
TELLING = (
    "one submission, delivered three times",
    "one submission, sent twice by an SDK or a client's retry",
    "one submission id with two payloads",
    "three submissions of one order",
    "an invalid order and two corrections",
    "two corrections of a recorded invalid order",
    "a recorded order, a duplicate and an invalid one",
    "a batch of two orders, recorded by one call",
    "a batch with a correction of a recorded order, by one call",
    "a batch of two orders and a duplicate, by one call",
)
TELLING_MISTAKES = (
    "an unconditional put",
    "a query, then a put",
    "any error of DynamoDB taken for a duplicate",
    "a batch's errors not looked at",
    "the orderId alone for identity",
    "no slot for the correction",
)

pytestmark = pytest.mark.aws_part(DYNAMODB_LOCAL.name)


def violations(scenario: Scenario, client: "DynamoDBClient", rounds: int) -> Iterator[str]:
    """Play rounds, and yield what goes wrong in them."""
    for number in range(rounds):
        wrong = Round(scenario, client, number).play()
        empty(client)
        if wrong:
            yield f"round {number}: {wrong}"


@pytest.mark.parametrize("name", TELLING)
def test_every_race_ends_well(client: "DynamoDBClient", name: str) -> None:
    assert list(violations(BY_NAME[name], client, ROUNDS)) == []


@pytest.mark.parametrize("name", TELLING_MISTAKES)
def test_a_race_finds_the_mistake(client: "DynamoDBClient", name: str) -> None:
    mutation = next(each for each in MUTATIONS if each.name == name)
    scenario = replace(BY_NAME[mutation.scenario], system=mutation.system)

    found = next(violations(scenario, client, ROUNDS_FOR_A_MISTAKE), None)

    print(found)  # noqa: T201 (shown by pytest -rP)
    assert found is not None
