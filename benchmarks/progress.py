"""Progress on stderr: the current step, and the time so far."""

import sys
import time


class Progress:
    """Lines on stderr, one for each step, with the time since the start."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    def step(self, text: str) -> None:
        elapsed = int(time.monotonic() - self._started)
        print(f"{elapsed // 60}:{elapsed % 60:02d}  {text}", file=sys.stderr, flush=True)  # noqa: T201
