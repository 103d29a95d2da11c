"""
`python -m ops` of a checkout, forked each time from one process that has imported it already.

Each command is a process of its own all the same, with the arguments, the folder, the environment
and the streams of the shell that it is typed in. Only its imports, most of its time, are not made
anew: tests/e2e/test_behind_a_proxy.py starts every command from nothing.
"""

import gc
import runpy
import shlex
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import boto3

from ops.local_stage import REGION
from tests import quick_botocore
from tests.commands.forks import forking, serve
from tests.ops_commands import all_commands

SERVICES = ("cloudformation", "dynamodb", "lambda", "s3", "sqs")
# What stands for `python` where commands are typed.
PYTHON = """#!/bin/sh
if [ "$1 $2" = "-m ops" ]; then
    shift 2
    exec {ops} "$@"
fi
exec {python} "$@"
"""


def write_python(folder: Path, ops: Sequence[str]) -> None:
    """Write a `python` that has `ops` in place of `python -m ops`."""
    words = {"ops": shlex.join(ops), "python": shlex.quote(sys.executable)}
    (folder / "python").write_text(PYTHON.format(**words), encoding="utf-8")
    (folder / "python").chmod(0o755)


def warm_ops(checkout: Path, environment: Mapping[str, str]) -> AbstractContextManager[list[str]]:
    """Keep the process for the `with` block: yields the words in place of `python -m ops`."""
    return forking(__name__, checkout, environment)


def _import_all() -> None:
    list(all_commands())
    quick_botocore.pytest_configure()
    session: Any = boto3.Session(region_name=REGION)
    for service in SERVICES:
        session.client(service)
    gc.freeze()


if __name__ == "__main__":
    _import_all()
    serve(sys.argv[1])
    runpy.run_module("ops", run_name="__main__", alter_sys=True)
