"""
A program in the place of `python -m ops`: it hands the command over to the process of warm.py.

It has few imports, all of the standard library: it is started for each command.
"""

import json
import os
import signal
import socket
import sys
from contextlib import suppress

STREAMS = (0, 1, 2)
HANDED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main() -> None:
    """Hand a command over, wait for its end, and end as it does."""
    # One that comes before the process is known waits until it can be handed on.
    signal.pthread_sigmask(signal.SIG_BLOCK, HANDED_ON)
    _, address, *arguments = sys.argv
    typed = [arguments, os.getcwd(), dict(os.environ), _umask()]  # noqa: PTH109 (imports much)
    with socket.socket(socket.AF_UNIX) as warm, warm.makefile("rb") as said:
        warm.connect(address)
        socket.send_fds(warm, [b" "], STREAMS)
        warm.sendall(json.dumps(typed).encode() + b"\n")
        command = int(said.readline())
        for number in HANDED_ON:
            signal.signal(number, lambda number, _: _hand_on(command, number))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDED_ON)
        exit_code = int(said.readline())
    if exit_code < 0:
        with suppress(OSError):  # SIGKILL has no other disposition
            signal.signal(-exit_code, signal.SIG_DFL)
        os.kill(os.getpid(), -exit_code)
    sys.exit(exit_code)


def _umask() -> int:
    umask = os.umask(0)
    os.umask(umask)
    return umask


def _hand_on(command: int, number: int) -> None:
    with suppress(ProcessLookupError):  # it has ended just now
        os.kill(command, number)


if __name__ == "__main__":
    main()
