"""Attributes of messages: whatever a sender puts beside an order, the order is what its text is."""

from typing import Any

import pytest

from chalicelib.services.message_attributes import SUBMISSION_ATTRIBUTES
from tests.builders import order_text
from tests.hostile.conftest import System


def string(value: str, data_type: str = "String") -> dict[str, Any]:
    return {"DataType": data_type, "StringValue": value}


# Each in a form that SQS takes.
CLAIMS = {
    "a binary": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
    "a binary of a type of its own": {"DataType": "Binary.png", "BinaryValue": b"web"},
    "a number": string("-1e5", "Number"),
    "a type of its own": string("\u2028", "String.\u00f1"),
    "a brace": string('{"channel":'),
    "a blank": string(" "),
    "characters of four bytes": string("\U0001f600" * 2_049),
    # The most that fits five times beside the order.
    "the largest": string("x" * 45_000),
}


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=CLAIMS)
def test_no_claim_changes_what_becomes_of_an_order(system: System, claim: dict[str, Any]) -> None:
    name = f"claims-{[*CLAIMS.values()].index(claim)}"
    claims = {
        attribute: claim
        for attribute in (*SUBMISSION_ATTRIBUTES, "traceparent")
        if attribute != "submissionId"
    }
    identity = {"submissionId": string(name)}

    system.send_typed(order_text(name), {**claims, **identity})
    (claiming,) = system.api.records(name, 1)
    system.send_typed(order_text(name), identity)
    system.send_typed(order_text(name), {**identity, "channel": string("atm")})
    system.settle()

    (record,) = system.api.records(name, 1)
    assert record == claiming
    assert (record["status"], record["errors"], record["channel"]) == ("ACCEPTED", [], None)
    assert {"channel", "receivedAt"} <= {*record["ignoredAttributes"]} <= {*SUBMISSION_ATTRIBUTES}
    assert len(record["submittedBy"] or "") <= 2_048


def test_an_order_with_unusable_claims_under_anothers_id_does_not_reject_it(
    system: System,
) -> None:
    name, identity = "claims-guessed", {"submissionId": string("guessed")}
    system.send_typed(order_text(name, amount=0), {"submissionId": string("before")})
    system.api.records(name, 1)

    system.send_typed(order_text(name), {**identity, "channel": string("ATM")})
    system.api.records(name, 2)
    system.send_typed(order_text(name), {**identity, "channel": string("atm")})
    system.settle()

    assert [r["status"] for r in system.api.records(name, 2)] == ["REJECTED", "ACCEPTED"]
