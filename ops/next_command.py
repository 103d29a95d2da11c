"""
Commands to type next: they go on where the last one was, and a shell reads each word as it stands.

Every command of ours that has a value in it is written here, so none forgets to quote the value.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from ops.project import PROJECT_ROOT

if TYPE_CHECKING:
    from pathlib import Path


def ops_command(typed: str, *arguments: str, **options: object) -> str:
    """
    Write a command of `python -m ops`, which is typed with the arguments after it.

    An option that is None or False is left out, and so is a project that is this checkout, which
    commands are typed in.
    """
    words = ["python", "-m", "ops", *typed.split()]
    of_options = [word for name, value in options.items() for word in option_words(name, value)]
    if any(argument.startswith("-") for argument in arguments):
        # It would be taken for an option.
        return shlex.join([*words, *of_options, "--", *arguments])
    return shlex.join([*words, *arguments, *of_options])


def chalice_command(typed: str, *, stage: str, project: Path = PROJECT_ROOT) -> str:
    """Write a command of Chalice, which takes the project before its own name."""
    where = option_words("project_dir", project)
    return shlex.join(["chalice", *where, *typed.split(), "--stage", stage])


def make_command(target: str, **variables: object) -> str:
    """Write a command of make. A variable that is None or empty is left out."""
    given = {name: str(value) for name, value in variables.items() if value not in (None, "")}
    # make reads a dollar too, before it hands the line of a recipe to a shell.
    words = [f"{name}={shlex.quote(value.replace('$', '$$'))}" for name, value in given.items()]
    return " ".join(["make", shlex.quote(target), *words])


def option_words(name: str, value: object) -> list[str]:
    """Write an option as words: none if it is None or False, and a flag alone if it is True."""
    flag = f"--{name.replace('_', '-')}"
    if value is None or value is False or value == PROJECT_ROOT:
        return []
    return [flag] if value is True else [flag, str(value)]
