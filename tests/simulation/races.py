"""
AWS's own DynamoDB engine in the place of the simulated one, and real threads in that of schedules.

The simulation tries every interleaving of calls, and takes each call for one moment. Here calls
really meet in the engine. S3 and SQS stay simulated, and the model judges what is left.
"""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from decimal import Decimal
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

from tests.simulation.clients import TABLE, Clients, simulated
from tests.simulation.delivery import PLENTY_MS, Delivery, Finished, handle
from tests.simulation.faulty_dynamodb import Crash, FaultyDynamoDB
from tests.simulation.model import Model, violation_of_change
from tests.simulation.scenarios import Scenario, world_with
from tests.simulation.world import (
    Answer,
    Call,
    Place,
    StoredItem,
    StoredMessage,
    World,
    deleted,
    item_json,
    take_effect,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# Deliveries at the same time: the same message again, if there are not so many.
MOST_WORKERS = 4
# Of the calls to DynamoDB, in the rounds with faults.
SHARE_OF_FAULTS = 0.4
# Threads for the calls within deliveries, and for calls that nobody waits for any more.
CALLERS = 16


class Round:
    """A scenario that is played once: all its messages race, and then everything settles."""

    def __init__(self, scenario: Scenario, client: "DynamoDBClient", seed: int) -> None:
        self._scenario = scenario
        self._client = client
        self._random = Random(f"{scenario.name} {seed}")  # noqa: S311 (not for secrets)
        # Every other round is a mere race.
        self._faults = SHARE_OF_FAULTS if seed % 2 else 0.0
        self._model = Model(scenario.handed_in)
        self._lock = threading.Lock()
        self._world = World()
        self._deliveries = 0

    def play(self) -> str | None:
        """Say what is wrong afterwards; None if nothing is."""
        self._record_beforehand()
        started_from = self._read_items()
        finished = self._race()
        raced = self._read_items()
        self._settle()
        settled = self._read_items()
        vouched_for = {_shortest(item) for each in finished for item in each.vouched_for}
        if not {item.json for item in raced.items}.issuperset(vouched_for):
            return "a delivery vouches for a record that is not there"
        return (
            violation_of_change(started_from, raced)
            or self._model.violation(raced)
            or violation_of_change(raced, settled)
            or self._model.violation_when_settled(settled)
        )

    def _record_beforehand(self) -> None:
        for submitted in self._scenario.recorded:
            self._world = world_with(self._world, submitted)
        self._settle()
        self._world = self._world._replace(messages=())
        for submitted in self._scenario.messages:
            self._world = world_with(self._world, submitted)

    def _race(self) -> list[Finished]:
        """Let all deliveries begin at one moment, and wait until every call has come to its end."""
        batches = self._batches()
        start = threading.Barrier(len(batches))

        def deliver(delivery: Delivery) -> Finished | None:
            start.wait()
            try:
                return self._deliver(delivery, callers, self._faults)
            except Crash:
                return None

        with ThreadPoolExecutor(CALLERS) as callers, ThreadPoolExecutor(len(batches)) as workers:
            deliveries = [self._receive(batch) for batch in batches]
            return [finished for finished in workers.map(deliver, deliveries) if finished]

    def _batches(self) -> list[list[StoredMessage]]:
        """Put every message into one batch at least, in any order."""
        messages, size = self._world.at(Place.QUEUE), self._scenario.batch_size
        wanted = max(self._random.randint(2, MOST_WORKERS) * size, len(messages))
        drawn = [*messages, *self._random.choices(messages, k=wanted - len(messages))]
        self._random.shuffle(drawn)
        batches = [drawn[start : start + size] for start in range(0, len(drawn), size)]
        # A batch never has a message twice.
        return [
            list({message.message_id: message for message in batch}.values()) for batch in batches
        ]

    def _settle(self) -> None:
        """Deliver what is on the queue, one message after the other, without faults."""
        with ThreadPoolExecutor(1) as callers:
            for message in self._world.at(Place.QUEUE):
                self._deliver(self._receive([message]), callers, faults=0.0)

    def _receive(self, batch: Sequence[StoredMessage]) -> Delivery:
        now = {message.message_id: message for message in self._world.messages}
        messages = [now[each.message_id] for each in batch]
        received = [each._replace(receive_count=each.receive_count + 1) for each in messages]
        for message in received:
            self._world = self._world.with_message(message)
        self._deliveries += 1
        return Delivery(self._deliveries, tuple(received))

    def _deliver(self, delivery: Delivery, callers: Executor, faults: float) -> Finished:
        sqs, s3, _ = simulated(partial(self._perform, delivery.number))
        dynamodb = FaultyDynamoDB(self._client, self._random, faults, callers)
        clients = Clients(sqs, s3, dynamodb)
        system = self._scenario.system
        finished = handle(system, delivery, clients, callers.map, lambda: PLENTY_MS)
        with self._lock:
            self._world = deleted(self._world, finished.deletes)
        return finished

    def _perform(self, by: int, call: Call) -> Answer:
        with self._lock:
            self._world, answer = next(take_effect(self._world, call, by))
        return answer

    def _read_items(self) -> World:
        """Return the world with what is in the table."""
        self._world = self._world._replace(items=tuple(sorted(stored_items(self._client))))
        return self._world


def stored_items(client: "DynamoDBClient") -> Iterator[StoredItem]:
    """Read the whole table."""
    for item in client.scan(TableName=TABLE, ConsistentRead=True)["Items"]:
        text = _shortest(item_json(item))
        yield StoredItem(item["orderId"]["S"], item["recordId"]["S"], text)


def empty(client: "DynamoDBClient") -> None:
    """Remove what a round has left in the table."""
    for item in stored_items(client):
        key = {"orderId": {"S": item.order_id}, "recordId": {"S": item.record_id}}
        client.delete_item(TableName=TABLE, Key=key)


def _shortest(text: str) -> str:
    """Write the numbers of an item as DynamoDB returns them: 25.8 for 25.80."""

    def shorten(value: Mapping[str, Any]) -> Mapping[str, Any]:
        if value.keys() == {"N"}:
            return {"N": f"{Decimal(value['N']).normalize():f}"}
        return value

    return item_json(json.loads(text, object_hook=shorten))
