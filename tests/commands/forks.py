"""
Processes that are forked from one that has made its imports already: each a command of its own.

Only the standard library: what is forked has nothing of the project but what it imports itself.
"""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

from tests.commands import hand_over

READY = b"ready\n"
LIMIT_SECONDS = 120


@contextmanager
def forking(
    module: str, folder: Path, environment: Mapping[str, str], options: Sequence[str] = ()
) -> Iterator[list[str]]:
    """
    Keep a process that forks commands for the `with` block: yields the words that begin one.

    The module imports what they need, calls `serve`, and then does what they do.
    """
    with tempfile.TemporaryDirectory() as temporary:
        address = f"{temporary}/socket"
        with subprocess.Popen(
            [sys.executable, *options, "-m", module, address],
            cwd=folder,
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
