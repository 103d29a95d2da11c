"""Health: whether each thing that the system depends on answers, and how fast."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from enum import StrEnum
from typing import NamedTuple

from chalicelib.unavailable import StoreUnavailable

CHECK_TIME_LIMIT_SECONDS = 1.0

Check = Callable[[], str | None]
"""Makes one call to a dependency: a warning or None; raises StoreUnavailable if it is no use."""


class HealthStatus(StrEnum):
    """As in the health+json draft, from good to bad."""

    PASS = "pass"  # noqa: S105 (a status, not a password)
    WARN = "warn"
    FAIL = "fail"


class CheckResult(NamedTuple):
    """What one check found. `output` is for anyone to see: it names no resource."""

    status: HealthStatus
    observed_ms: int
    output: str | None = None


class HealthReport(NamedTuple):
    """All checks by the name of their dependency."""

    checks: Mapping[str, CheckResult]

    @property
    def status(self) -> HealthStatus:
        """As bad as the worst of the checks."""
        order = list(HealthStatus)
        return max((check.status for check in self.checks.values()), key=order.index)


class Health:
    """Checks all dependencies side by side, so that the slowest one is all that is waited for."""

    def __init__(
        self,
        checks: Mapping[str, Check],
        time_limit_seconds: float = CHECK_TIME_LIMIT_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._checks = checks
        self._time_limit_seconds = time_limit_seconds
        self._clock = clock

    def report(self) -> HealthReport:
        """Run every check, each for at most the time limit. Never raises."""
        started = self._clock()
        # Not used as a context manager: that would wait for a check that hangs.
        executor = ThreadPoolExecutor(max_workers=len(self._checks))
        running = {
            name: executor.submit(self._run, check, started) for name, check in self._checks.items()
        }
        wait(running.values(), timeout=self._time_limit_seconds)
        executor.shutdown(wait=False, cancel_futures=True)
        return HealthReport({name: self._result(future) for name, future in running.items()})

    def _run(self, check: Check, started: float) -> CheckResult:
        try:
            warning = check()
        except StoreUnavailable:
            return CheckResult(HealthStatus.FAIL, self._since(started), "can't be reached")
        status = HealthStatus.WARN if warning else HealthStatus.PASS
        return CheckResult(status, self._since(started), warning)

    def _result(self, future: "Future[CheckResult]") -> CheckResult:
        if future.done():
            return future.result()
        limit_ms = int(self._time_limit_seconds * 1000)
        return CheckResult(HealthStatus.FAIL, limit_ms, f"no answer within {limit_ms} ms")

    def _since(self, started: float) -> int:
        return int((self._clock() - started) * 1000)
