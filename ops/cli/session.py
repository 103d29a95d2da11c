"""What every operator's command has in common: the stage, the form of the output, exit codes."""

from __future__ import annotations

import functools
import os
import re
import shlex
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from chalicelib.orders import is_order_id
from chalicelib.query_parameters import DATE
from chalicelib.representation import to_json
from chalicelib.unavailable import StoreUnavailable
from chalicelib.wiring import now
from ops.cli.exits import OutOfReach
from ops.cli.options import options
from ops.desk.desk import Desk
from ops.desk.masking import masked_record
from ops.desk.stage import StageUnavailable, connect
from ops.local_stage import DEFAULT_AWS_PORT
from ops.stage_names import LOCAL_STAGE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from chalicelib.submissions import Record

PIPED_WIDTH = 160
DURATION = re.compile(r"([1-9][0-9]{0,5})([smhd])")
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@dataclass
class Session:
    """One run of a command: the desk, and where its output goes."""

    desk: Desk
    as_json: bool
    aws_port: int = DEFAULT_AWS_PORT

    def __post_init__(self) -> None:
        # A table that is piped is not cut to the 80 columns of a terminal that isn't there.
        known = sys.stdout.isatty() or "COLUMNS" in os.environ
        width = None if known else PIPED_WIDTH
        self.out = Console(width=width, highlight=False, soft_wrap=False)
        self.notes = Console(stderr=True, highlight=False, width=width)

    def line(self, value: Mapping[str, Any]) -> None:
        """One JSON object on a line of its own."""
        click.echo(to_json(value))

    def note(self, text: str) -> None:
        """Something that is said beside the output: on stderr, so that pipes stay clean."""
        self.notes.print(text, style="dim", markup=False)

    def command(self, typed: str) -> str:
        """A command that can be pasted to go on with, on the same stage."""
        name = self.desk.stage.name
        if name != LOCAL_STAGE:
            return f"python -m ops {typed} --stage {shlex.quote(name)}"
        port = "" if self.aws_port == DEFAULT_AWS_PORT else f" --aws-port {self.aws_port}"
        return f"python -m ops {typed}{port}"

    def shown(self, record: Record, *, show_accounts: bool) -> Record:
        return record if show_accounts else masked_record(record)

    @contextmanager
    def progress(self, text: str, total: int | None = None) -> Iterator[Callable[[float], None]]:
        """A bar, or a count where no total is known, on a terminal's stderr; else nothing."""
        columns = [TextColumn("{task.description}")]
        bar = (
            [BarColumn(), MofNCompleteColumn()] if total else [TextColumn("{task.completed:,.0f}")]
        )
        with Progress(
            *columns,
            *bar,
            TimeElapsedColumn(),
            console=self.notes,
            transient=True,
            disable=not sys.stderr.isatty(),
        ) as progress:
            task = progress.add_task(text, total=total)
            yield lambda completed: progress.update(task, completed=completed)

    def confirm(self, question: str, *, yes: bool) -> None:
        """
        Ask before something is changed. `--yes` is the answer of a script.

        Raises:
            click.Abort: no; or there is no one to ask.
        """
        stage = self.desk.stage
        if not yes:
            click.confirm(
                f"{question} (stage {stage.name}, as {stage.operator})", abort=True, err=True
            )


def desk_command(command: Callable[..., Any]) -> Callable[..., Any]:
    """A command over a stage: it is given its `Session` first, and fails in one sentence."""

    @click.option("--stage", default=LOCAL_STAGE, show_default=True, help="The stage to work on.")
    @click.option(
        "--aws-port",
        type=click.IntRange(1, 65535),
        default=DEFAULT_AWS_PORT,
        show_default=True,
        help="Stage local only: port of the AWS endpoint.",
    )
    @click.option("--json", "as_json", is_flag=True, help="JSON instead of a table.")
    @functools.wraps(command)
    def run(stage: str, aws_port: int, as_json: bool, **options: Any) -> None:
        try:
            desk = Desk(connect(stage, aws_port=aws_port))
            command(Session(desk, as_json, aws_port), **options)
        except StageUnavailable as error:
            raise OutOfReach(str(error)) from error
        except StoreUnavailable as error:
            raise OutOfReach(f"AWS did not do what it was asked. {error}") from error

    return run


class OrderId(click.ParamType[str]):
    """An id that an order can have."""

    name = "id"

    def convert(self, value: Any, param: Any, ctx: Any) -> str:
        if not is_order_id(value):
            self.fail(
                f"{value!r}: an order id is 1 to 64 of A-Z a-z 0-9 . _ - (not . or ..)", param, ctx
            )
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
        return timedelta(**{UNITS[match[2]]: int(match[1])})


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


def period(first_day: date | None, last_day: date | None, days: int = 7) -> tuple[date, date]:
    """The days that are meant, the last seven if nothing is said."""
    last = last_day or now().date()
    first = first_day or last - timedelta(days=days - 1)
    if first > last:
        why = "" if last_day else " (today in UTC, as none was given)"
        raise click.UsageError(f"--from {first} is after --to {last}{why}.")
    return first, last
