"""Envelopes of other services: each is told from an order, and none is recorded as one."""

import json
from typing import Any

import pytest

from chalicelib.orders.envelopes import envelope_of
from chalicelib.orders.errors import UnreadableOrder
from chalicelib.orders.order import parse_order
from chalicelib.orders.terms import REQUIRED_TERMS
from chalicelib.texts import LANGUAGES, texts_in
from tests.builders import order_fields
from tests.envelopes import BESIDE, ENVELOPES, texts

MEMBERS = [(name, member) for name, envelope in ENVELOPES.items() for member in envelope]
# What their senders put there is JSON of any kind.
OF_ANY_KIND = {"detail", "requestPayload"}


def reason_of(text: str) -> str | None:
    try:
        parse_order(text)
    except UnreadableOrder as unreadable:
        return unreadable.reason
    return None


@pytest.mark.parametrize("name", ENVELOPES)
def test_an_envelope_is_unreadable_and_its_sentence_says_what_to_send(name: str) -> None:
    with pytest.raises(UnreadableOrder) as refused:
        parse_order(texts()[name])

    assert (refused.value.reason, refused.value.field) == ("foreign_envelope", None)
    said = texts_in("en").sentence(refused.value.sentence)
    assert ", not an order: " in said
    assert len({texts_in(each).sentence(refused.value.sentence) for each in LANGUAGES}) == 2


@pytest.mark.parametrize("name", ENVELOPES)
def test_an_envelope_is_known_by_its_members_alone(name: str) -> None:
    assert envelope_of(ENVELOPES[name])


@pytest.mark.parametrize(("name", "member"), MEMBERS)
def test_an_object_that_lacks_a_member_is_no_envelope(name: str, member: str) -> None:
    others = {each: value for each, value in ENVELOPES[name].items() if each != member}

    assert envelope_of(others) is None


@pytest.mark.parametrize(
    ("name", "member"), [each for each in MEMBERS if each[1] not in OF_ANY_KIND]
)
def test_a_member_of_another_kind_makes_no_envelope(name: str, member: str) -> None:
    assert envelope_of({**ENVELOPES[name], member: 7}) is None


@pytest.mark.parametrize("records", [[], ["aws:s3"], [{"s3": {}}], {"eventSource": "aws:s3"}])
def test_records_of_no_source_are_no_envelope(records: Any) -> None:
    assert envelope_of({"Records": records}) is None


@pytest.mark.parametrize("name", ENVELOPES)
def test_a_valid_order_is_never_taken_for_an_envelope(name: str) -> None:
    """Whatever else it carries is kept as sent, and otherwise ignored."""
    text = json.dumps({**ENVELOPES[name], **BESIDE.get(name, {}), **order_fields()})

    assert parse_order(text).valid


@pytest.mark.parametrize("name", ENVELOPES)
@pytest.mark.parametrize("term", sorted(REQUIRED_TERMS))
@pytest.mark.parametrize("value", ["1", "no digits", None])
def test_an_order_with_one_required_term_is_recorded_whatever_the_term_holds(
    name: str, term: str, value: str | None
) -> None:
    text = json.dumps({**ENVELOPES[name], "id": "order-001", term: value})

    assert not parse_order(text).valid


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"id": "order-001"}', None),
        ('{"id": "order-001", "source": "web"}', None),
        ("{}", "missing_id"),
        ('{"detail": {}}', "missing_id"),
        ('{"id": 7}', "bad_id"),
    ],
)
def test_an_order_without_any_term_stays_what_it_was(text: str, reason: str | None) -> None:
    assert reason_of(text) == reason


def test_an_envelope_is_named_as_such_where_its_id_could_be_no_orders() -> None:
    event = {**ENVELOPES["CloudEvents"], "id": "urn:bank:web/7"}

    assert reason_of(json.dumps(event)) == "foreign_envelope"
