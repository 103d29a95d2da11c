"""Health: whether each dependency of the system answers, and how fast."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from enum import StrEnum
from typing import NamedTuple, Protocol

from chalicelib.services.unavailable import StoreUnavailable

CHECK_TIME_LIMIT_SECONDS = 1.0

Check = Callable[[], str | None]
"""Makes one call to a dependency: a warning or None; raises StoreUnavailable if it is no use."""


class Queue(Protocol):
    """The orders' queue and its dead-letter queue, as far as their health shows."""

    def waiting(self) -> int: ...
    def dead_letters_waiting(self) -> int: ...


class Store(Protocol):
    """A bucket or a table, as far as its health shows."""

    def check(self) -> None: ...


class HealthStatus(StrEnum):
    """As in the health+json draft, from good to bad."""

    PASS = "pass"  # noqa: S105 (a status, not a password)
    WARN = "warn"
    FAIL = "fail"


def checks_of(queue: Queue, archive: Store, records: Store) -> Mapping[str, Check]:
    """Make the check of each dependency, by the name that a report gives it."""

    def check_queue() -> None:
        queue.waiting()

    def check_dead_letters() -> str | None:
        return "is not empty" if queue.dead_letters_waiting() else None

    return {
        "queue": check_queue,
        "deadLetterQueue": check_dead_letters,
        "bucket": archive.check,
        "table": records.check,
    }


class CheckResult(NamedTuple):
    """
    The finding of one check. `output` is for anyone to see: it names no resource.

    `failure` is for operators alone, who are told if it is their own rights that do not suffice.
    """

    status: HealthStatus
    observed_ms: int
    output: str | None = None
    failure: StoreUnavailable | None = None


class HealthReport(NamedTuple):
    """All checks by the name of their dependency."""

    checks: Mapping[str, CheckResult]

    @property
    def status(self) -> HealthStatus:
        """The status of the worst check."""
        order = list(HealthStatus)
        return max((check.status for check in self.checks.values()), key=order.index)


class Health:
    """Checks all dependencies side by side, so that the report waits for the slowest one only."""

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
        # No `with` block: its end would wait for a check that hangs.
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
        except StoreUnavailable as error:
            return CheckResult(HealthStatus.FAIL, self._since(started), "can't be reached", error)
        status = HealthStatus.WARN if warning else HealthStatus.PASS
        return CheckResult(status, self._since(started), warning)

    def _result(self, future: "Future[CheckResult]") -> CheckResult:
        if future.done():
            return future.result()
        limit_ms = int(self._time_limit_seconds * 1000)
        return CheckResult(HealthStatus.FAIL, limit_ms, f"no answer within {limit_ms} ms")

    def _since(self, started: float) -> int:
        return int((self._clock() - started) * 1000)
