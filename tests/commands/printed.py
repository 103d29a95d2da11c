"""Every command that the program prints as the next to type, found in its source."""

import ast
import re
import shlex
import tomllib
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from ops.next_command import chalice_command, make_command, ops_command
from ops.project import PROJECT_ROOT

FOLDERS = ("benchmarks", "chalicelib", "ops")
SOURCES = sorted(file for folder in FOLDERS for file in PROJECT_ROOT.glob(f"{folder}/**/*.py"))
TEXTS = sorted(PROJECT_ROOT.glob("*/**/texts/*.toml"))
WRITER = PROJECT_ROOT / "ops" / "next_command.py"
OURS = r"make \.?[a-z]|chalice (?:--|[a-z])|pytest |python -m |\. \.venv"
OTHERS = r"aws [a-z-]|export [A-Z]|unset [A-Z]|curl -|git [a-z]|unzip -|sam [a-z]|pip install"
# Within quotes, or up to the end of a line that says what to type.
QUOTED = re.compile(rf"""(?:`|"(?=make |python -m ))((?:{OURS}|{OTHERS})[^`"]*)[`"]""")
LED_IN = re.compile(rf"(?:[Tt]ype(?: for example)?:?|as in:) ((?:{OURS}|{OTHERS})[^`\n]*)")
EXAMPLE = re.compile(r"^Example: (.*?)(?=\n *Example:|\Z)", re.MULTILINE | re.DOTALL)
# Lines of their own, which may go on: in the banner of make run, and where make package ends.
ALONE = re.compile(
    r"^(?: {2,}(?=(?:python -m ops|curl|make|aws) )|(?=aws ))((?:.*\\\n)*.*)$", re.MULTILINE
)
VALUE = re.compile("\0([^\0]*)\0")
SAMPLES = {
    "concurrency": "100",
    "port": "4567",
    "region": "us-east-1",
    "runtime": "python3.13",
    "profile": "on-call",
    "role": "reader",
    "sha256": "0" * 64,
}
"""What stands in a text for a value, by a part of the value's name. Others are a word."""


class Printed(NamedTuple):
    """A command in the source. `values` are the Python expressions within it."""

    source: str
    line: int
    text: str
    values: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.source}:{self.line}: {self.text}"


def printed_commands() -> list[Printed]:
    """List the commands in all sources and in all catalogues of texts."""
    of_code = [command for source in SOURCES for command in _found_in(source)[0]]
    return of_code + [command for catalogue in TEXTS for command in _of_catalogue(catalogue)]


def commands_of(source: Path) -> list[Printed]:
    """List the commands that a source or a catalogue prints or makes."""
    if source in TEXTS:
        return [*_of_catalogue(source)]
    printed, made = _found_in(source)
    return [*printed, *([] if source == WRITER else made)]


def made_commands() -> list[Printed]:
    """List the commands that the code makes by calling `ops.next_command`, with sample values."""
    sources = [source for source in SOURCES if source != WRITER]
    return [made for source in sources for made in _found_in(source)[1]]


@cache
def _found_in(source: Path) -> tuple[list[Printed], list[Printed]]:
    """List the commands that a module prints, and those that it makes: both are asked for."""
    nodes = [*ast.walk(ast.parse(source.read_text(encoding="utf-8")))]
    return [*_printed_in(source, nodes)], [*_made_in(source, nodes)]


def _printed_in(source: Path, nodes: Sequence[ast.AST]) -> Iterator[Printed]:
    for node, text in _texts(nodes):
        yield from _commands(source, node.lineno, text)


def _of_catalogue(catalogue: Path) -> Iterator[Printed]:
    for table in tomllib.loads(catalogue.read_text(encoding="utf-8")).values():
        for text in table.values() if isinstance(table, dict) else [table]:
            yield from _commands(catalogue, 1, re.sub(r"\{(\w+)\}", "\0\\1\0", str(text)))


def _commands(source: Path, line: int, text: str) -> Iterator[Printed]:
    for command in commands_in(text):
        filled = VALUE.sub(lambda value: _sample(value[1]), command)
        values = tuple(VALUE.findall(command))
        yield Printed(str(source.relative_to(PROJECT_ROOT)), line, filled, values)


def commands_in(text: str) -> list[str]:
    """List the commands that a text tells its reader to type."""
    found = [*QUOTED.findall(text), *map(_to_its_end, LED_IN.findall(text))]
    return found + EXAMPLE.findall(text.replace("\b", "")) + ALONE.findall(text)


def _to_its_end(command: str) -> str:
    """Cut off what follows a command in its sentence."""
    return re.split(r"[.,;]? (?:which|then|or) |[.;]$", command.strip())[0]


def _texts(nodes: Sequence[ast.AST]) -> Iterator[tuple[ast.expr, str]]:
    """Find the strings of a module, with the expressions in an f-string between two NULs."""
    skipped = {id(node) for node in _docstrings(nodes)}
    for node in nodes:
        if isinstance(node, ast.JoinedStr):
            skipped |= {id(part) for part in node.values}
            yield node, "".join(map(_part, node.values))
    for node in nodes:
        if isinstance(node, ast.Constant) and id(node) not in skipped:
            yield node, str(node.value)


def _part(part: ast.expr) -> str:
    if isinstance(part, ast.FormattedValue):
        return f"\0{ast.unparse(part.value)}\0"
    return str(part.value) if isinstance(part, ast.Constant) else ""


def _docstrings(nodes: Sequence[ast.AST]) -> Iterator[ast.expr]:
    for node in nodes:
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr):
                yield first.value


def _made_in(source: Path, nodes: Sequence[ast.AST]) -> Iterator[Printed]:
    for node in nodes:
        if isinstance(node, ast.Call) and (made := _made_by(node)):
            yield Printed(str(source.relative_to(PROJECT_ROOT)), node.lineno, made)


def _made_by(call: ast.Call) -> str | None:
    """Make the command of a call, if it makes one."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else ast.unparse(call.func)
    typed = call.args[0].value if call.args and isinstance(call.args[0], ast.Constant) else None
    if not isinstance(typed, str):
        return None
    options = {each.arg: _value(each) for each in call.keywords if each.arg}
    match name:
        case "ops_command":
            return ops_command(typed, *map(_argument, call.args[1:]), **options)
        case "command" if ast.unparse(call.func).endswith("stage.command"):
            arguments = ["dev" for _ in call.args[1:]]
            return ops_command(typed, *arguments, stage="dev", **options)
        case "make_command":
            return make_command(typed, **options)
        case "chalice_command":
            return chalice_command(typed, stage="dev", project=PROJECT_ROOT.parent)
        case _:
            return None


def _argument(node: ast.expr) -> str:
    return str(node.value) if isinstance(node, ast.Constant) else "{}"


def _value(option: ast.keyword) -> object:
    if isinstance(option.value, ast.Constant):
        return option.value.value
    flags = ("not ", "is_")
    source = ast.unparse(option.value)
    if any(flag in source for flag in flags):
        return True
    return PROJECT_ROOT.parent if option.arg == "project_dir" else _sample(str(option.arg))


def _sample(name: str) -> str:
    known = (sample for part, sample in SAMPLES.items() if part in name.lower())
    return shlex.quote(next(known, "dev"))
