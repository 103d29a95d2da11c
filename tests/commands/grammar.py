"""Whether a command could be typed: its program, subcommand, options and arguments exist."""

import re
import shlex
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from importlib.util import find_spec

import botocore.session
import click
from botocore import xform_name
from chalice.cli import cli as chalice

from ops.cli.commands import main as ops
from ops.project import PROJECT_ROOT
from tests.commands.pages import FUNCTION, PROGRAMS

MAKEFILE = (PROJECT_ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^(\.?[a-z][a-z-]*):", MAKEFILE, re.MULTILINE))
# Those that it sets, and those that it only reads.
VARIABLES = set(re.findall(r"^([A-Z_]+) *[?:]?=|\$\(([A-Z]+)\)", MAKEFILE, re.MULTILINE))
VARIABLE_NAMES = {name for names in VARIABLES for name in names if name}
BRACES = {"{", "}"}
BETWEEN = re.compile(r"[|&;()]+")
NUMBER_BEFORE_REDIRECTION = re.compile(r" \d(?=[<>])")
REDIRECTION = re.compile(r"[<>]+&?")
# The AWS CLI's own commands, which are no operations of AWS.
OWN_COMMANDS_OF_THE_AWS_CLI = {
    ("cloudformation", "deploy"),
    ("cloudformation", "package"),
    ("s3", "ls"),
    ("sso", "login"),
}


class Incomplete(ValueError):
    """The command exists, but can't be typed with nothing more."""


def require_typable(line: str) -> None:
    """
    Check each command of a line.

    Raises:
        Incomplete: something is missing that the command needs.
        ValueError: the message says what is wrong.
    """
    functions = set(FUNCTION.findall(line))
    for program, *words in simple_commands(line):
        if program in functions | BRACES:
            continue
        if program not in PROGRAMS:
            raise ValueError(f"no program {program!r} is known: see PROGRAMS in tests/commands")
        CHECKS.get(program, _accept)(words)


def simple_commands(line: str) -> Iterator[list[str]]:
    """Split a line into its commands, without assignments before them and redirections."""
    one_line = NUMBER_BEFORE_REDIRECTION.sub(" ", line.replace("\\\n", " "))
    lexer = shlex.shlex(one_line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    command: list[str] = []
    redirected = False
    for word in lexer:
        if BETWEEN.fullmatch(word):
            if command:
                yield command
            command = []
        elif REDIRECTION.fullmatch(word):
            redirected = True
        elif redirected:
            redirected = False
        elif command or not re.match(r"[A-Za-z_]+=", word):
            command.append(word)
    if command:
        yield command


def _check_python(words: list[str]) -> None:
    if words[:1] == ["-c"]:
        return
    if words[:1] != ["-m"]:
        raise ValueError(f"python is typed as `python -m MODULE`, not as `python {words}`")
    module, *rest = words[1:]
    if module == "ops":
        _check_click(ops, rest)
        return
    if find_spec(module) is None:
        raise ValueError(f"there is no module {module}")


def _check_click(group: click.Command, words: list[str]) -> None:
    """Parse as the program itself does."""
    with ExitStack() as opened:
        _parse(group, words, opened)


def _parse(group: click.Command, words: list[str], opened: ExitStack) -> None:
    command, context = group, None
    try:
        while True:
            context = command.make_context(command.name, words, parent=context)
            opened.callback(context.close)
            if not isinstance(command, click.Group):
                return
            words = [*context._protected_args, *context.args]
            if not words:
                return
            _, found, words = command.resolve_command(context, words)
            assert found
            command = found
    except click.exceptions.Exit:
        pass  # --help and its like
    except (click.MissingParameter, click.exceptions.NoArgsIsHelpError) as error:
        raise Incomplete(error.format_message()) from error
    except click.ClickException as error:
        raise ValueError(error.format_message()) from error


def _check_chalice(words: list[str]) -> None:
    _check_click(chalice, words)
    if not any(word.startswith(("--stage", "-h", "--help")) for word in words):
        raise Incomplete("Chalice takes stage dev where none is named")


def _check_make(words: list[str]) -> None:
    variables = {word.partition("=")[0] for word in words if "=" in word}
    # In capitals it stands for any.
    targets = {word for word in words if re.fullmatch(r"[a-z.][a-z.-]*", word)}
    if unknown := targets - TARGETS:
        raise ValueError(f"the Makefile has no target {', '.join(unknown)}")
    if unknown := variables - VARIABLE_NAMES:
        raise ValueError(f"the Makefile does not know {', '.join(unknown)}")
    if targets & {"deploy", "destroy", "package"} and "STAGE" not in variables:
        raise Incomplete("Say which stage, as STAGE=dev")


def _check_pytest(words: list[str]) -> None:
    paths = [word.partition("::")[0] for word in words if not word.startswith("-")]
    if missing := [path for path in paths if not (PROJECT_ROOT / path).exists()]:
        raise ValueError(f"there is no {', '.join(missing)}")


OF_EVERY_AWS_COMMAND = {"--endpoint-url", "--profile", "--region", "--output", "--query"}


def _check_aws(words: list[str]) -> None:
    """Compare a command of the AWS CLI with the operations of AWS, which it is made from."""
    names = [word for word in _without_global_options(words) if not word.startswith("-")]
    service, operation = names[:2]
    if (service, operation) in OWN_COMMANDS_OF_THE_AWS_CLI:
        return
    service = {"s3api": "s3"}.get(service, service)
    model = botocore.session.get_session().get_service_model(service)
    operations = {xform_name(name, "-"): name for name in model.operation_names}
    if operation not in operations:
        raise ValueError(f"AWS's {service} has no operation {operation}")
    shape = model.operation_model(operations[operation]).input_shape
    members = shape.members if shape else {}
    options = {f"--{xform_name(name, '-')}" for name in members}
    typed = {word.partition("=")[0] for word in words if word.startswith("--")}
    if unknown := typed - options - OF_EVERY_AWS_COMMAND:
        raise ValueError(f"{operation} has no {', '.join(sorted(unknown))}")


def _without_global_options(words: list[str]) -> list[str]:
    first = next((i for i, word in enumerate(words) if not word.startswith("--")), 0)
    return words[first + 1 :] if first else words


def _accept(_words: list[str]) -> None:
    """Take the words of a program that is not ours."""


CHECKS: dict[str, Callable[[list[str]], None]] = {
    "python": _check_python,
    "make": _check_make,
    "pytest": _check_pytest,
    "aws": _check_aws,
    "chalice": _check_chalice,
}
