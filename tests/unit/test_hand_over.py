"""The program in the place of `python -m ops`, before a warm process that the tests play."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pytest

from tests.commands import hand_over

LIMIT_SECONDS = 20
# It ends with the number of the signal that it gets.
COMMAND = """
import signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [1, 2, 15])
print("ready", flush=True)
sys.exit(signal.sigwait([1, 2, 15]))
"""


class Handed:
    """A command that is handed over to this process."""

    def __init__(self, address: Path, **options: Any) -> None:
        with socket.socket(socket.AF_UNIX) as server:
            server.settimeout(LIMIT_SECONDS)
            server.bind(str(address))
            server.listen()
            typed = [sys.executable, "-IS", hand_over.__file__, str(address), "orders", "list"]
            self.process = subprocess.Popen(typed, **options)
            self.client, _ = server.accept()
        _, streams, _, _ = socket.recv_fds(self.client, 1, len(hand_over.STREAMS))
        for each in streams:
            os.close(each)
        with self.client.makefile("rb") as sent:
            self.typed = json.loads(sent.readline())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()
        with self.process:
            self.process.kill()

    def say(self, number: int) -> None:
        self.client.sendall(f"{number}\n".encode())

    def exit_code(self) -> int:
        return self.process.wait(LIMIT_SECONDS)


@pytest.fixture
def address(tmp_path: Path) -> Path:
    return tmp_path / "socket"


@pytest.fixture
def command() -> Iterator[subprocess.Popen[bytes]]:
    program = [sys.executable, "-c", COMMAND]
    with subprocess.Popen(program, stdout=subprocess.PIPE) as command:
        assert command.stdout
        command.stdout.readline()
        yield command
        command.kill()


def test_a_command_is_handed_over_with_what_its_shell_gave_it(
    address: Path, tmp_path: Path
) -> None:
    given = {"LANGUAGE": "es"}

    with Handed(address, cwd=tmp_path, env=given, umask=0o027) as handed:
        arguments, folder, environment, umask = handed.typed

    assert (arguments, folder, umask) == (["orders", "list"], str(tmp_path), 0o027)
    assert environment.items() >= given.items()


@pytest.mark.parametrize("exit_code", [3, -signal.SIGKILL, -signal.SIGTERM, -signal.SIGALRM])
def test_it_ends_as_the_command_has_ended(address: Path, exit_code: int) -> None:
    with Handed(address) as handed:
        handed.say(1)
        handed.say(exit_code)

        assert handed.exit_code() == exit_code


@pytest.mark.parametrize("number", hand_over.HANDED_ON)
def test_a_signal_reaches_the_command_even_before_it_is_known(
    address: Path, command: subprocess.Popen[bytes], number: signal.Signals
) -> None:
    with Handed(address) as handed:
        handed.process.send_signal(number)
        handed.say(command.pid)

        assert command.wait(LIMIT_SECONDS) == number
        handed.say(0)
        assert handed.exit_code() == 0
