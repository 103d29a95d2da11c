"""Options that commands of more than one module have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable

# For a parent process that waits until this one is ready; see processes.OpsProcess.
ready_fd_option = click.option("--ready-fd", type=int, hidden=True)


def either(name: str, yes: str, no: str, words: tuple[str, str]) -> Callable[..., Any]:
    """
    Make one parameter of two flags that exclude each other: True, False, or None.

    With one of click's own pairs, `--yes/--no`, the last flag would win.
    """

    def chosen(answer: bool) -> Callable[[click.Context, click.Parameter, bool], None]:
        def take(context: click.Context, _: click.Parameter, given: bool) -> None:
            known = context.params.setdefault(name, None)
            if given and known is not None:
                raise click.UsageError(f"{yes} and {no} exclude each other.")
            if given:
                context.params[name] = answer

        return take

    return options(
        *(
            click.option(flag, is_flag=True, expose_value=False, callback=chosen(answer), help=word)
            for flag, answer, word in ((yes, True, words[0]), (no, False, words[1]))
        )
    )


def options(*all_options: Callable[..., Any]) -> Callable[..., Any]:
    """Make one decorator of several options, in the order in which help shows them."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(all_options):
            command = option(command)
        return command

    return decorate
