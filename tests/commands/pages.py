"""Every command that a page shows: in a console, in a block, or within a sentence."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from ops.project import PROJECT_ROOT

ACTIVATION = ". .venv/bin/activate"
"""The line that README gives once. After it, commands are typed as they stand."""
PAGES = sorted(
    str(page.relative_to(PROJECT_ROOT))
    for page in (*PROJECT_ROOT.glob("*.md"), *(PROJECT_ROOT / "docs").rglob("*.md"))
)
PROGRAMS = {
    *(".", "cd", "cp", "echo", "export", "rm", "sh", "sleep", "source", "unset"),
    *("bandit", "cfn-lint", "chalice", "coverage", "mypy", "pip", "pytest", "python", "ruff"),
    *("aws", "curl", "docker", "git", "grep", "gzip", "head", "jq", "make", "npm", "sam", "unzip"),
    *("base64", "openssl"),
}
"""A line of a block, or code within a sentence, is a command if it begins with one of these."""
FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"(?:^ {4,}\S.*\n)+", re.MULTILINE)
INLINE = re.compile(r"`([^`]+)`")
ASSIGNMENTS = re.compile(r"(?:[A-Z_]+=\S* +)*")
FUNCTION = re.compile(r"(\w+)\(\) \{")


class Shown(NamedTuple):
    """A command on a page. `output` is what the page says that it prints; None: it says nothing."""

    page: str
    line: int
    text: str
    output: str | None = None
    in_sentence: bool = False

    def __str__(self) -> str:
        return f"{self.page}:{self.line}: {self.text}"


def commands_of_pages() -> list[Shown]:
    """List the commands of all pages, each page from its beginning to its end."""
    return [command for page in PAGES for command in commands_of(page, text_of(page))]


def commands_of(page: str, text: str) -> list[Shown]:
    """List the commands of a page."""
    found = [*_in_fences(page, text)]
    rest = FENCE.sub(_blank, text)
    found += _in_blocks(page, rest)
    found += _in_sentences(page, BLOCK.sub(_blank, rest))
    return sorted(found, key=lambda command: command.line)


def text_of(page: str) -> str:
    return (PROJECT_ROOT / page).read_text(encoding="utf-8")


def _in_fences(page: str, text: str) -> Iterator[Shown]:
    for fence in FENCE.finditer(text):
        line = _line(text, fence.start(2))
        match fence[1]:
            case "console":
                yield from _with_output(page, line, fence[2])
            # A program is saved and started, not typed: the tests of its page do that.
            case "bash" | "sh" if not fence[2].startswith("#!"):
                yield Shown(page, line, fence[2])


def _with_output(page: str, first: int, block: str) -> Iterator[Shown]:
    """Read a console: a command begins with "$ ", and its output follows."""
    steps = re.split(r"^\$ ", block, flags=re.MULTILINE)
    line = first + steps[0].count("\n")
    for step in steps[1:]:
        command, output = _first_command(step.splitlines())
        yield Shown(page, line, command, "\n".join(output))
        line += step.count("\n")


def _in_blocks(page: str, text: str) -> Iterator[Shown]:
    for block in BLOCK.finditer(text):
        yield from _typed(page, _line(text, block.start()), block[0])


def _typed(page: str, line: int, block: str) -> Iterator[Shown]:
    """Read the commands of a block. A function that it defines comes with each line after it."""
    lines = [each.strip() for each in block.splitlines()]
    functions: dict[str, str] = {}
    while lines:
        command, rest = _first_command(lines)
        if defined := FUNCTION.match(command):
            functions[defined[1]] = command
        elif _program(command) in PROGRAMS:
            yield Shown(page, line, command)
        elif _program(command) in functions:
            yield Shown(page, line, f"{functions[_program(command)]}\n{command}")
        line += len(lines) - len(rest)
        lines = rest


def _in_sentences(page: str, text: str) -> Iterator[Shown]:
    for code in INLINE.finditer(text):
        command = " ".join(code[1].split())
        if _program(command) in PROGRAMS and (" " in command or command in ("make", "pytest")):
            yield Shown(page, _line(text, code.start()), command, in_sentence=True)


def _first_command(lines: list[str]) -> tuple[str, list[str]]:
    """Take the first command off: a line that ends with a backslash goes on."""
    count = next((i for i, line in enumerate(lines) if not line.endswith("\\")), len(lines) - 1) + 1
    return "\n".join(lines[:count]), lines[count:]


def _program(command: str) -> str:
    return command[len(ASSIGNMENTS.match(command)[0]) :].partition(" ")[0]  # type: ignore[index]


def _blank(match: re.Match[str]) -> str:
    """Leave the lines of a match, with nothing in them: what follows keeps its line."""
    return "\n" * match[0].count("\n")


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1
