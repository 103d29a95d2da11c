"""`python -m ops console`, as typed, where it can't start: one sentence, and what to do."""

import socket
import subprocess
import sys

import pytest

from ops.ports import LOOPBACK, free_port


def console(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ops", "console", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("arguments", "exit_code", "words"),
    [
        pytest.param(
            ["--stage", "nowhere"],
            3,
            "There is no stage 'nowhere'",
            marks=pytest.mark.any_configuration,
        ),
        (["--aws-port", "1"], 3, "start the local stage with `make run AWS_PORT=1`"),
    ],
)
def test_a_missing_stage_is_reported(arguments: list[str], exit_code: int, words: str) -> None:
    ended = console("--port", str(free_port()), *arguments)

    assert ended.returncode == exit_code
    assert words in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_port_in_use_is_reported() -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        ended = console("--port", str(taken.getsockname()[1]))

    assert ended.returncode == 1
    assert "--port" in ended.stderr
