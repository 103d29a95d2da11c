"""Keeps an eye on child processes until one ends."""

import time
from collections.abc import Sequence

from ops.local.processes import ChildProcess

GLANCE_SECONDS = 0.2


def wait_until_one_ends(processes: Sequence[ChildProcess]) -> ChildProcess:
    """Wait for a process that crashed or was ended from outside: none is meant to end."""
    while True:
        for process in processes:
            if not process.is_running:
                return process
        time.sleep(GLANCE_SECONDS)
