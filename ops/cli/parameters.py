"""Parameters of operators' commands: ids, days, durations, moments, and options made of them."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from chalicelib.http.parameters import DATE, SHA256
from chalicelib.orders.order import is_order_id
from chalicelib.orders.submission import MAX_SUBMISSION_ID_CHARACTERS, is_well_formed_id
from chalicelib.orders.times import now
from ops.cli.options import options
from ops.desk.reasons import BadReason, reason_of

if TYPE_CHECKING:
    from collections.abc import Callable

DURATION = re.compile(r"([1-9][0-9]{0,5})([smhd])")
# Older than any record, and still within the calendar when it is taken from today.
LONGEST = timedelta(days=36_500)
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class OrderId(click.ParamType[str]):
    """An id that an order can have."""

    name = "id"

    def convert(self, value: Any, param: Any, ctx: Any) -> str:
        if not is_order_id(value):
            self.fail(
                f"{value!r}: an order id is 1 to 64 of A-Z a-z 0-9 . _ - (not . or ..)", param, ctx
            )
        return str(value)


class SubmissionId(click.ParamType[str]):
    """An id that a submission can have."""

    name = "id"

    def convert(self, value: Any, param: Any, ctx: Any) -> str:
        if not is_well_formed_id(value):
            most = MAX_SUBMISSION_ID_CHARACTERS
            self.fail(
                f"{value!r}: a submission id is 1 to {most} of A-Z a-z 0-9 . _ - (not . or ..)",
                param,
                ctx,
            )
        return str(value)


class Sha256(click.ParamType[str]):
    """The SHA-256 of a payload."""

    name = "hash"

    def convert(self, value: Any, param: Any, ctx: Any) -> str:
        if not SHA256.fullmatch(value):
            self.fail(f"{value!r} is not 64 hexadecimal digits in lower case", param, ctx)
        return str(value)


class Day(click.ParamType[date]):
    """A date, in UTC."""

    name = "date"

    def convert(self, value: Any, param: Any, ctx: Any) -> date:
        if isinstance(value, date):
            return value
        with suppress(ValueError):
            if DATE.fullmatch(value):
                return date.fromisoformat(value)
        return self.fail(f"{value!r} is not a date like 2026-01-31", param, ctx)


class Duration(click.ParamType[timedelta]):
    """A length of time: 90s, 15m, 2h, 7d."""

    name = "duration"

    def convert(self, value: Any, param: Any, ctx: Any) -> timedelta:
        if isinstance(value, timedelta):
            return value
        match = DURATION.fullmatch(value)
        if match is None:
            self.fail(f"{value!r} is not a duration like 90s, 15m, 2h or 7d", param, ctx)
        length = timedelta(**{UNITS[match[2]]: int(match[1])})
        if length > LONGEST:
            self.fail(f"{value!r} is longer than {LONGEST.days}d, a hundred years", param, ctx)
        return length


class Moment(click.ParamType[datetime]):
    """A moment: so long ago, or a time in UTC."""

    name = "duration|time"

    def convert(self, value: Any, param: Any, ctx: Any) -> datetime:
        if isinstance(value, datetime):
            return value
        if DURATION.fullmatch(value):
            return now() - Duration().convert(value, param, ctx)
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is neither a duration like 2h nor a time in UTC", param, ctx)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class Reason(click.ParamType[str]):
    """A reason for the audit trail."""

    name = "text"

    def __init__(self, *, needed: bool) -> None:
        self._needed = needed

    def convert(self, value: Any, param: Any, ctx: Any) -> str:
        try:
            return reason_of(value, needed=self._needed)
        except BadReason as error:
            return self.fail(f"{error}", param, ctx)


why_option = click.option(
    "--why", type=Reason(needed=False), default="", help="For the audit trail."
)
required_why_option = click.option(
    "--why",
    type=Reason(needed=True),
    required=True,
    help="For the audit trail: nothing goes without a reason.",
)
period_options = options(
    click.option("--from", "first_day", type=Day(), help="First day, in UTC  [default: 7 days]"),
    click.option("--to", "last_day", type=Day(), help="Last day, in UTC  [default: today]"),
)
limit_option = click.option(
    "--limit",
    type=click.IntRange(0),
    default=50,
    show_default=True,
    help="How many to show; 0 shows all.",
)
show_accounts_option = click.option(
    "--show-accounts",
    is_flag=True,
    help="Show whole account numbers; that you did is written to the audit trail.",
)
yes_option = click.option("--yes", is_flag=True, help="Don't ask.")


def period(
    first_day: date | None,
    last_day: date | None,
    days: int = 7,
    clock: Callable[[], datetime] = now,
) -> tuple[date, date]:
    """Complete the days of a period: without any, the last seven."""
    last = last_day or clock().date()
    # Count in ordinals, which can't fall off the calendar's beginning.
    first = first_day or date.fromordinal(max(1, last.toordinal() - days + 1))
    if first > last:
        why = "" if last_day else " (today in UTC, as none was given)"
        raise click.UsageError(f"--from {first} is after --to {last}{why}.")
    return first, last
