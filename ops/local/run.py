"""`make run`: start the local system, show how to use it, and stop it when asked to."""

import signal
import time
from collections.abc import Callable, Sequence

from ops.local.emulator import SAVING_GRACE_SECONDS
from ops.local.kept_folder import FolderUnusable, KeptFolder
from ops.local.presentation import Steps, show_what_to_try
from ops.local.processes import ProcessFailed
from ops.local.resources import ResourcesFailed
from ops.local.stack import LocalStack, OnStep
from ops.local.supervisor import Supervised, capitalised, keep_alive
from ops.ports import PortUnavailable
from ops.stop_signals import StopRequested, stop_signals_raise
from ops.terminal.lines import say, say_text

# A stop that was asked for is a success, by Ctrl-C as well as by SIGTERM.
STOPPED = 0
FAILED = 1


def run_until_stopped(
    make_stack: Callable[[OnStep], LocalStack], notices: Sequence[str] = ()
) -> int:
    """
    Run the system. Return the exit code: 0 after a stop that was asked for, else 1.

    `notices` are shown with the addresses, where nobody overlooks them.
    """
    steps = Steps()
    with stop_signals_raise():
        try:
            with make_stack(steps.begin) as stack:
                steps.end()
                return _watch(stack, steps, notices)
        except StopRequested:
            # It was not up yet: stop the parts that had been started.
            steps.break_line()
            say("Stopped.")
            return STOPPED
        except (FolderUnusable, PortUnavailable, ProcessFailed, ResourcesFailed) as error:
            steps.break_line()
            # Only a process's message begins with no capital letter, and none with a path.
            said = str(error)
            _complain(capitalised(said) if isinstance(error, ProcessFailed) else said)
            return FAILED


def _watch(stack: LocalStack, steps: Steps, notices: Sequence[str]) -> int:
    show_what_to_try(stack, steps.total_seconds, notices)
    try:
        saving = Saving(stack.folder)
        keep_alive(_supervised(stack), stack.emulator, _warn, saving.look)
    except StopRequested:
        say("", "Stopping: finishing the batches in progress ...")
        stack.stop()
        say("Stopped.")
        return after_last_save(stack)
    _complain(explanation(stack))
    return FAILED


def _supervised(stack: LocalStack) -> list[Supervised]:
    now = time.monotonic()
    parts = [
        Supervised(
            stack.worker,
            "No order is lost: what it had begun comes back after the visibility timeout, "
            f"{stack.visibility_timeout_seconds} s.",
            now,
        ),
        Supervised(stack.api, "An order that got no answer is to be handed in again.", now),
    ]
    if stack.console:
        parts.append(Supervised(stack.console, "", now))
    return parts


class Saving:
    """Says once when the state can't be saved, and once when it can again."""

    def __init__(self, folder: KeptFolder | None) -> None:
        self._folder = folder
        self._failed = False

    def look(self) -> None:
        if self._folder is None:
            return
        failure = self._folder.failure
        if failure and not self._failed:
            _complain(
                f"What happens now can't be kept in {self._folder.shown} ({failure}). It goes on, "
                "and tries again after each change."
            )
        elif self._failed and not failure:
            _warn(f"What happens is kept in {self._folder.shown} again.")
        self._failed = bool(failure)


def after_last_save(stack: LocalStack) -> int:
    """Return the exit code of a stop: 0, unless the last save failed or took too long."""
    if stack.folder is None or _has_saved_all(stack, stack.folder):
        return STOPPED
    reason = stack.folder.failure or _how_it_missed_the_save(stack, stack.folder)
    _complain(f"The last save failed ({reason}). {stack.folder.what_is_lost}")
    return FAILED


def _has_saved_all(stack: LocalStack, folder: KeptFolder) -> bool:
    return stack.emulator.exit_code == 0 and not folder.failure


def _how_it_missed_the_save(stack: LocalStack, folder: KeptFolder) -> str:
    if stack.emulator.exit_code == -signal.SIGKILL:
        return f"the emulator took longer than {SAVING_GRACE_SECONDS:g} s, or was killed"
    return f"{stack.emulator.how_it_ended()}; its own lines in {folder.shown_log} may say why"


def explanation(stack: LocalStack) -> str:
    """Say how the emulator ended, what is lost by it, and what to do."""
    sentences = [f"{capitalised(stack.emulator.how_it_ended())}: stopping everything."]
    if stack.folder and _has_saved_all(stack, stack.folder):
        sentences.append(f"All is kept in {stack.folder.shown}.")
    elif stack.folder:
        sentences.append(stack.folder.what_is_lost)
    return f"{' '.join(sentences)}\n{stack.emulator.what_to_do()}"


def _warn(message: str) -> None:
    say_text(message, fg="yellow", err=True)


def _complain(message: str) -> None:
    say_text(f"Error: {message}", fg="red", err=True)
