"""The commands of `python -m ops`, for developers and operators."""

import errno
import gc
import importlib
import io
import os
import sys
from typing import Any

import click

from ops.proxies import ADVICE_FOR_CURL, advice_for_curl, exempting_this_machine
from ops.terminal.lines import failing_visibly

# The module of each command, so that typing one imports no other's: Chalice and Powertools take a
# second that `ops dlq list` need not wait for.
MODULES = {
    "run": "local",
    "worker": "local",
    "api": "local",
    "orders": "orders",
    "duplicates": "duplicates",
    "rejects": "rejects",
    "dlq": "dead_letters",
    "reconcile": "reconcile",
    "replay": "replay",
    "seal": "sealing",
    "verify-seals": "seals",
    "prove": "proofs",
    "verify-proof": "proofs",
    "health": "health",
    "pause": "pausing",
    "resume": "pausing",
    "stats": "stats",
    "audit": "audit",
    "events": "events",
    "console": "console",
    "stage": "stage",
    "resources": "resources",
    "package": "package",
    "policy": "policy",
    "deploy": "deploy",
    "destroy": "deploy",
    "lint": "lint",
    "verify": "verify",
    "cost": "cost",
}

# Of a full disk. Where no directory takes a temporary file, only the words tell it.
NO_ROOM = {errno.ENOSPC, errno.EDQUOT}
NO_TEMPORARY_DIRECTORY = "No usable temporary directory"


class Commands(click.Group):
    """The commands by name, each imported when it is asked for."""

    def make_context(self, *arguments: Any, **options: Any) -> click.Context:
        with failing_visibly():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command. What click says of a wrong argument quotes it: that may be an account."""
        with failing_visibly():
            try:
                return super().invoke(ctx)
            except click.UsageError as error:
                usage = importlib.import_module("ops.cli.usage")
                error.message = usage.masked_usage(error.message)  # type: ignore[misc]
                raise
            except OSError as error:
                said = str(error.strerror)
                if error.errno not in NO_ROOM and not said.startswith(NO_TEMPORARY_DIRECTORY):
                    raise
                where = f" ({error.filename})" if error.filename else ""
                raise click.ClickException(
                    f"{said}{where}. Make room there, or name a directory with room in TMPDIR; "
                    "then run the command again."
                ) from error

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's signature)
        return list(MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 (click's signature)
        if cmd_name not in MODULES:
            return None
        module = importlib.import_module(f"ops.cli.{MODULES[cmd_name]}")
        commands: dict[str | None, click.Command] = {it.name: it for it in module.COMMANDS}
        return commands[cmd_name]


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: python -m ops run --port 8080",
)
def main() -> None:
    """Run, watch and deploy the order system."""
    # The command's modules are imported by now: __main__.py has turned it off for them.
    gc.enable()
    # A terminal whose encoding lacks a character gets its code, not a traceback.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    # Before it is so for this process: no other process has it.
    click.get_current_context().meta[ADVICE_FOR_CURL] = advice_for_curl(os.environ)
    os.environ.update(exempting_this_machine(os.environ))
