"""
A search for records: by their terms, and by who handed them in.

Only operators may ask for an account, so the API's filter has none of this. What that filter has,
such as the channel, is no part of a search.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, Self

from chalicelib.orders.errors import FieldError, sentence
from chalicelib.orders.terms import TERMS, Value, shown
from chalicelib.services.claims import MAX_CALLER_CHARACTERS
from chalicelib.services.queries import AuditFilter

if TYPE_CHECKING:
    from collections.abc import Mapping

SENDER = "submittedBy"
ROLE = re.compile(
    r"arn:(?P<partition>[a-z-]+):iam::(?P<account>[0-9]{12}):role/(?:.*/)?(?P<name>.+)"
)
SESSIONS_OF_ROLE = re.compile(r"arn:[a-z-]+:sts::[0-9]{12}:assumed-role/[^/]+")
# As SQS names who sent a message; behind a colon follows the session of a role.
SENDER_ID = re.compile(r"[A-Z0-9]{12,128}")
TYPED = re.compile(rf"[!-)+-~]{{1,{MAX_CALLER_CHARACTERS}}}")


class BadSearch(ValueError):
    """A search can't be made: `errors` lists what is wrong, by the names of `search_names`."""

    def __init__(self, errors: list[FieldError]) -> None:
        super().__init__(", ".join(error.field for error in errors))
        self.errors = errors


class Sender(NamedTuple):
    """Whoever handed an order in: this one, or whose name begins with the one of `sessions`."""

    name: str
    sessions: str | None = None

    @classmethod
    def of(cls, text: str) -> Self:
        """Read a name. That of a role stands for all its sessions."""
        role = ROLE.fullmatch(text)
        if role:
            text = f"arn:{role['partition']}:sts::{role['account']}:assumed-role/{role['name']}"
        if SESSIONS_OF_ROLE.fullmatch(text):
            return cls(text, f"{text}/")
        return cls(text, f"{text}:" if SENDER_ID.fullmatch(text) else None)


class Wanted(NamedTuple):
    """
    A search: a record is found that has all of it.

    `terms` has values by the names of `term_kinds`: one of the kind's terms has the value.
    """

    terms: Mapping[str, Value] = MappingProxyType({})
    sender: Sender | None = None

    @property
    def accounts(self) -> dict[str, str]:
        """The values that people see masked elsewhere, by the names of their kinds."""
        masked = masked_kinds()
        return {name: str(value) for name, value in self.terms.items() if name in masked}


ANYTHING = Wanted()


def term_kinds() -> dict[str, list[str]]:
    """Name the terms of each kind that can be searched for. The API's filter has the others."""
    kinds: dict[str, list[str]] = {}
    for name, term in TERMS.items():
        if name not in AuditFilter._fields:
            kinds.setdefault(term.kind or name, []).append(name)
    return kinds


def masked_kinds() -> set[str]:
    """Name the kinds whose values people see masked."""
    return {kind for kind, (name, *_) in term_kinds().items() if TERMS[name].masked}


def search_names() -> list[str]:
    """Name all that can be searched for."""
    return [*term_kinds(), SENDER]


def read_wanted(given: Mapping[str, str]) -> Wanted:
    """
    Read a search from texts by the names of `search_names`: each as an order's JSON may have it.

    Raises:
        BadSearch: a value is none that a record can have.
    """
    terms: dict[str, Value] = {}
    errors: list[FieldError] = []
    for kind, (name, *_) in term_kinds().items():
        if kind in given:
            terms[kind], wrong = TERMS[name].rule(kind, given[kind])
            errors += wrong
    sender = given.get(SENDER)
    if sender is not None and not TYPED.fullmatch(sender):
        why = sentence("parameter.bad", rule=sentence("rule.sender"), got=shown(sender))
        errors.append(FieldError(SENDER, "bad_sender", why))
    if errors:
        raise BadSearch(errors)
    return Wanted(terms, Sender.of(sender) if sender else None)
