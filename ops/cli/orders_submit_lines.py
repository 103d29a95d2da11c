"""`orders submit FILE.ndjson`: a file of orders, one a line, through the stage's API."""

from __future__ import annotations

import os
import sys
import time
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from chalicelib.aws.clients import is_on_this_machine
from ops.bulk.problems import FileBusy, FileChanged, StoppedShort, SubmissionProblem
from ops.bulk.progress import Progress
from ops.bulk.refused import RefusedLines
from ops.bulk.sender import Sender
from ops.bulk.submission import FileSubmission, hand_in
from ops.cli.api_address import reached_api
from ops.cli.exits import FOUND_WANTING, INTERRUPTED, FoundWanting, OutOfReach
from ops.cli.tables import show_facts
from ops.stop_signals import StopRequested, stop_signals_raise

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ops.cli.session import Session
    from ops.desk.stage import Stage

STDIN = "-"
# Where no bar is drawn, as in a log.
SECONDS_BETWEEN_NOTES = 10.0
NO_RESUMING = (
    "Lines from stdin leave no note of how far they came. Handed in from a file, they go on after "
    "an interruption."
)


@dataclass(frozen=True)
class Typed:
    """The words of the command: which file, and how."""

    file: str
    lines: bool
    api_url: str | None
    idempotency_key: str | None
    afresh: bool

    @property
    def path(self) -> Path:
        return Path(self.file)

    def require_file(self) -> None:
        """
        Check that there is such a file.

        Raises:
            click.UsageError: there is none, or it can't be read.
        """
        if self.file == STDIN:
            return
        if not self.path.is_file():
            raise click.UsageError(f"There is no file {self.file}.")
        if not os.access(self.path, os.R_OK):
            raise click.UsageError(f"You may not read the file {self.file}.")

    def again(self, session: Session, **changed: Any) -> str:
        """Write the command that goes on."""
        options = {
            "lines": self.lines,
            "api_url": self.api_url,
            "idempotency_key": self.idempotency_key,
            **changed,
        }
        return session.desk.stage.command("orders submit", self.file, **options)


class Pace(NamedTuple):
    """The lines of this run, and the seconds that they took."""

    lines: int
    seconds: float

    def __str__(self) -> str:
        a_second = self.lines / max(self.seconds, 0.001)
        return f"{self.seconds:,.1f} s, {a_second:,.0f} orders/s"


def submit_lines(session: Session, typed: Typed) -> None:
    """Hand in each line of a file, or of stdin, and end with what became of them."""
    submit = _submit_stdin if typed.file == STDIN else _submit_file
    with stop_signals_raise():
        submit(session, typed)


def _submit_file(session: Session, typed: Typed) -> None:
    stage = session.desk.stage
    submission = FileSubmission(
        typed.path,
        RefusedLines(typed.path, session.texts),
        stage=_place(stage, typed.api_url),
        caller=stage.operator,
    )
    go_on = f"To go on, type {typed.again(session)}"
    # The key of an earlier run would make them the same submissions.
    again = typed.again(session, afresh=True, idempotency_key=None)
    anew = f"To hand all of it in as new submissions, type {again}"
    with (
        _ending_in_words(session, go_on, anew),
        _going_on_with_changed_file(session, typed, submission),
        submission,
    ):
        begun = submission.begin(key=typed.idempotency_key, afresh=typed.afresh)
        if begun.ended_at:
            session.note(f"{typed.file} was handed in to its end at {begun.ended_at}. {anew}")
            _end(session, typed, submission.refused, begun)
        sender = _sender(session, typed, submission.run.key)
        if begun.last_line:
            session.note(f"Going on after line {begun.last_line:,}.")
        began_at = time.monotonic()
        content = submission.source.content
        steps = submission.go_on(sender, begun)
        ended = _followed(session, steps, begun, content.lines)
        pace = Pace(ended.lines - begun.lines, time.monotonic() - began_at)
        _end(session, typed, submission.refused, ended, pace)


def _submit_stdin(session: Session, typed: Typed) -> None:
    key = typed.idempotency_key or f"lines-{uuid.uuid4()}"
    refused = RefusedLines(Path(f"stdin-{uuid.uuid4().hex[:8]}"), session.texts)
    go_on = (
        "What is queued stays queued, and the same lines with the same key don't count twice: "
        f"hand all of them in again with {typed.again(session, idempotency_key=key)}"
    )
    session.note(NO_RESUMING)
    with _ending_in_words(session, go_on, go_on):
        sender = _sender(session, typed, key)
        began_at = time.monotonic()
        steps = hand_in(sys.stdin.buffer, sender, refused, Progress())
        ended = _followed(session, steps, Progress(), None)
        _end(session, typed, refused, ended, Pace(ended.lines, time.monotonic() - began_at))


