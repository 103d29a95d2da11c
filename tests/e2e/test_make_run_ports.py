"""The ports of `make run`, as typed: free ones are found, and advice works as it stands."""

# ruff: noqa: S602 (commands as a user's shell runs them)

import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from ops.ports import LOOPBACK, free_port
from ops.project import PROJECT_ROOT
from tests.configuration.own import write_configuration

LIMIT_SECONDS = 60.0
COPIED = ("app.py", "Makefile", "chalicelib", "ops", "infrastructure")
USUAL_API_PORT = 8000


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy what `make run` needs, so that what it keeps is nobody else's."""
    directory = tmp_path_factory.mktemp("checkout")
    for name in COPIED:
        source = PROJECT_ROOT / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, directory / name, ignore=ignored)
        else:
            shutil.copy(source, directory)
    write_configuration(directory)
    for file in PROJECT_ROOT.glob("requirements*.txt"):
        shutil.copy(file, directory)
        # Older than the environments: nothing is installed.
        os.utime(directory / file.name, (0, 0))
    for name in (".venv", ".venv-aws"):
        (directory / name).symlink_to(PROJECT_ROOT / name, target_is_directory=True)
    return directory


@contextmanager
def running(command: str, checkout: Path) -> Iterator[str]:
    """Type a command that starts the system. Give its output up to the last line of the start."""
    log_file = checkout / "run.log"
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            command,
            shell=True,
            cwd=checkout,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + LIMIT_SECONDS
        while "Ctrl-C stops" not in (said := log_file.read_text(encoding="utf-8")):
            assert process.poll() is None, said
            assert time.monotonic() < deadline, said
            time.sleep(0.05)
        yield said
    finally:
        # As Ctrl-C does: to all of them.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)
        process.wait(LIMIT_SECONDS)


def get(port: int, path: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=10)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        response.read()
        return response
    finally:
        connection.close()


def api_port(said: str) -> int:
    match = re.search(r"\n  API +http://127\.0\.0\.1:(\d+) ", said)
    assert match, said
    return int(match[1])


def test_without_a_port_given_the_next_free_one_is_taken_and_said(checkout: Path) -> None:
    with ExitStack() as in_use:
        # If another program has it already, so much the better.
        with suppress(OSError):
            in_use.enter_context(socket.create_server((LOOPBACK, USUAL_API_PORT)))
        with running("make run", checkout) as said:
            port = api_port(said)
            root = get(port, "/")
            listed = subprocess.run(
                next(line for line in said.splitlines() if "ops orders list" in line),
                shell=True,
                cwd=checkout,
                env=os.environ | {"PATH": f".venv/bin:{os.environ['PATH']}"},
                check=False,
            )

    assert port > USUAL_API_PORT
    notice = f"Port {USUAL_API_PORT} is in use by another program: the API is on {port} this time."
    assert 0 < said.index(notice) < said.index("  API  ")
    assert (root.status, root.headers["Location"]) == (302, "/docs")
    assert listed.returncode == 0


@pytest.mark.parametrize("variable", ["PORT", "AWS_PORT", "CONSOLE_PORT"])
def test_a_given_port_in_use_gets_one_line_with_a_whole_command(
    checkout: Path, variable: str
) -> None:
    with socket.create_server((LOOPBACK, 0)) as listener:
        port = listener.getsockname()[1]

        line = refused(f"make run {variable}={port}", checkout)

    assert line.startswith(f"Error: Port {port} (")
    assert re.search(rf"is in use by another program\. Type: make run {variable}=\d+$", line)


def test_the_advice_works_as_typed(checkout: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as listener:
        port = listener.getsockname()[1]
        given = f"PORT={port} CONSOLE_PORT={port} AWS_PORT={free_port()}"

        line = refused(f"make run {given} OPTIONS='--window 0.5 --batch-size 3'", checkout)
        advice = line.partition(" Type: ")[2]
        with running(advice, checkout) as said:
            status = get(api_port(said), "/health").status

    assert "The API and the console can't both have" in line
    assert advice.endswith(" OPTIONS='--batch-size 3 --window 0.5'")
    assert status == 200


def refused(command: str, checkout: Path) -> str:
    """Type a command that is refused. Return the only line that it says; make adds its own."""
    ended = subprocess.run(
        command,
        shell=True,
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_SECONDS,
    )
    assert ended.returncode != 0
    (line,) = [line for line in ended.stderr.splitlines() if not line.startswith("make: ***")]
    return line
