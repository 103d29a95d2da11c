"""The child processes of `make run`: they begin at once, and go on when they are told with what."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ops.local.child import say_ready
from ops.local.processes import OpsProcess, ProcessFailed
from ops.local.stack import LocalStack
from ops.project import PROJECT_ROOT

LIMIT_SECONDS = 30.0
# What stands in for `python -m ops` says that its imports are done, and then what it was told.
PROGRAM = f"""
import os, sys
sys.path.insert(0, {str(PROJECT_ROOT)!r})
from ops.local.child import say_ready, take_environment

print("imported", flush=True)
take_environment()
print(os.environ["QUEUE"], flush=True)
say_ready(int(sys.argv[-1]))
"""


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "output"


@pytest.fixture
def child(tmp_path: Path, output: Path) -> Iterator[OpsProcess]:
    package = tmp_path / "ops"
    package.mkdir()
    (package / "__main__.py").write_text(PROGRAM, encoding="utf-8")
    # Of this package only __main__.py is there: it then finds the others in the checkout.
    (package / "__init__.py").write_text(
        f"__path__.append({str(PROJECT_ROOT / 'ops')!r})", encoding="utf-8"
    )
    environment = {**os.environ, "PYTHONUTF8": "1"}
    child = OpsProcess("the child", [], environment=environment, directory=tmp_path, output=output)
    yield child
    child.stop(LIMIT_SECONDS)


def lines(output: Path) -> list[str]:
    return output.read_text(encoding="utf-8").splitlines()


def test_a_child_goes_on_with_the_environment_that_it_is_told(
    child: OpsProcess, output: Path
) -> None:
    child.start()

    child.tell({"QUEUE": "órdenes\n2"})

    child.wait_until_ready(LIMIT_SECONDS)
    assert lines(output) == ["imported", "órdenes", "2"]


def test_a_child_that_is_told_nothing_yet_waits(child: OpsProcess, output: Path) -> None:
    child.start()

    while not output.exists() or not lines(output):
        assert child.is_running
        time.sleep(0.01)

    assert not child.is_ready()
    assert lines(output) == ["imported"]


def test_a_child_that_is_started_again_is_told_at_once(child: OpsProcess, output: Path) -> None:
    child.start()
    child.tell({"QUEUE": "orders"})
    child.wait_until_ready(LIMIT_SECONDS)
    child.kill()

    child.restart()

    child.wait_until_ready(LIMIT_SECONDS)
    assert lines(output) == ["imported", "orders"] * 2


def test_a_child_that_has_ended_is_told_in_vain(child: OpsProcess) -> None:
    child.start()
    os.kill(child.pid, signal.SIGKILL)
    child._started().wait(LIMIT_SECONDS)

    child.tell({"QUEUE": "orders"})

    with pytest.raises(ProcessFailed, match="SIGKILL"):
        child.wait_until_ready(LIMIT_SECONDS)


def test_a_child_whose_parent_ends_before_it_is_told_ends_too(
    child: OpsProcess, output: Path
) -> None:
    child.start()

    child._close_lifeline()

    child._started().wait(LIMIT_SECONDS)
    assert lines(output) == ["imported", "The program that started this one has ended."]


def test_a_child_whose_parent_has_ended_tells_it_in_vain() -> None:
    """A traceback would be the last that a user sees of a `make run` that was killed."""
    reader, writer = os.pipe()
    os.close(reader)

    say_ready(writer)

    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(writer)


class Program:
    """A program that writes down what it is asked, and ends when it is waited for."""

    def __init__(self, name: str, calls: list[str]) -> None:
        self._name = name
        self._calls = calls

    def ask_to_stop(self) -> None:
        self._calls.append(f"ask {self._name}")

    def stop(self, _grace_seconds: float) -> None:
        self._calls.append(f"wait for {self._name}")


def test_a_stop_asks_all_programs_before_it_waits_for_one() -> None:
    """Each takes up to a second to end: one after the other they would take three."""
    calls: list[str] = []
    stack: Any = LocalStack()
    for name in ("console", "api", "worker"):
        setattr(stack, name, Program(name, calls))
    stack._stop_programs_at_the_end()

    stack.stop()

    assert [call.partition(" ")[0] for call in calls] == ["ask"] * 3 + ["wait"] * 3
    assert len(set(calls)) == 6
