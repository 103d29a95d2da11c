"""
`python -m ops`: its first module, which any Python can read, without this checkout's environment.

A shell in which the environment is not activated finds another Python first.
"""

import sys
from importlib import import_module

OURS = {"app", "chalicelib", "ops"}


def run() -> None:
    """Run the command that was typed. Without its environment, say in one line what to type."""
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


if __name__ == "__main__":
    run()
