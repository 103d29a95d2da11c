"""The servers of the suite: only this machine reaches them, and a failed start says why."""

import sys
from pathlib import Path

import pytest

from ops.ports import reachable_from_outside
from tests.aws_parts import DYNAMODB_LOCAL
from tests.contract.dynamodb_local import DynamoDBLocal
from tests.contract.server import Server


@pytest.mark.aws_part(DYNAMODB_LOCAL.name)
def test_no_other_machine_reaches_dynamodb_local(dynamodb_local_server: DynamoDBLocal) -> None:
    """Its own main program listens on every interface."""
    assert not reachable_from_outside(dynamodb_local_server.port)


def test_a_server_that_ends_at_once_fails_with_the_place_of_its_log(tmp_path: Path) -> None:
    def command(_port: int) -> list[str]:
        return [sys.executable, "-c", "raise SystemExit('no')"]

    broken = Server("broken", command, environment={}, directory=tmp_path)

    with pytest.raises(AssertionError, match=r"exit code 1; .*broken\.log says why"), broken:
        pytest.fail("it started")

    assert (tmp_path / "broken.log").read_text() == "no\n"
