"""
`python -m ops`: its first module, which any Python can read, without this checkout's environment.

A shell in which the environment is not activated finds another Python first.
"""

import atexit
import gc
import sys
from importlib import import_module

OURS = {"app", "chalicelib", "ops"}


def run() -> None:
    """Run the command that was typed. Without its environment, say in one line what to type."""
    _spare_imported_modules()
    try:
        commands = import_module("ops.cli.commands")
        sys.excepthook = import_module("ops.terminal.lines").show_traceback
        commands.main(prog_name="python -m ops")
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in OURS:
            raise
        sys.exit(
            f"Error: {sys.executable} does not have {package}, which the commands need. "
            "Type `. .venv/bin/activate` first; `make .venv` makes that environment."
        )


def _spare_imported_modules() -> None:
    """
    Keep the garbage collector from modules, which are none: a third of a short command's CPU.

    It is off until the command's modules are imported (commands.main turns it on again), and at the
    end it looks at nothing that is there.
    """
    gc.disable()
    atexit.register(gc.freeze)


if __name__ == "__main__":
    run()
