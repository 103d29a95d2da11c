"""
`python -m ops` of a checkout, forked each time from one process that has imported it already.

Each command is a process of its own all the same, with the arguments, the folder, the environment
and the streams of the shell that it is typed in. Only its imports, most of its time, are not made
anew: tests/e2e/test_behind_a_proxy.py starts every command from nothing.
"""

import gc
import json
import os
import runpy
import select
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

import boto3

from ops.local_stage import REGION
from tests import quick_botocore
from tests.commands import hand_over
from tests.ops_commands import all_commands

READY = b"ready\n"
LIMIT_SECONDS = 120
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


@contextmanager
def warm_ops(checkout: Path, environment: Mapping[str, str]) -> Iterator[list[str]]:
    """Keep the process for the `with` block: yields the words in place of `python -m ops`."""
    with tempfile.TemporaryDirectory() as folder:
        address = f"{folder}/socket"
        with subprocess.Popen(
            [sys.executable, "-m", __name__, address],
            cwd=checkout,
            env=environment,
            # Pipes: Python looks once, at its start, whether it can seek in a stream.
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as process:
            try:
                assert process.stdout
                assert (said := process.stdout.readline()) == READY, said
                yield [sys.executable, "-IS", hand_over.__file__, address]
            finally:
                process.kill()


def serve(address: str) -> None:
    """Begin a process for each command: returns in those only, with all as the shell has it."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(address)
        server.listen()
        os.write(sys.stdout.fileno(), READY)
        watched: list[Any] = [server, sys.stdin]
        while True:
            ready, _, _ = select.select(watched, [], [])
            if sys.stdin in ready:  # whoever has started this one is gone
                sys.exit()
            client, _ = server.accept()
            if os.fork() == 0:
                break
            client.close()
            _forget_ended()
    _begin(client)


def _forget_ended() -> None:
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _begin(client: socket.socket) -> None:
    """Take the place of a command. This process goes on as the one that waits for its end."""
    _, streams, _, _ = socket.recv_fds(client, 1, len(hand_over.STREAMS))
    with client.makefile("rb") as sent:
        arguments, folder, environment, umask = json.loads(sent.readline())
    ended, running = os.pipe()
    if command := os.fork():
        for each in (running, *streams):
            os.close(each)
        _wait_for(command, ended, client)
    client.close()
    os.close(ended)
    signal.alarm(LIMIT_SECONDS)
    for own, given in zip(hand_over.STREAMS, streams, strict=True):
        os.dup2(given, own)
        os.close(given)
    os.umask(umask)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv[1:] = arguments


def _wait_for(command: int, ended: int, client: socket.socket) -> NoReturn:
    """Tell the client which process it is, and how it ends. Without a client it is killed."""
    client.sendall(f"{command}\n".encode())
    watched: list[Any] = [client, ended]
    if client in select.select(watched, [], [])[0]:
        os.kill(command, signal.SIGKILL)
    _, status = os.waitpid(command, 0)
    with suppress(OSError):
        client.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


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
