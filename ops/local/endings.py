"""
The end of a process of `make run` in words, and what to do about it.

On the standard library only: the emulator's own environment reads it, too.
"""

import signal

ASKED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
FAULTS = (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGILL, signal.SIGFPE)
MEMORY = (
    "Unless somebody killed it, the machine was short of memory: close other programs, or give it "
    "more."
)


def how_it_ended(name: str, exit_code: int | None) -> str:
    """Say how a process ended, by the exit code that Popen has of it."""
    if exit_code is not None and exit_code < 0:
        return f"{name} was ended by signal {_signal_name(-exit_code)}"
    return f"{name} ended with exit code {exit_code}"


def advice(exit_code: int | None, *, lines: str, environment: str) -> str:
    """
    Say in a sentence what to do.

    `lines` is where the process's own lines are; `environment` the one that its Python is of.
    """
    if exit_code == -signal.SIGKILL:
        return MEMORY
    # With code 0 ends what was asked to and has a handler of its own for that.
    if exit_code == 0 or exit_code in [-each for each in ASKED]:
        return "Another program asked it to stop."
    if exit_code in [-each for each in FAULTS]:
        return (
            f"Python or one of its libraries is at fault: {anew(environment)}. Its own lines "
            f"{lines} may say more."
        )
    return f"Its own lines {lines} say why."


def anew(environment: str) -> str:
    """Say how to install an environment anew."""
    return f"to install them anew, type: rm -r {environment} && make {environment}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        # A real-time signal has no name of its own.
        return str(number)
