"""Health: as bad as the worst dependency, and never slower than the limit."""

import threading
import time

import pytest

from chalicelib.http.representation import health_json
from chalicelib.services.health import Health, HealthStatus, checks_of
from chalicelib.services.unavailable import StoreUnavailable
from tests.builders import sqs_message
from tests.fakes import FakeArchive, FakeQueue, FakeRecordStore


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
def test_the_status_is_as_bad_as_the_worst_check(
    checks: list[object], status: HealthStatus
) -> None:
    report = Health({f"check-{n}": check for n, check in enumerate(checks)}).report()  # type: ignore[misc]

    assert report.status is status


def test_a_report_has_a_result_for_each_check() -> None:
    report = Health({"good": good, "warned": warned, "broken": broken}).report()

    assert {name: check.status.value for name, check in report.checks.items()} == {
        "good": "pass",
        "warned": "warn",
        "broken": "fail",
    }
    assert report.checks["warned"].output == "is not empty"


def test_a_report_names_no_resource() -> None:
    report = Health({"bucket": broken}).report()

    assert report.checks["bucket"].output == "can't be reached"
    assert "orders-prod" not in str(health_json(report))


def test_a_report_keeps_the_failure_for_operators() -> None:
    report = Health({"bucket": broken, "queue": good}).report()

    assert "404" in str(report.checks["bucket"].failure)
    assert report.checks["queue"].failure is None


def test_the_checks_run_side_by_side() -> None:
    meeting = threading.Barrier(3, timeout=5)

    def meet() -> None:
        meeting.wait()

    report = Health({"a": meet, "b": meet, "c": meet}).report()

    assert report.status is HealthStatus.PASS


def test_a_hanging_check_fails_at_the_limit_and_delays_no_other() -> None:
    released = threading.Event()

    def hang() -> None:
        released.wait(timeout=30)

    # On a busy machine the good one may take a while, too.
    report = Health({"good": good, "hanging": hang}, time_limit_seconds=0.5).report()
    released.set()

    assert report.checks["good"].status is HealthStatus.PASS
    assert report.checks["hanging"].status is HealthStatus.FAIL
    assert report.checks["hanging"].output == "no answer within 500 ms"
    assert report.checks["hanging"].observed_ms == 500


def test_a_report_has_the_time_that_each_check_took() -> None:
    def slow() -> None:
        time.sleep(0.02)

    report = Health({"slow": slow}).report()

    assert report.checks["slow"].observed_ms >= 20


def statuses_of(queue: FakeQueue, archive: FakeArchive, records: FakeRecordStore) -> dict[str, str]:
    checks = Health(checks_of(queue, archive, records)).report().checks
    return {name: check.status.value for name, check in checks.items()}


def test_each_dependency_has_a_check() -> None:
    queue, archive, records = FakeQueue(), FakeArchive(), FakeRecordStore()
    good = {"queue": "pass", "deadLetterQueue": "pass", "bucket": "pass", "table": "pass"}

    assert statuses_of(queue, archive, records) == good
    with archive.outage():
        assert statuses_of(queue, archive, records) == {**good, "bucket": "fail"}
    with records.outage():
        assert statuses_of(queue, archive, records) == {**good, "table": "fail"}
    with queue.outage():
        failed = {**good, "queue": "fail", "deadLetterQueue": "fail"}
        assert statuses_of(queue, archive, records) == failed


def test_a_dead_letter_is_a_warning_and_a_waiting_order_is_none() -> None:
    queue = FakeQueue()
    queue.send("{}", {})
    queue.send_to_dead_letters(sqs_message("["), {})

    statuses = statuses_of(queue, FakeArchive(), FakeRecordStore())

    assert (statuses["queue"], statuses["deadLetterQueue"]) == ("pass", "warn")
