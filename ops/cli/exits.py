"""Exit codes, which are the same for all commands; docs/operators.md lists them."""

import click

DONE = 0
FOUND_WANTING = 1
"""The answer is no: not found, not equal, not well, not all done."""
OUT_OF_REACH = 3
"""The stage can't be worked with, or AWS did not do what it was asked. (2 is click's: usage.)"""
INTERRUPTED = 130
"""As a shell reports a command that Ctrl-C has ended."""


class FoundWanting(click.ClickException):
    """The answer is no, said in one line."""

    exit_code = FOUND_WANTING


class OutOfReach(click.ClickException):
    """A failure that is not the operator's, said in one line."""

    exit_code = OUT_OF_REACH
