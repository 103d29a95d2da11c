"""The clients of a chaos run live with any answer: one that dies hands in no more orders."""

import json

import pytest

from tests.chaos.clients import HttpClient, Outcome, Told
from tests.chaos.plan import Handing
from tests.e2e.faults import BODIES, Fault, How, Script
from tests.e2e.misbehaving import MisbehavingServer, Reply

HANDING = Handing("new", "order-001", b"{}", "key-1", forgetful=False)
RECEIPT = Reply(
    202, {"Content-Type": "application/json"}, json.dumps({"submissionId": "s"}).encode()
)


def told_of(fault: Fault) -> tuple[bool, Told]:
    told = Told(HANDING)
    with MisbehavingServer(lambda *_: RECEIPT, Script([fault])) as server:
        return HttpClient("client", [HANDING], 1, server.url)._answered(told), told


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("status", [202, 403, 408, 429, 500, 502, 503, 504])
def test_an_answer_that_is_not_the_apis_own_settles_nothing(status: int, body: str) -> None:
    settled, told = told_of(Fault(status=status, body=body))

    assert not settled
    assert told.outcome is Outcome.UNANSWERED


@pytest.mark.parametrize("how", [How.CUT, How.RESET, How.CLOSE])
def test_half_an_answer_settles_nothing(how: How) -> None:
    settled, told = told_of(Fault(how, taken=True))

    assert not settled
    assert (told.outcome, told.broken_off) == (Outcome.UNANSWERED, 1)


@pytest.mark.parametrize("status", [400, 413, 415, 422])
@pytest.mark.parametrize("body", BODIES)
def test_a_refusal_settles_it_whatever_its_body(status: int, body: str) -> None:
    settled, told = told_of(Fault(status=status, body=body))

    assert settled
    assert told.outcome is Outcome.REFUSED
