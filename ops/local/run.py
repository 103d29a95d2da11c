"""`make run`: start the local system, show how to use it, and stop it when asked to."""

from collections.abc import Callable

from ops.local.presentation import Steps, show_what_to_try
from ops.local.processes import ChildProcess, ProcessFailed
from ops.local.resources import ResourcesFailed
from ops.local.stack import LocalStack, OnStep
from ops.local.supervisor import wait_until_one_ends
from ops.ports import PortUnavailable
from ops.stop_signals import StopRequested, stop_signals_raise
from ops.terminal.lines import say, say_text

# A stop that was asked for is a success, by Ctrl-C as well as by SIGTERM.
STOPPED = 0
FAILED = 1


def run_until_stopped(make_stack: Callable[[OnStep], LocalStack]) -> int:
    """Run the system. Return the exit code: 0 after a stop that was asked for, else 1."""
    steps = Steps()
    with stop_signals_raise():
        try:
            with make_stack(steps.begin) as stack:
                steps.end()
                return _watch(stack, steps)
        except StopRequested:
            # It was not up yet: stop the parts that had been started.
            steps.break_line()
            say("Stopped.")
            return STOPPED
        except (PortUnavailable, ProcessFailed, ResourcesFailed) as error:
            steps.break_line()
            _complain(str(error))
            return FAILED


def _watch(stack: LocalStack, steps: Steps) -> int:
    show_what_to_try(stack, steps.total_seconds)
    try:
        ended = wait_until_one_ends(stack.processes)
    except StopRequested:
        say("", "Stopping: finishing the batches in progress ...")
        stack.stop()
        say("Stopped.")
        return STOPPED
    _complain(_explanation(stack, ended))
    return FAILED


def _explanation(stack: LocalStack, ended: ChildProcess) -> str:
    how = ended.how_it_ended()
    sentence = f"{how[0].upper()}{how[1:]}: stopping everything."
    lines = stack.emulator.last_lines() if ended is stack.emulator else ""
    return "\n".join(filter(None, [sentence, lines]))


def _complain(message: str) -> None:
    say_text(f"Error: {message}", fg="red", err=True)
