"""Lines, questions and errors on the terminal, in which everything is text."""

from __future__ import annotations

import io
import select
import sys
import traceback
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, cast

import click

from ops.terminal.visible import visible, visible_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType


def say(*lines: str, err: bool = False, **style: Any) -> None:
    """Print lines, each of which nothing within it can end; without any, an empty one."""
    for line in lines or ("",):
        click.secho(visible(line), err=err, **style)


def say_part(text: str) -> None:
    """Print the beginning of a line."""
    click.echo(visible(text), nl=False)


def say_text(text: str, *, err: bool = False, **style: Any) -> None:
    """Print a text of several lines: its line breaks are its own."""
    click.secho(visible_lines(text), err=err, **style)


def say_exactly(text: str) -> None:
    """Print a text to the byte where a program reads it, and visibly where a person does."""
    click.echo(visible_lines(text) if sys.stdout.isatty() else text)


def reader_is_gone() -> bool:
    """Tell whether stdout is a pipe that nobody reads any more, as after `| head -1`."""
    try:
        watched = select.poll()
        watched.register(sys.stdout.fileno(), 0)
    except (OSError, ValueError):
        # It is no file: somebody in this process reads it.
        return False
    return any(what & (select.POLLERR | select.POLLHUP) for _, what in watched.poll(0))


def exact_stdout() -> IO[bytes]:
    """Open stdout for bytes in UTF-8 that a program gets as they are, and a person visibly."""
    return cast("IO[bytes]", _VisibleStdout()) if sys.stdout.isatty() else sys.stdout.buffer


class _VisibleStdout(io.RawIOBase):
    def writable(self) -> bool:
        return True

    def write(self, text: Any) -> int:
        click.echo(visible_lines(bytes(text).decode()), nl=False)
        return len(text)


def agrees(question: str, *, abort: bool = False, err: bool = False) -> bool:
    """
    Ask a question of yes or no.

    Raises:
        click.Abort: there is no one to ask; or the answer is no, with `abort`.
    """
    return click.confirm(visible(question), abort=abort, err=err)


def ask_for(question: str) -> str:
    """Ask for a text; nothing is an answer too."""
    answer: str = click.prompt(visible(question), default="", show_default=False)
    return answer


def ask_hidden(question: str) -> str:
    """Ask for a text that nobody else at the screen may read."""
    answer: str = click.prompt(visible(question), hide_input=True, err=True)
    return answer


@contextmanager
def failing_in_one_line() -> Iterator[None]:
    """Let nothing in the message of a failed command end its line."""
    with _rewriting_messages(visible):
        yield


@contextmanager
def failing_visibly() -> Iterator[None]:
    """Let the message of a failed command be several lines, all of them visible text."""
    with _rewriting_messages(visible_lines):
        yield


@contextmanager
def _rewriting_messages(rewrite: Callable[[str], str]) -> Iterator[None]:
    try:
        yield
    except click.ClickException as error:
        # To click it is final; but a new error would lose its kind, its context and its exit code.
        vars(error).update(message=rewrite(error.message))
        raise


def show_traceback(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Print a traceback as Python does: the error's message may quote anything."""
    say_text("".join(traceback.format_exception(kind, error, trace)).rstrip(), err=True)
