"""Real threads on AWS's own DynamoDB engine use a key at once: it lets one order in."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from chalicelib.aws.key_store import KeyStore
from chalicelib.services.intake import IdempotencyKeyReused, Intake
from tests.aws_parts import DYNAMODB_LOCAL
from tests.fakes import FakeQueue, FakeReporter
from tests.simulation.clients import TABLE
from tests.simulation.delivery import START
from tests.simulation.faulty_dynamodb import Crash, FaultyDynamoDB
from tests.simulation.key_mutations import KeysUntilDeleted, ReadThenPut, UnconditionalPut
from tests.simulation.key_scenarios import OTHER_BYTES
from tests.simulation.posts import DAY
from tests.simulation.races import CALLERS, SHARE_OF_FAULTS, empty
from tests.simulation.scenarios import FIRST, THIRD

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ROUNDS = 20
# A mistake must show within so many rounds: each does within the first few.
ROUNDS_FOR_A_MISTAKE = 200
EARLIER = THIRD.text
BODIES = (FIRST.text, OTHER_BYTES.text)
RACERS = (*BODIES, *BODIES)

pytestmark = pytest.mark.aws_part(DYNAMODB_LOCAL.name)


class Round:
    """POSTs of two bodies under one key that race. Then each body is handed in once more."""

    def __init__(self, client: "DynamoDBClient", number: int, key_store: type[KeyStore]) -> None:
        self._client = client
        self._random = Random(number)  # noqa: S311 (not for secrets)
        self._key = f"{key_store.__name__}-{number}"
        self._key_store = key_store
        # Every other round is a mere race.
        self._faults = SHARE_OF_FAULTS if number % 2 else 0.0
        # In two of four rounds the key was another order's, and has expired.
        self._has_expired = number % 4 > 1

    def play(self) -> str | None:
        """Say what is wrong; None if nothing is."""
        if self._has_expired:
            self._post(self._client, EARLIER, days=-1)
        raced = self._race()
        last = [(body, self._post(self._client, body)) for body in BODIES]
        passed = {body for body, outcome in raced + last if outcome == "passed"}
        refused = {body for body, outcome in raced + last if outcome == "refused"}
        if len(passed) != 1:
            return f"the key let {len(passed)} orders in"
        if passed & refused:
            return "the key refused its own order"
        return None

    def _race(self) -> list[tuple[str, str]]:
        start = threading.Barrier(len(RACERS))

        def post(body: str, random: Random) -> tuple[str, str]:
            client = FaultyDynamoDB(self._client, random, self._faults, callers)
            start.wait()
            return body, self._post(client, body)

        with ThreadPoolExecutor(CALLERS) as callers, ThreadPoolExecutor(len(RACERS)) as posts:
            randoms = [Random(self._random.random()) for _ in RACERS]  # noqa: S311
            return list(posts.map(post, RACERS, randoms))

    def _post(self, client: Any, body: str, days: int = 0) -> str:
        """Hand a body in, and name the outcome."""
        queue, reporter = FakeQueue(), FakeReporter()
        keys = self._key_store(lambda: client, TABLE)
        intake = Intake(queue, lambda: START + days * DAY, lambda: "minted", keys, reporter)
        try:
            receipt = intake.submit(body.encode(), request_id="r", idempotency_key=self._key)
        except IdempotencyKeyReused:
            return "refused and queued" if queue.sent else "refused"
        except Crash:
            return "crashed"
        assert [message.body for message in queue.sent] == [body]
        return "unchecked" if receipt.unchecked else "passed"


def violations(
    client: "DynamoDBClient", rounds: int, key_store: type[KeyStore] = KeyStore
) -> Iterator[str]:
    """Play rounds, and yield what goes wrong in them."""
    for number in range(rounds):
        wrong = Round(client, number, key_store).play()
        empty(client)
        if wrong:
            yield f"round {number}: {wrong}"


def test_a_key_lets_one_order_in_however_many_use_it_at_once(client: "DynamoDBClient") -> None:
    assert list(violations(client, ROUNDS)) == []


@pytest.mark.parametrize("mistake", [UnconditionalPut, ReadThenPut, KeysUntilDeleted])
def test_a_race_finds_the_mistake(client: "DynamoDBClient", mistake: type[KeyStore]) -> None:
    found = next(violations(client, ROUNDS_FOR_A_MISTAKE, mistake), None)

    print(found)  # noqa: T201 (shown by pytest -rP)
    assert found is not None
