"""`submit_many` of docs/clients.md: no order lost, none doubled, whatever the server answers."""

import json
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from tests.builders import order_text
from tests.e2e.client_programs import program_for_many
from tests.e2e.client_trouble import MANY, Trouble
from tests.e2e.faults import BODIES, RETRIED, Fault, How, Script
from tests.http.conftest import running

TEXTS = [order_text("many-1"), order_text("many-2", amount=0), "no order"]
PROGRAM = program_for_many(f"""
    try:
        print(*(result["status"] for result in submit_many({TEXTS}, "many")))
    except (Refused, Unknown) as outcome:
        print(outcome)
""")
DONE = "QUEUED QUEUED REFUSED\n"


@pytest.fixture
def trouble(tmp_path: Path) -> Iterator[Trouble]:
    with running() as api:
        yield Trouble("python", tmp_path, api)


def test_the_lines_are_handed_in_again_until_each_has_its_result(
    trouble: Trouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, results in (("no results", None), ("a word", "odd"), ("odd results", [7, {}])):
        monkeypatch.setitem(
            BODIES, name, ("application/json", json.dumps({"results": results}).encode())
        )
    faults = [
        Fault(status=status, body=body, taken=index % 2 == 0)
        for index, (status, body) in enumerate(product((202, *RETRIED), BODIES))
    ]
    ends = [Fault(how, taken=True) for how in (How.CUT, How.CLOSE, How.RESET)]

    outcome = trouble.run(Script([*faults, *ends]), PROGRAM)

    assert (outcome.returncode, outcome.stdout, outcome.stderr) == (0, DONE, "")
    assert len({(seen.key, seen.body) for seen in trouble.posts()}) == 1
    trouble.api.process_queue()
    for order_id in ("many-1", "many-2"):
        assert len(trouble.api.records.of(order_id)) == 1


@pytest.mark.parametrize("status", [401, 403, 404, 422])
def test_an_answer_of_who_may_not_call_ends_it_at_once_and_refuses_nothing(
    trouble: Trouble, status: int
) -> None:
    outcome = trouble.run(
        Script([Fault(status=503, taken=True)] + [Fault(status=status)] * MANY), PROGRAM
    )

    assert outcome.stdout.startswith(
        f"some may be queued; submit all again later. Last answer: {status}"
    )
    assert len(trouble.posts()) == 2


def test_a_refused_request_is_a_refusal_that_says_why(trouble: Trouble) -> None:
    outcome = trouble.run(Script([Fault(status=413)]), PROGRAM)

    assert outcome.stdout.startswith("refused: 413 urn:orders:problem:")
