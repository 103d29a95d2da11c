"""
A share of a core, as Lambda gives it: 512 MB get 512 / 1769 of a vCPU.

Lambda sets a quota for each short period (Linux's CFS bandwidth control). Waiting costs nothing. A
process that has used its quota up stands still until the next period. This module needs no right to
set control groups: it reads the process's CPU clock each half millisecond, and stops and continues
it by signals. It takes an overrun off the next quota.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

# Source: "Configure Lambda function memory": at 1,769 MB a function has one vCPU.
MEGABYTES_PER_VCPU = 1769
PERIOD_SECONDS = 0.020
GLANCE_SECONDS = 0.0005


class CpuShare:
    """A limit that holds a process to a share of a core, as long as the `with` block lasts."""

    def __init__(self, pid: int, memory_mb: int) -> None:
        self._pid = pid
        self._quota_seconds = PERIOD_SECONDS * min(1.0, memory_mb / MEGABYTES_PER_VCPU)
        self._over = threading.Event()
        self._watch = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._watch.start()
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _value: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._over.set()
        self._watch.join()
        self._signal(signal.SIGCONT)

    def _run(self) -> None:
        # A process that has ended has no clock.
        with suppress(OSError):
            self._hold()

    def _hold(self) -> None:
        left, used, period_ends = self._quota_seconds, cpu_seconds(self._pid), time.monotonic()
        stopped = False
        while not self._over.is_set():
            if time.monotonic() >= period_ends:
                period_ends += PERIOD_SECONDS
                left = min(self._quota_seconds, left + self._quota_seconds)
                if stopped and left > 0:
                    self._signal(signal.SIGCONT)
                    stopped = False
            time.sleep(GLANCE_SECONDS)
            now = cpu_seconds(self._pid)
            left, used = left - (now - used), now
            if left <= 0 and not stopped:
                self._signal(signal.SIGSTOP)
                stopped = True

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.kill(self._pid, number)


def cpu_seconds(pid: int) -> float:
    """Read the CPU time that another process has used so far, all of its threads together."""
    # How Linux numbers the CPU clock of another process; see clock_getcpuclockid(3).
    return time.clock_gettime((~pid << 3) | 2)
