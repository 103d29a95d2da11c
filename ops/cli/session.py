"""The frame of every operator's command: the stage, the form of the output, exit codes."""

from __future__ import annotations

import functools
import os
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from chalicelib.http.representation import to_json
from chalicelib.orders.record import UnreadableRecord
from chalicelib.services.unavailable import StoreUnavailable
from chalicelib.texts import texts_in
from ops.cli.exits import FOUND_WANTING, OutOfReach
from ops.cli.language import readers_language
from ops.cli.refusals import failure_words
from ops.desk.desk import Desk
from ops.desk.masked_records import masked_record
from ops.desk.stage import StageUnavailable, connect
from ops.desk.unreadable_records import named
from ops.local_stage import DEFAULT_AWS_PORT
from ops.roles.denial import denial_in
from ops.stage_names import LOCAL_STAGE
from ops.terminal.consoles import PlainConsole, progress_line
from ops.terminal.lines import agrees, failing_in_one_line, say
from ops.terminal.visible import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from chalicelib.orders.record import Record
    from ops.desk.unreadable_records import UnreadableRecords

# A table of this width is readable where a narrower terminal wraps its lines; one whose cells are
# wrapped into 80 columns is not, and is not as the pages show it.
TABLE_WIDTH = 160
# The command that shows what answers.
LOOK = "health"
MASKED_RENDERING = (
    "Accounts are masked, so the text is not as it was received: --show-accounts shows it so."
)


@dataclass
class Session:
    """One run of a command: the desk, opened when it is first used, and where its output goes."""

    open_desk: Callable[[], Desk]
    as_json: bool
    accounts_shown: bool = False

    def __post_init__(self) -> None:
        self.out = PlainConsole(soft_wrap=False)
        self.notes = PlainConsole(stderr=True)
        # COLUMNS, which some shells export, is the width of a terminal too.
        self.out.width = max(self.out.width, TABLE_WIDTH)
        if not sys.stderr.isatty():
            self.notes.width = self.out.width
        self.texts = texts_in(readers_language(os.environ))

    @functools.cached_property
    def desk(self) -> Desk:
        return self.open_desk()

    @property
    def unreadable(self) -> UnreadableRecords | tuple[()]:
        """Items that the desk, if it was opened, could not read as records."""
        return self.desk.unreadable if "desk" in vars(self) else ()

    def print_json(self, value: Mapping[str, Any]) -> None:
        """Print a JSON object on a line of its own."""
        say(to_json(value))

    def print_all(self, values: Iterable[Mapping[str, Any]]) -> int:
        """Print JSON objects, and return how many there were."""
        count = 0
        for value in values:
            self.print_json(value)
            count += 1
        return count

    def note(self, *lines: str) -> None:
        """Say something beside the output: on stderr, so that pipes stay clean."""
        for line in lines:
            self.notes.print(line, style="dim")

    def show_accounts(self, where: str) -> None:
        """Show whole account numbers from here on: the audit trail says so first."""
        self.desk.record_accounts_shown(where)
        self.accounts_shown = True

    def shown(self, record: Record, *, show_accounts: bool) -> Record:
        return record if show_accounts else masked_record(record)

    @contextmanager
    def progress(self, words: str, total: int | None = None) -> Iterator[Callable[..., None]]:
        """
        Show a bar, or a count where no total is known, if stderr is a terminal.

        It is updated by the number that is done, and by other words, if there are any.
        """
        with progress_line(self.notes, total, shown=sys.stderr.isatty()) as progress:
            task = progress.add_task(visible(words), total=total)

            def update(completed: float, other_words: str | None = None) -> None:
                shown = visible(other_words or words)
                progress.update(task, completed=completed, description=shown)

            yield update

    def confirm(self, question: str, *, yes: bool) -> None:
        """
        Ask before something is changed. `--yes` is the answer of a script.

        Raises:
            click.Abort: no; or there is no one to ask.
        """
        stage = self.desk.stage
        if not yes:
            agrees(f"{question} (stage {stage.name}, as {stage.operator})", abort=True, err=True)


def open_desk(stage: str, aws_port: int) -> Desk:
    """
    Open the desk of a stage: as whoever runs the commands says, by `obj`, or by connecting to it.

    Raises:
        StageUnavailable: the stage can't be worked with.
    """
    given: Callable[[str, int], Desk] | None = click.get_current_context().obj
    return given(stage, aws_port) if given else Desk(connect(stage, aws_port=aws_port))


def desk_command(command: Callable[..., Any]) -> Callable[..., Any]:
    """Make a command over a stage: it gets its `Session` first, and fails in one sentence."""

    @functools.wraps(command)
    def with_desk(session: Session, **options: Any) -> None:
        _ = session.desk  # before the command reads anything from its user
        command(session, **options)

    return deskless_command(with_desk)


def deskless_command(command: Callable[..., Any]) -> Callable[..., Any]:
    """Make such a command that may do without the desk: it is opened when it is first used."""

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
        with failing_in_one_line():
            try:
                session = Session(functools.partial(open_desk, stage, aws_port), as_json)
                _run(session, command, options)
            except StageUnavailable as error:
                raise OutOfReach(str(error)) from error
            except StoreUnavailable as error:
                raise OutOfReach(
                    f"AWS did not do what it was asked. {failure_words(error)}"
                    f"{_next_look(session, error)}"
                ) from error

    return run


def _next_look(session: Session, error: StoreUnavailable) -> str:
    """Say how to see what answers. A refusal says what to do itself, and `health` is the look."""
    if denial_in(error) or click.get_current_context().info_name == LOOK:
        return ""
    return f". To see what answers, type `{session.desk.stage.command(LOOK)}`"


def _run(session: Session, command: Callable[..., Any], options: Mapping[str, Any]) -> None:
    """Run a command. End with what it has met that can't be read as a record."""
    try:
        command(session, **options)
    except UnreadableRecord as unreadable:
        session.desk.unreadable.add(unreadable)
    finally:
        for each in session.unreadable:
            session.note(f"No record can be read from an item: order {named(each)}.")
    if session.unreadable:
        sys.exit(FOUND_WANTING)
