"""The clients of docs/clients.md try again, whatever goes wrong: no order lost, none doubled."""

from collections.abc import Iterator
from itertools import pairwise, product
from pathlib import Path
from random import Random

import pytest

from tests.e2e.client_trouble import ORDERS, RECORDED, SHORT, Trouble, every_language
from tests.e2e.faults import BODIES, PROMPT, RETRIED, RETRY_AFTER, Fault, How, Script
from tests.http.conftest import running


@pytest.fixture
def trouble(tmp_path: Path, language: str) -> Iterator[Trouble]:
    with running() as api:
        yield Trouble(language, tmp_path, api)


def random_script(seed: int) -> Script:
    dice = Random(seed)  # noqa: S311 (no secret)
    return Script([_fault(dice) for _ in range(12)], [_fault(dice) for _ in range(8)])


def _fault(dice: Random) -> Fault:
    # A server that keeps silent costs the test a time-out.
    slow = (How.HANG, How.DRIP, How.DRIP_HEAD)
    quick = (How.WHOLE, How.CUT, How.RESET, How.CLOSE)
    how = dice.choice(slow if dice.random() < 0.1 else quick)
    taken = dice.random() < 0.5
    # The API's own answer, cut off, or another's 200 or 202.
    status = 0 if taken and how is not How.WHOLE else dice.choice((*RETRIED, 200, 202))
    return Fault(how, status, dice.choice(tuple(BODIES)), dice.choice(PROMPT), taken)


@every_language
@pytest.mark.parametrize("seed", range(5))
def test_an_order_is_recorded_once_whatever_goes_wrong(trouble: Trouble, seed: int) -> None:
    outcome = trouble.run(random_script(seed), timeout=SHORT)

    assert (outcome.returncode, outcome.stderr) == (RECORDED, "")
    trouble.assert_each_order_is_recorded_once()


@every_language
def test_a_client_tries_again_after_each_kind_of_answer(trouble: Trouble) -> None:
    kinds = [
        Fault(status=status, body=body, taken=index % 2 == 0)
        for index, (status, body) in enumerate(product((302, *RETRIED), BODIES))
    ]

    outcome = trouble.run(Script(kinds, [Fault(status=404), *kinds[::10]]))

    assert (outcome.returncode, outcome.stderr) == (RECORDED, "")
    assert len(trouble.posts()) == len(kinds) + len(ORDERS[trouble.language])
    trouble.assert_each_order_is_recorded_once()


@every_language
def test_a_client_tries_again_however_an_attempt_ends(trouble: Trouble) -> None:
    ends = [Fault(how, status=500) for how in How] + [
        Fault(how, taken=True) for how in How if how is not How.WHOLE
    ]

    outcome = trouble.run(Script(ends, ends[: len(How)]), timeout=SHORT)

    assert (outcome.returncode, outcome.stderr) == (RECORDED, "")
    assert len(trouble.posts()) >= len(ends) + len(ORDERS[trouble.language])
    trouble.assert_each_order_is_recorded_once()


@every_language
def test_a_client_waits_as_long_as_retry_after_says_in_each_of_its_forms(trouble: Trouble) -> None:
    forms = list(RETRY_AFTER)

    outcome = trouble.run(Script([Fault(status=503, retry_after=form) for form in forms]))

    assert (outcome.returncode, outcome.stderr) == (RECORDED, "")
    gaps = [later.at - seen.at for seen, later in pairwise(trouble.posts())]
    waited = {form for form, gap in zip(forms, gaps, strict=False) if gap >= 0.9}
    assert waited >= set(forms) - set(PROMPT)


@every_language
def test_a_client_waits_a_random_time_of_no_more_than_the_longest(trouble: Trouble) -> None:
    faults = [Fault(status=502, body="html")] * 6

    trouble.run(Script(faults), longest_wait=1)

    gaps = [later.at - seen.at for seen, later in pairwise(trouble.posts()[: len(faults)])]
    # Without its jitter it waits a second each time.
    assert min(gaps) < 0.9
    assert max(gaps) > min(gaps) + 0.1
