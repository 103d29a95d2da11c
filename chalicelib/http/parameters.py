"""The parameters of the routes, checked: all their errors are reported at once."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from types import MappingProxyType
from typing import NamedTuple, TypeVar

from chalicelib.orders.errors import FieldError, Sentence, sentence
from chalicelib.orders.order import is_order_id, shown_id
from chalicelib.orders.record import Status
from chalicelib.orders.submission import MAX_SUBMISSION_ID_CHARACTERS, is_well_formed_id
from chalicelib.orders.terms import CHANNELS
from chalicelib.services.queries import (
    DEFAULT_DAYS,
    DEFAULT_LIMIT,
    MAX_LIMIT,
    AuditFilter,
    AuditQuery,
)
from chalicelib.services.waiting import MAX_WAIT_SECONDS

INTAKE_PARAMETERS = ("dryRun",)
HISTORY_PARAMETERS = ("limit", "cursor")
AUDIT_PARAMETERS = ("status", "valid", "isDuplicate", "channel", "from", "to", "limit", "cursor")
SUBMISSION_PARAMETERS = ("payloadSha256", "wait")

LIMIT = re.compile(r"[1-9][0-9]{0,2}")
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
WAIT = re.compile(r"[1-9][0-9]?")
SHA256 = re.compile(r"[0-9a-f]{64}")
BOOLEANS = {"true": True, "false": False}
SHOWN_CHARACTERS = 40
SHOWN_VALUES = 5

# Parameters that are given once, and repeated parameters with all their values.
Parameters = Mapping[str, str]
Repeated = Mapping[str, Sequence[str]]
NONE: Repeated = MappingProxyType({})

Value = TypeVar("Value")
Default = TypeVar("Default")


class InvalidParameters(ValueError):
    """
    Parameters of a request that can't be used: `errors` lists each one.

    `consequence` says what it means for the request, where that is not plain.
    """

    def __init__(self, errors: list[FieldError], consequence: Sentence | None = None) -> None:
        super().__init__(", ".join(error.field for error in errors))
        self.errors = errors
        self.consequence = consequence


class _Reader:
    """Reads parameters one by one, and collects their errors."""

    def __init__(self, parameters: Parameters, repeated: Repeated, known: tuple[str, ...]) -> None:
        self._parameters = parameters
        self.errors: list[FieldError] = []
        for name in (*parameters, *repeated):
            if name not in known:
                why = sentence("parameter.unknown", known=", ".join(known))
                self.fail(name, "unknown_parameter", why)
        for name, values in repeated.items():
            if name in known:
                why = sentence("parameter.repeated", got=_allshown_value(values))
                self.fail(name, "repeated_parameter", why)

    def read(
        self, name: str, parse: Callable[[str], Value], default: Default, code: str, rule: Sentence
    ) -> Value | Default:
        text = self._parameters.get(name)
        if text is None:
            return default
        try:
            return parse(text)
        except (ValueError, KeyError):
            self.fail(name, code, sentence("parameter.bad", rule=rule, got=shown_value(text)))
            return default

    def limit(self) -> int:
        rule = sentence("rule.limit", most=MAX_LIMIT)
        return self.read("limit", _limit, DEFAULT_LIMIT, "bad_limit", rule)

    def boolean(self, name: str) -> bool | None:
        return self.read(name, BOOLEANS.__getitem__, None, "bad_boolean", sentence("rule.boolean"))

    def require_order_id(self, order_id: str) -> None:
        if not is_order_id(order_id):
            self.fail("orderId", "bad_id", sentence("parameter.bad_id", got=shown_id(order_id)))

    def fail(self, name: str, code: str, why: Sentence) -> None:
        self.errors.append(FieldError(name, code, why))

    def raise_if_wrong(self, consequence: Sentence | None = None) -> None:
        if self.errors:
            raise InvalidParameters(self.errors, consequence)


def is_dry_run(parameters: Parameters, repeated: Repeated = NONE) -> bool:
    """
    Say whether an order is only to be judged. Any doubt is refused: it might queue an order.

    Raises:
        InvalidParameters: a parameter can't be used; nothing was queued.
    """
    reader = _Reader(parameters, repeated, INTAKE_PARAMETERS)
    dry_run = reader.boolean("dryRun")
    reader.raise_if_wrong(sentence("parameter.nothing_queued"))
    return dry_run is True


def history_limit(order_id: str, parameters: Parameters, repeated: Repeated = NONE) -> int:
    """
    Read how many records of an order's history to answer with.

    Raises:
        InvalidParameters: a parameter, or the order id, can't be used.
    """
    reader = _Reader(parameters, repeated, HISTORY_PARAMETERS)
    limit = reader.limit()
    reader.require_order_id(order_id)
    reader.raise_if_wrong()
    return limit


class SubmissionQuery(NamedTuple):
    """How to answer for a submission: for which payload, and how long to wait for its record."""

    payload_sha256: str | None
    wait_seconds: int


def submission_query(
    order_id: str, submission_id: str, parameters: Parameters, repeated: Repeated = NONE
) -> SubmissionQuery:
    """
    Read how to answer for one submission.

    Raises:
        InvalidParameters: a parameter, or an id, can't be used.
    """
    reader = _Reader(parameters, repeated, SUBMISSION_PARAMETERS)
    wait = sentence("rule.wait", most=MAX_WAIT_SECONDS)
    query = SubmissionQuery(
        reader.read("payloadSha256", _sha256, None, "bad_sha256", sentence("rule.sha256")),
        reader.read("wait", _wait, 0, "bad_wait", wait),
    )
    reader.require_order_id(order_id)
    if not is_well_formed_id(submission_id):
        why = sentence(
            "parameter.bad_submission_id",
            most=MAX_SUBMISSION_ID_CHARACTERS,
            got=shown_id(submission_id, MAX_SUBMISSION_ID_CHARACTERS),
        )
        reader.fail("submissionId", "bad_id", why)
    reader.raise_if_wrong()
    return query


def audit_query(parameters: Parameters, now: datetime, repeated: Repeated = NONE) -> AuditQuery:
    """
    Read which records to list: of the last seven days, unless `from` and `to` say otherwise.

    Raises:
        InvalidParameters: a parameter can't be used.
    """
    reader = _Reader(parameters, repeated, AUDIT_PARAMETERS)
    day = sentence("rule.date")
    last_day = reader.read("to", _date, now.date(), "bad_date", day)
    # Count in ordinals, which can't fall off the calendar's beginning.
    earliest = date.fromordinal(max(1, last_day.toordinal() - DEFAULT_DAYS + 1))
    first_day = reader.read("from", _date, earliest, "bad_date", day)
    if first_day > last_day and not reader.errors:
        why = sentence(
            "parameter.from_after_to" if "to" in parameters else "parameter.from_after_today",
            first=first_day,
            last=last_day,
        )
        reader.fail("from", "bad_date", why)
    only = AuditFilter(
        status=reader.read("status", Status, None, "bad_status", _one_of(Status)),
        valid=reader.boolean("valid"),
        is_duplicate=reader.boolean("isDuplicate"),
        channel=reader.read(
            "channel",
            {channel: channel for channel in CHANNELS}.__getitem__,
            None,
            "unknown_channel",
            _one_of(CHANNELS),
        ),
    )
    limit = reader.limit()
    reader.raise_if_wrong()
    return AuditQuery(
        first_day,
        last_day,
        only,
        limit,
        first_is_usual="from" not in parameters,
        last_is_usual="to" not in parameters,
    )


def shown_value(text: str) -> str:
    """Return a given text as a sentence may show it: in ASCII, cut where it is long."""
    return ascii(text[:SHOWN_CHARACTERS])


def _allshown_value(values: Sequence[str]) -> str:
    shown = ", ".join(map(shown_value, values[:SHOWN_VALUES]))
    return shown if len(values) <= SHOWN_VALUES else f"{shown}, ..."


def _one_of(choices: Iterable[str]) -> Sentence:
    return sentence("rule.choice", choices=", ".join(choices))


def _limit(text: str) -> int:
    if not LIMIT.fullmatch(text) or int(text) > MAX_LIMIT:
        raise ValueError(text)
    return int(text)


def _wait(text: str) -> int:
    if not WAIT.fullmatch(text) or int(text) > MAX_WAIT_SECONDS:
        raise ValueError(text)
    return int(text)


def _sha256(text: str) -> str:
    if not SHA256.fullmatch(text):
        raise ValueError(text)
    return text


def is_date(text: str) -> bool:
    """Say whether text is a day as the routes take it."""
    try:
        _date(text)
    except ValueError:
        return False
    return True


def _date(text: str) -> date:
    # Python reads other forms of ISO 8601 too; one form is enough to explain.
    if not DATE.fullmatch(text):
        raise ValueError(text)
    return date.fromisoformat(text)
