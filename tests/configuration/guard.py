"""
Refuse to open a file of the checkout's `.chalice`, in this process and in those that it starts.

It imports nothing of the project: a process loads it from its place, before all else.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

FORBIDDEN = "TESTS_FORBIDDEN_DIRECTORY"
"""Names the directory, in the environment: the processes that are started inherit it."""
NAME = ".chalice"
# It names the address of `make run`: no stage's, and nothing is recorded in it.
OF_EVERY_CHECKOUT = "aws-local.ini"


class CheckoutRead(BaseException):
    """
    A test, or a process that it has started, opened the checkout's configuration.

    No `except Exception` on the way hides it.
    """


def install() -> None:
    """Begin to look at each file that this process opens."""
    sys.addaudithook(_refuse)


@contextmanager
def lifted() -> Iterator[None]:
    """Let the `with` block open these files, and the processes that it starts."""
    forbidden = os.environ.pop(FORBIDDEN, None)
    try:
        yield
    finally:
        if forbidden is not None:
            os.environ[FORBIDDEN] = forbidden


def _refuse(event: str, arguments: tuple[object, ...]) -> None:
    if event != "open" or NAME not in str(arguments[0]):
        return
    forbidden = os.environ.get(FORBIDDEN)
    path = os.path.abspath(os.fsdecode(arguments[0]))  # type: ignore[arg-type]  # noqa: PTH100 (fast)
    if os.path.basename(path) == OF_EVERY_CHECKOUT:  # noqa: PTH119 (fast)
        return
    if forbidden and path.startswith(forbidden + os.sep):
        raise CheckoutRead(
            f"{path} is whatever its user commits: give the test a configuration of its own "
            "(tests/project.py), or the mark any_configuration if it judges the checkout's."
        )
