"""
A command that is handed over to tests/commands/warm.py does as one that starts from nothing.

test_events_tail.py sends signals to some.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ops.ports import free_port

COLD = [sys.executable, "-m", "ops"]


def typed(begin: list[str], words: list[str], folder: Path) -> tuple[int, str, str]:
    """Type a command in a folder, where the answer to its question is no."""
    done = subprocess.run(
        [*begin, *words],
        cwd=folder,
        env={**os.environ, "COLUMNS": "60", "PYTHONPATH": str(Path.cwd()), "LANGUAGE": "es"},
        input="no\n",
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["cost", "--help"],
        ["nonsense"],
        ["orders", "submit", "there-is-none.ndjson"],
        ["orders", "list", "--aws-port", str(free_port())],
    ],
    ids=["output", "wrong use", "file of the folder", "environment"],
)
def test_it_says_and_ends_the_same(ops: list[str], words: list[str], tmp_path: Path) -> None:
    assert typed(ops, words, tmp_path) == typed(COLD, words, tmp_path)


def test_it_reads_and_writes_in_the_folder_that_it_is_typed_in(
    ops: list[str], tmp_path: Path
) -> None:
    (tmp_path / "orders.ndjson").write_text("[]\n", encoding="utf-8")
    words = ["orders", "submit", "orders.ndjson", "--dry-run", "--json"]

    assert typed(ops, words, tmp_path) == typed(COLD, words, tmp_path)
