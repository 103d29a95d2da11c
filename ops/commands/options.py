"""Options that commands of more than one module have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable

# For a parent process that waits until this one is ready; see processes.OpsProcess.
ready_fd_option = click.option("--ready-fd", type=int, hidden=True)


def options(*all_options: Callable[..., Any]) -> Callable[..., Any]:
    """Several options as one decorator, in the order in which help shows them."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(all_options):
            command = option(command)
        return command

    return decorate
