"""The child's side of processes.py: its environment, and the word that it is ready."""

import json
import os
import sys
from contextlib import suppress

from ops.local.lifeline import STANDARD_INPUT


def take_environment() -> None:
    """
    Wait until the parent tells the environment, and add it to this process's own.

    A child whose parent has ended ends too.
    """
    line = b""
    while not line.endswith(b"\n"):
        part = os.read(STANDARD_INPUT, 65536)
        if not part:
            sys.exit("The program that started this one has ended.")
        line += part
    os.environ.update(json.loads(line))


def say_ready(ready_fd: int) -> None:
    """Tell the parent that `wait_until_ready` may return. One that has ended is told in vain."""
    with suppress(BrokenPipeError):
        os.write(ready_fd, b"\n")
    os.close(ready_fd)
