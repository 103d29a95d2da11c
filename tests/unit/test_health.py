"""Health: as bad as the worst dependency, and never slower than the limit."""

import threading
import time

import pytest

from chalicelib.health import Health, HealthStatus
from chalicelib.unavailable import StoreUnavailable


def good() -> None:
    return None


def warned() -> str:
    return "is not empty"


def broken() -> None:
    raise StoreUnavailable("S3 HeadBucket: 404 of bucket orders-prod")


@pytest.mark.parametrize(
    ("checks", "status"),
    [
        ([good, good], HealthStatus.PASS),
        ([good, warned], HealthStatus.WARN),
        ([warned, broken, good], HealthStatus.FAIL),
    ],
)
def test_the_whole_is_as_bad_as_the_worst_part(checks: list[object], status: HealthStatus) -> None:
    report = Health({f"check-{n}": check for n, check in enumerate(checks)}).report()  # type: ignore[misc]

    assert report.status is status


def test_each_part_is_told_by_itself() -> None:
    report = Health({"good": good, "warned": warned, "broken": broken}).report()

    assert {name: check.status.value for name, check in report.checks.items()} == {
        "good": "pass",
        "warned": "warn",
        "broken": "fail",
    }
    assert report.checks["warned"].output == "is not empty"


def test_what_is_wrong_is_said_without_the_name_of_a_resource() -> None:
    report = Health({"bucket": broken}).report()

    assert report.checks["bucket"].output == "can't be reached"


def test_the_checks_run_side_by_side() -> None:
    meeting = threading.Barrier(3, timeout=5)

    def meet() -> None:
        meeting.wait()

    report = Health({"a": meet, "b": meet, "c": meet}).report()

    assert report.status is HealthStatus.PASS


def test_a_check_that_hangs_fails_at_the_limit_and_holds_no_other_up() -> None:
    released = threading.Event()

    def hang() -> None:
        released.wait(timeout=30)

    report = Health({"good": good, "hanging": hang}, time_limit_seconds=0.05).report()
    released.set()

    assert report.checks["good"].status is HealthStatus.PASS
    assert report.checks["hanging"].status is HealthStatus.FAIL
    assert report.checks["hanging"].output == "no answer within 50 ms"
    assert report.checks["hanging"].observed_ms == 50


def test_the_time_of_each_check_is_observed() -> None:
    def slow() -> None:
        time.sleep(0.02)

    report = Health({"slow": slow}).report()

    assert report.checks["slow"].observed_ms >= 20
