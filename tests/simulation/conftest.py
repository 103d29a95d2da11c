"""Fixtures of the simulation's tests: their tally, their speed, and the engine of the races."""

import gc
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.config import Config

from tests.contract.dynamodb_local import DynamoDBLocal
from tests.resources import create_table
from tests.simulation.clients import TABLE
from tests.simulation.races import CALLERS
from tests.simulation.tally import TALLY, Tally

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@pytest.fixture(scope="session")
def client(dynamodb_local_server: DynamoDBLocal) -> "DynamoDBClient":
    """Make a client of the engine, with the table of the template in it."""
    config = Config(max_pool_connections=CALLERS, retries={"total_max_attempts": 1})
    client = boto3.client("dynamodb", endpoint_url=dynamodb_local_server.url, config=config)
    create_table(client, TABLE)
    return client


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Tally:
    """Return the tally that tests add to."""
    return request.config.stash[TALLY]


@pytest.fixture(autouse=True)
def _at_full_speed() -> Iterator[None]:
    """
    Neither look for cycles, which the millions of values don't form, nor measure coverage.

    Each takes a third of the time. The code under test is covered by its unit tests.
    """
    tracer = sys.gettrace()
    gc.disable()
    sys.settrace(None)
    yield
    sys.settrace(tracer)
    gc.enable()
