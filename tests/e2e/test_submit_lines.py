"""
`orders submit FILE.ndjson` over a local stack: each line is recorded once, whoever is killed.

Each command is a process of its own.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chalicelib.orders.times import now
from chalicelib.services.queries import AuditFilter, AuditQuery
from ops.desk.desk import Desk
from ops.desk.stage import connect
from ops.local.stack import LocalStack
from tests.builders import order_text
from tests.e2e.client import eventually

pytestmark = pytest.mark.timeout(300)
LIMIT_SECONDS = 120
TERMINAL = {"COLUMNS": "220", "NO_COLOR": "1", "LC_ALL": "C.UTF-8"}
# A process with small batches that ends at a given call of a function, before the call is made.
KILLED = """
import os, signal, sys
from ops.bulk import durable, lines
from ops.cli.commands import main
from ops.deploy.smoke import SignedApi
lines.MAX_BATCH_LINES = 50
place, left = sys.argv[1], int(sys.argv[2])
owner, name = {
    "request": (SignedApi, "send"), "write": (durable, "append"), "note": (durable, "replace")
}[place]
call = getattr(owner, name)
def killed(*arguments, **options):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return call(*arguments, **options)
setattr(owner, name, killed)
main(sys.argv[3:])
"""


class Operator:
    """Hands files in."""

    def __init__(self, stack: LocalStack) -> None:
        self.stack = stack
        self.desk = Desk(connect(aws_port=stack.aws_port))
        self.options = ["--aws-port", str(stack.aws_port), "--api-url", stack.api_url]

    def submits(self, file: Path, *program: str) -> subprocess.CompletedProcess[str]:
        typed = program or ("-m", "ops")
        return subprocess.run(
            [sys.executable, *typed, "orders", "submit", str(file), *self.options, "--json"],
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
            env=os.environ | TERMINAL,
        )

    def ends(self, file: Path) -> dict[str, Any]:
        """Hand a file in to its end, and return what is said of it."""
        done = self.submits(file)
        assert done.returncode == 1, done.stderr
        told: dict[str, Any] = json.loads(done.stdout)
        return told

    def recorded(self, prefix: str, count: int) -> Counter[str]:
        """Wait until so many orders are recorded, and count the records of each."""

        def look() -> Counter[str] | None:
            # A list of all costs the emulator more than the orders do.
            url = self.desk.stage.settings.queue_url
            waiting = self.desk.stage.sqs.get_queue_attributes(
                QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"]
            )["Attributes"]
            if waiting["ApproximateNumberOfMessages"] != "0":
                return None
            query = AuditQuery(now().date(), now().date(), AuditFilter())
            records = self.desk.orders.newest_first(query)
            found = Counter(each.order_id for each in records if each.order_id.startswith(prefix))
            return found if len(found) >= count else None

        return eventually(look)


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    with LocalStack(log_file=tmp_path_factory.mktemp("lines") / "log") as stack:
        yield Operator(stack)


def write_lines(file: Path, prefix: str, count: int) -> list[str]:
    """Write a file of which each twentieth line is no order; return those."""
    lines = [
        f'{{"id": "{prefix}/{number}"}}' if number % 20 == 7 else order_text(f"{prefix}{number}")
        for number in range(count)
    ]
    lines[11] = order_text(f"{prefix}11", amount=0)
    lines[13] = lines[12]
    file.write_text("\n".join(lines), "utf-8")
    return [line for line in lines if "/" in line]


def test_each_line_of_a_file_is_recorded_once_or_refused(
    operator: Operator, tmp_path: Path
) -> None:
    file = tmp_path / "orders.ndjson"
    refused = write_lines(file, "whole-", 520)

    told = operator.ends(file)

    assert (told["queued"], told["invalid"], told["refused"]) == (494, 1, 26)
    assert told["repeated"] == 1
    assert Path(told["refusedLines"]).read_text("utf-8").splitlines() == refused
    assert set(operator.recorded("whole-", 493).values()) == {1}
    assert operator.ends(file)["handedInNow"] == 0


def test_a_file_goes_on_after_its_process_was_killed(operator: Operator, tmp_path: Path) -> None:
    """Before a request, between it and the refused lines, between these and the note, in it."""
    file = tmp_path / "orders.ndjson"
    refused = write_lines(file, "killed-", 180)
    # The first request asks for the API's health; the first run begins with a note.
    for place, calls in (("request", 2), ("write", 0), ("write", 1), ("write", 2), ("note", 1)):
        done = operator.submits(file, "-c", KILLED, place, str(calls))
        assert done.returncode == -9, done.stderr

    told = operator.ends(file)

    assert (told["queued"], told["invalid"], told["refused"]) == (171, 1, 9)
    assert Path(told["refusedLines"]).read_text("utf-8").splitlines() == refused
    assert len(Path(told["reasons"]).read_text("utf-8").splitlines()) == len(refused)
    assert set(operator.recorded("killed-", 170).values()) == {1}
