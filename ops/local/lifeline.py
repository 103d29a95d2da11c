"""
A child process that never outlives the process that started it.

The parent holds the other end of the child's standard input. However the parent ends, `kill -9`
included, the pipe closes, and the child stops as if it had got SIGTERM.

Also a launcher, for programs that know nothing of this: `python -P lifeline.py ROOT MODULE`; ROOT
is where MODULE is, or "" if it is installed. On the standard library only, because MODULE may live
in an environment that has nothing else of ours.
"""

import os
import runpy
import signal
import sys
import threading

STANDARD_INPUT = 0


def stop_when_parent_ends() -> None:
    """End from now on with the process that started this one."""
    threading.Thread(target=_wait_for_parent, name="lifeline", daemon=True).start()


def _wait_for_parent() -> None:
    while os.read(STANDARD_INPUT, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    """Run the module named on the command line."""
    stop_when_parent_ends()
    root, module = sys.argv[1:3]
    del sys.argv[1:3]
    if root:
        sys.path.insert(0, root)
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
