"""The checker finds each broken promise, and none that was kept."""

from collections.abc import Sequence

import pytest

from chalicelib.orders.record import Record, Status
from tests.builders import START, order_text, submission
from tests.chaos.checker import Findings, Outside, check
from tests.chaos.clients import Told
from tests.chaos.plan import Handing, make_plan

TAKEN = submission(order_text("order-001"), "s-1")
RECORD = Record.of_first(TAKEN, START)


def told(text: str, *submission_ids: str, kind: str = "new", statuses: Sequence[int] = ()) -> Told:
    handing = Handing(kind, "order-001", text.encode(), "key-1", forgetful=False)
    return Told(handing, list(submission_ids), list(statuses))


def outside(
    *records: Record, objects: dict[str, str] | None = None, dead: Sequence[str] = ()
) -> Outside:
    kept = {r.s3_key: r.payload_sha256 for r in records if r.s3_key}
    return Outside(records, kept if objects is None else objects, dead)


KEPT = told(order_text("order-001"), "s-1")


def test_a_kept_promise_is_no_finding() -> None:
    assert check([KEPT], outside(RECORD)) == Findings()


def test_a_taken_order_without_a_record_is_lost() -> None:
    assert check([KEPT], outside()).lost == ["new s-1"]


def test_a_taken_order_among_the_dead_letters_is_not_lost() -> None:
    assert check([KEPT], outside(dead=[TAKEN.order.payload_sha256])).nothing


def test_a_submission_with_two_records_is_reported_as_doubled() -> None:
    own = RECORD._replace(record_id="2#s-1", status=Status.DUPLICATE, is_duplicate=True)

    assert check([KEPT], outside(RECORD, own)).doubled == ["new s-1"]


@pytest.mark.parametrize(("unanswered", "doubled"), [(0, 2), (1, 1), (2, 0), (3, 0)])
def test_an_unanswered_submission_has_at_most_one_record(unanswered: int, doubled: int) -> None:
    text = order_text("order-001")
    others = [
        RECORD._replace(
            record_id=f"2#{name}",
            submission_id=name,
            status=Status.DUPLICATE,
            is_duplicate=True,
        )
        for name in ("s-2", "s-3")
    ]

    findings = check([KEPT, *[told(text)] * unanswered], outside(RECORD, *others))

    assert len(findings.doubled) == doubled


def test_a_record_of_a_refused_order_is_reported_as_doubled() -> None:
    refused = told(order_text("order-001"), statuses=[503, 400])

    assert len(check([refused], outside(RECORD)).doubled) == 1
    assert check([refused], outside()).nothing


def test_a_record_that_nobody_handed_in_is_invented() -> None:
    assert check([], outside(RECORD)).invented == [RECORD.payload_sha256]


def test_an_unreadable_message_that_is_no_dead_letter_is_lost() -> None:
    unreadable = told("[]", "s-9", kind="unreadable")

    assert check([unreadable], outside()).lost == ["unreadable s-9"]
    assert check([unreadable], outside(dead=[unreadable.handing.sha256])).nothing


@pytest.mark.parametrize(
    "records",
    [
        [RECORD, RECORD._replace(record_id="1#CORRECTION", is_duplicate=True)],
        [RECORD._replace(status=Status.DUPLICATE)],
        [RECORD._replace(is_duplicate=True)],
    ],
    ids=["two accepted", "none accepted", "no original"],
)
def test_the_checker_finds_a_misjudged_order(records: list[Record]) -> None:
    assert check([KEPT], outside(*records)).misjudged == ["order-001"]


@pytest.mark.parametrize("objects", [{}, {TAKEN.archive_key: "of other bytes"}])
def test_the_checker_finds_an_object_with_other_bytes(objects: dict[str, str]) -> None:
    assert len(check([KEPT], outside(RECORD, objects=objects)).wrong_objects) == 1


def test_one_key_with_two_submissions_is_a_faulty_answer() -> None:
    both = told(order_text("order-001"), "s-1", "s-1", "s-2")

    assert len(check([both], outside(RECORD)).faulty_answers) == 1


@pytest.mark.parametrize(("status", "faulty"), [(202, 0), (400, 0), (503, 0), (500, 1), (404, 1)])
def test_the_checker_finds_an_undocumented_answer(status: int, faulty: int) -> None:
    unexpected = told(order_text("order-001"), "s-1", statuses=[status])

    assert len(check([unexpected], outside(RECORD)).faulty_answers) == faulty


def test_the_seed_decides_the_plan() -> None:
    plan = make_plan(seed=7, orders=400, clients=8)

    assert plan == make_plan(seed=7, orders=400, clients=8)
    assert plan != make_plan(seed=8, orders=400, clients=8)
    assert sum(map(len, plan)) == 400
    assert {handing.kind for handings in plan for handing in handings} == {
        "new",
        "resent",
        "conflicting",
        "invalid",
        "corrected",
        "unreadable",
    }