def _place(stage: Stage, api_url: str | None) -> str:
    """Name the place of the orders: an address elsewhere may be the API of another stage."""
    elsewhere = api_url and not is_on_this_machine(api_url)
    return f"{stage.name} at {api_url}" if elsewhere else stage.name


@contextmanager
def _ending_in_words(session: Session, go_on: str, anew: str) -> Iterator[None]:
    """End the command with what to type, when it can't go on here."""
    try:
        yield
    except StopRequested:
        session.note("", f"Stopped. {go_on}")
        sys.exit(INTERRUPTED)
    except (StoppedShort, FileBusy) as error:
        raise OutOfReach(f"{error} {go_on}") from error
    except SubmissionProblem as error:
        raise FoundWanting(f"{error} {anew}") from error
    except OSError as error:
        # Without a name it is of a write, as to a disk that is full.
        where = error.filename or "The files beside the lines"
        raise OutOfReach(f"{where}: {error.strerror or error}. {go_on}") from error


@contextmanager
def _going_on_with_changed_file(
    session: Session, typed: Typed, submission: FileSubmission
) -> Iterator[None]:
    """End the command with what to type for the file as it is now: the kept key doubles nothing."""
    try:
        yield
    except FileChanged as error:
        again = typed.again(session, afresh=True, idempotency_key=submission.run.key)
        raise FoundWanting(
            f"{error} To hand it in as it is now, so that lines that are queued already count "
            f"once, type {again}"
        ) from error


def _sender(session: Session, typed: Typed, key: str) -> Sender:
    api = reached_api(session.desk.stage, typed.api_url)
    return Sender(api, key, language=session.texts.language, note=session.note)


def _followed(
    session: Session, steps: Iterator[Progress], begun: Progress, total: int | None
) -> Progress:
    """Take all steps, and show how far they came: by a bar, or by lines where there is none."""
    progress, noted_at = begun, time.monotonic()
    with session.progress("lines", total) as show:
        show(begun.last_line)
        for progress in steps:
            show(progress.last_line)
            is_time = time.monotonic() - noted_at > SECONDS_BETWEEN_NOTES
            if is_time and not sys.stderr.isatty():
                noted_at = time.monotonic()
                of_all = "" if total is None else f" of {total:,}"
                session.note(f"{progress.last_line:,}{of_all} lines, {progress.refused:,} refused")
    return progress


def _end(
    session: Session,
    typed: Typed,
    refused: RefusedLines,
    progress: Progress,
    pace: Pace | None = None,
) -> None:
    """Show what became of the lines, and end the command."""
    files = (str(refused.lines), str(refused.reasons)) if progress.refused else (None, None)
    if session.as_json:
        session.print_json(_as_json(typed, progress, files, pace))
    else:
        queued = f"{progress.queued:,}"
        invalid = f" ({progress.invalid:,} of them not valid)" if progress.invalid else ""
        show_facts(
            session.out,
            [
                ("file", "stdin" if typed.file == STDIN else typed.file),
                ("queued", f"{queued}{invalid}"),
                ("repeated", f"{progress.repeated:,}" if progress.repeated else None),
                ("refused", f"{progress.refused:,}"),
                ("refused lines", files[0]),
                ("and why", files[1]),
                ("time", str(pace) if pace else None),
            ],
        )
    if progress.invalid:
        session.note(
            "What is not valid is recorded as rejected, in a moment. To see it, type "
            + session.desk.stage.command("rejects")
        )
    sys.exit(FOUND_WANTING if progress.refused else 0)


def _as_json(
    typed: Typed,
    progress: Progress,
    files: tuple[str | None, str | None],
    pace: Pace | None,
) -> dict[str, Any]:
    return {
        "file": typed.file,
        "queued": progress.queued,
        "valid": progress.queued - progress.invalid,
        "invalid": progress.invalid,
        "repeated": progress.repeated,
        "refused": progress.refused,
        "refusedLines": files[0],
        "reasons": files[1],
        "handedInNow": pace.lines if pace else 0,
        "seconds": round(pace.seconds, 1) if pace else 0,
    }
