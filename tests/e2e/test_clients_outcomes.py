"""The clients of docs/clients.md tell recorded, refused and not known yet apart."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.client_programs import EXAMPLES
from tests.e2e.client_trouble import (
    MANY,
    NAMES,
    ORDERS,
    RECORDED,
    REFUSED,
    TAKEN_UNANSWERED,
    UNKNOWN,
    Trouble,
    every_language,
)
from tests.e2e.faults import BODIES, RETRY_AFTER, Fault, How, Script
from tests.http.conftest import running


@pytest.fixture
def trouble(tmp_path: Path, language: str) -> Iterator[Trouble]:
    with running() as api:
        yield Trouble(language, tmp_path, api)


@every_language
@pytest.mark.parametrize("body", ["problem", "html", "empty", "odd members", "truncated gzip"])
def test_a_refusal_of_the_first_attempt_is_a_refusal(trouble: Trouble, body: str) -> None:
    refusals = [Fault(status=status, body=body) for status in (400, 403)]

    outcome = trouble.run(Script(refusals))

    assert outcome.returncode == REFUSED
    assert "refused: 400" in outcome.stderr
    assert len(trouble.posts()) == len(ORDERS[trouble.language])


@every_language
def test_a_key_that_has_other_bytes_is_a_refusal_that_says_so(
    trouble: Trouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    reused = json.dumps({"type": "urn:orders:problem:idempotency-key-reused", "detail": "x"})
    monkeypatch.setitem(BODIES, "reused", ("application/problem+json", reused.encode()))

    outcome = trouble.run(Script([TAKEN_UNANSWERED, *[Fault(status=422, body="reused")] * 2]))

    assert outcome.returncode == REFUSED
    assert "idempotency-key-reused" in outcome.stderr


@every_language
def test_a_judgement_of_the_api_is_a_refusal_also_after_an_attempt_without_an_answer(
    trouble: Trouble,
) -> None:
    outcome = trouble.run(Script([Fault(How.CLOSE), *[Fault(status=400)] * 2]))

    assert outcome.returncode == REFUSED
    assert "refused: 400" in outcome.stderr


@every_language
@pytest.mark.parametrize("fault", [Fault(status=403), Fault(status=400, body="html")])
def test_a_4xx_after_an_attempt_without_an_answer_does_not_give_the_order_up(
    trouble: Trouble, fault: Fault
) -> None:
    """The first attempt may be queued: a signature that has expired since says nothing of it."""
    outcome = trouble.run(Script([TAKEN_UNANSWERED, fault]))

    assert outcome.returncode == UNKNOWN
    assert "may be queued" in outcome.stderr
    assert str(fault.status) in outcome.stderr

    # Nor does it when the program is started again.
    assert trouble.run(Script([fault])).returncode == UNKNOWN
    assert trouble.run(Script()).returncode == RECORDED
    trouble.assert_each_order_is_recorded_once()


@every_language
def test_a_client_that_runs_out_of_patience_keeps_the_order_and_says_so(trouble: Trouble) -> None:
    outcome = trouble.run(Script([Fault(status=503, taken=True)] * MANY), patience=1)

    assert outcome.returncode == UNKNOWN
    assert "may be queued; submit it again later. Last answer: 503" in outcome.stderr

    assert trouble.run(Script()).returncode == RECORDED
    trouble.assert_each_order_is_recorded_once()


@every_language
@pytest.mark.parametrize("retry_after", ["86400", "9" * 400, "Sat, 01 Jan 2124 00:00:00 GMT"])
def test_a_client_does_not_outstay_its_patience(
    trouble: Trouble, monkeypatch: pytest.MonkeyPatch, retry_after: str
) -> None:
    monkeypatch.setitem(RETRY_AFTER, "long", lambda: retry_after)

    outcome = trouble.run(Script([Fault(status=429, retry_after="long")] * 2))

    assert outcome.returncode == UNKNOWN
    assert len(trouble.posts()) == len(ORDERS[trouble.language])


@every_language
def test_a_client_says_where_to_ask_for_an_order_that_is_queued(trouble: Trouble) -> None:
    trouble.stuck = True

    outcome = trouble.run(Script(), patience=1)

    assert outcome.returncode == UNKNOWN
    assert "is queued, not recorded yet; ask again at http://" in outcome.stderr
    assert "/submissions/" in outcome.stderr

    trouble.stuck = False
    assert trouble.run(Script()).returncode == RECORDED
    trouble.assert_each_order_is_recorded_once()


@every_language
def test_a_client_does_not_take_a_refused_reading_for_a_refused_order(trouble: Trouble) -> None:
    outcome = trouble.run(Script(gets=[Fault(status=403)] * MANY), patience=1)

    assert outcome.returncode == UNKNOWN
    assert "is queued" in outcome.stderr


@every_language
def test_a_client_hands_in_later_if_nobody_listens(trouble: Trouble) -> None:
    outcome = trouble.run_without_server()

    assert outcome.returncode == UNKNOWN

    assert trouble.run(Script()).returncode == RECORDED
    trouble.assert_each_order_is_recorded_once()


@every_language
@pytest.mark.parametrize(
    ("script", "posts", "gets"),
    [
        pytest.param(Script([Fault(How.HANG)]), 1, 0, id="before the API has it"),
        pytest.param(Script([Fault(How.HANG, taken=True)]), 1, 0, id="before its answer"),
        pytest.param(Script(gets=[Fault(How.HANG)]), 1, 1, id="before its record"),
    ],
)
def test_a_client_that_is_killed_and_started_again_hands_in_once(
    trouble: Trouble, script: Script, posts: int, gets: int
) -> None:
    trouble.kill(script, posts, gets)

    assert trouble.run(Script()).returncode == RECORDED
    trouble.assert_each_order_is_recorded_once()


@every_language
def test_a_client_goes_on_with_what_an_earlier_run_left(trouble: Trouble) -> None:
    program = EXAMPLES[trouble.language][0]
    earlier = program.replace(f"{NAMES[trouble.language]}-1", "earlier-1")
    assert trouble.run_without_server(earlier).returncode == UNKNOWN

    outcome = trouble.run(Script())

    assert outcome.returncode == RECORDED
    assert "earlier-1" in outcome.stdout
    assert [str(each.status) for each in trouble.api.records.of("earlier-1")] == ["ACCEPTED"]


@every_language
def test_an_order_that_can_not_be_kept_is_not_handed_in(trouble: Trouble) -> None:
    """Nor does the program end as if it were recorded, or refused."""
    for name in ("outbox", "outbox-javascript", "outbox.sqlite"):
        (trouble.directory / name).touch(mode=0o400)
    (trouble.directory / "outbox.sqlite").write_bytes(b"no database")

    outcome = trouble.run(Script())

    assert outcome.returncode not in (RECORDED, REFUSED)
    assert not trouble.posts()


@every_language
def test_an_order_that_is_recorded_is_not_handed_in_again(trouble: Trouble) -> None:
    trouble.run(Script())
    count = len(trouble.seen)

    outcome = trouble.run(Script())

    assert outcome.returncode == RECORDED
    assert len(trouble.seen) == count
