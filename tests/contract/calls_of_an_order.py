"""
Count the calls of one order by itself, in a process of its own, and print the number.

    python -m tests.contract.calls_of_an_order

It runs app.py over the environment, as Lambda does. What other tests leave behind in a process
counts too: Powertools keeps its loggers, and adds a filter to the root's for each service.
"""

import contextlib
import io
import sys
from collections.abc import Callable
from functools import partial
from types import FrameType

from benchmarks.events import record
from tests.application import load_app
from tests.aws_limits.layer import lifted


def function_calls(action: Callable[[], object], below: str = "") -> int:
    """
    Count the Python functions that are called in this thread, of files with `below` in their paths.

    The count is the same in each run; CPU time is not.
    """
    calls = 0

    def count(frame: FrameType, event: str, _argument: object) -> None:
        nonlocal calls
        if event == "call" and below in frame.f_code.co_filename:
            calls += 1

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        action()
    finally:
        sys.setprofile(before)
    return calls


def least_calls() -> int:
    """Count the calls of a few orders, each a batch, after a first one; return the fewest."""
    handler = load_app().app.handler_map["process_orders"]
    events = [{"Records": [record(f"all-{number}", f"all-{number}")]} for number in range(6)]
    handler(events[0], None)
    with lifted():
        return min(function_calls(partial(handler, event, None)) for event in events[1:])


if __name__ == "__main__":
    # The lines of the log are no answer.
    with contextlib.redirect_stdout(io.StringIO()):
        least = least_calls()
    sys.stdout.write(f"{least}\n")
