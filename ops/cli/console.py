"""`console`: the operators' console in the browser."""

from __future__ import annotations

import gc
import importlib
from typing import TYPE_CHECKING

import click

from ops.cli.exits import OutOfReach
from ops.cli.options import ready_fd_option
from ops.cli.port_choice import CONSOLE, choose_ports
from ops.cli.session import open_desk
from ops.desk.stage import StageUnavailable
from ops.local.child import say_ready, take_environment
from ops.local.lifeline import stop_when_parent_ends
from ops.local_stage import DEFAULT_AWS_PORT
from ops.ports import LOOPBACK
from ops.stage_names import LOCAL_STAGE
from ops.terminal.lines import say

if TYPE_CHECKING:
    from types import ModuleType


@click.command(epilog="Example: python -m ops console --stage prod")
@click.option("--stage", default=LOCAL_STAGE, show_default=True, help="The stage to look at.")
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    help=f"Port of the console  [default: {CONSOLE.usual}, or the next free one]",
)
@click.option(
    "--aws-port",
    type=click.IntRange(1, 65535),
    default=DEFAULT_AWS_PORT,
    show_default=True,
    help="Port of the AWS endpoint of stage `local`.",
)
@click.option("--api-url", help="Where the stage's API is, to show it in commands to copy.")
@ready_fd_option
@click.pass_context
def console(
    context: click.Context,
    /,
    *,
    stage: str,
    port: int | None,
    aws_port: int,
    api_url: str | None,
    ready_fd: int | None,
) -> None:
    """
    Start the operators' console, a web page.

    Only this machine reaches it. It works with your own AWS credentials. Nothing of it is deployed.
    Ctrl-C stops it.
    """
    if ready_fd is not None:
        take_environment()
    alone = CONSOLE._replace(parameter="port")
    chosen = choose_ports(context, {alone: port}).numbers[alone]
    try:
        desk = open_desk(stage, aws_port)
    except StageUnavailable as error:
        raise OutOfReach(str(error)) from error

    def ready() -> None:
        if ready_fd is None:
            say(f"Console of stage {stage} on http://{LOOPBACK}:{chosen}. Ctrl-C stops it.")
        else:
            stop_when_parent_ends()
            say_ready(ready_fd)

    # Slow to import: only this command waits for it.
    made = _module("ops.console.console").Console(desk, api_url)
    _module("ops.console.server").run_console(made, chosen, ready)


def _module(name: str) -> ModuleType:
    # As in __main__.py: it saves two fifths of the CPU that the console's start takes.
    gc.disable()
    try:
        return importlib.import_module(name)
    finally:
        gc.enable()


COMMANDS = (console,)
