"""The one way to the terminal: every string is text, and nothing in it is a control sequence."""

import ast
import io
import json
import subprocess
import sys
import unicodedata
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from ops.terminal.consoles import PlainConsole, cell, lines, progress_line
from ops.terminal.lines import agrees, exact_stdout, say, say_exactly, say_text, show_traceback
from ops.terminal.tables import Column, coloured_table, facts_table, headed_table
from ops.terminal.visible import visible, visible_lines
from tests.hostile_texts import HOSTILE, shown

OUTSIDE = [path for path in sorted(Path("ops").rglob("*.py")) if path.parts[1] != "terminal"]
# Ways to write to a terminal, each of which makes markup or sends control characters as they are.
WRITERS = {
    "click.echo",
    "click.secho",
    "click.style",
    "click.confirm",
    "click.prompt",
    "click.echo_via_pager",
    "click.progressbar",
    "print",
    "input",
    "sys.stdout.write",
    "sys.stderr.write",
}


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_shown_without_a_control_character(text: str) -> None:
    written = visible(text)

    assert all(
        character.isprintable() or unicodedata.category(character) == "Zs" for character in written
    )


@pytest.mark.parametrize(
    "text", ["", "order-1", "[/x] [red] :bomb: \\[x]", "se recibió 1 000", "日本語", "👍"]
)
def test_text_that_can_be_seen_stays_as_it_is(text: str) -> None:
    assert visible(text) == visible_lines(text) == text


@pytest.mark.parametrize("code", [*range(0x20), *range(0x7F, 0xA0), 0x200B, 0x2028, 0x202E, 0xFEFF])
def test_a_character_that_cant_be_seen_is_written_as_json_does(code: int) -> None:
    written = visible(f"a{chr(code)}b")

    assert written == f"a{json.dumps(chr(code))[1:-1]}b"


def test_lines_may_keep_their_breaks_and_nothing_else() -> None:
    assert visible_lines("a\n\tb\r\nc\rd\x1b[2J") == "a\n\tb\nc\\rd\\u001b[2J"


@pytest.mark.parametrize("terminal", [True, False])
@pytest.mark.parametrize("text", HOSTILE)
def test_a_string_is_text_wherever_rich_shows_it(text: str, terminal: bool) -> None:
    file = io.StringIO()
    console = PlainConsole(file=file, force_terminal=terminal, color_system=None, width=400)

    console.print(text)
    console.print(cell(text), text)
    console.print(headed_table([Column(text)], [(text,), (cell(text),)]))
    console.print(facts_table([(text, text)]))
    console.print(coloured_table([text], [((text,), "")]))
    with progress_line(console, 1, shown=True) as progress:
        progress.add_task(visible(text), total=1)

    written = file.getvalue()
    assert written.count(shown(text)) >= 9
    assert text.isprintable() or text not in written


def test_a_long_value_stays_in_its_column() -> None:
    file = io.StringIO()
    console = PlainConsole(file=file, force_terminal=False, width=40)

    console.print(headed_table([Column("a"), Column("b")], [("x" * 500 + "\ny", "right")]))

    rows = file.getvalue().splitlines()
    assert max(map(len, rows)) <= 40
    assert sum("right" in row for row in rows) == 1


def test_a_text_of_several_lines_keeps_them() -> None:
    file = io.StringIO()

    PlainConsole(file=file, width=40).print(lines("[red]\n\x1b[2J"))

    assert file.getvalue() == "[red]\n\\u001b[2J\n"


@pytest.mark.parametrize("text", HOSTILE)
def test_a_line_or_a_question_is_text(text: str) -> None:
    @click.command()
    def command() -> None:
        say(text, f"and {text}")
        say_text(text)
        agrees(text)

    done = CliRunner().invoke(command, input="y\n")

    assert done.exit_code == 0
    assert done.output.startswith(f"{shown(text)}\nand {shown(text)}\n{visible_lines(text)}\n")
    assert f"{shown(text)} [y/N]" in done.output


@pytest.mark.parametrize(("terminal", "written"), [(True, "\\u009b1m\n"), (False, "\x9b1m\n")])
def test_a_program_gets_the_exact_text_and_a_terminal_the_visible_one(
    terminal: bool, written: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stdout = io.StringIO()
    monkeypatch.setattr(stdout, "isatty", lambda: terminal)
    monkeypatch.setattr(sys, "stdout", stdout)

    say_exactly("\x9b1m")

    assert stdout.getvalue() == written


def test_a_terminal_gets_the_bytes_of_a_file_visibly(monkeypatch: pytest.MonkeyPatch) -> None:
    stdout = io.StringIO()
    monkeypatch.setattr(stdout, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdout", stdout)

    exact_stdout().writelines([b"a,\x1b[2J\r\n", "\u202e".encode()])

    assert stdout.getvalue() == "a,\\u001b[2J\n\\u202e"


def test_a_traceback_shows_the_error_visibly(capsys: pytest.CaptureFixture[str]) -> None:
    error = ValueError("\x1b[2J[/x]")

    show_traceback(type(error), error, None)

    assert capsys.readouterr().err == "ValueError: \\u001b[2J[/x]\n"


def test_an_unexpected_error_of_a_command_is_shown_visibly() -> None:
    script = (
        "import runpy, sys, ops.cli.cost as it; "
        "it.prices = lambda: {}['\\x1b[2J']; "
        "sys.argv = ['ops', 'cost']; "
        "runpy.run_module('ops', run_name='__main__')"
    )

    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)

    assert ran.returncode == 1
    assert b"KeyError" in ran.stderr
    assert b"\x1b" not in ran.stderr


@pytest.mark.parametrize("path", OUTSIDE, ids=str)
def test_only_the_folder_terminal_writes_to_a_terminal(path: Path) -> None:
    """Elsewhere a string could be taken for markup, or a control character be sent as it is."""
    assert writes_of(path.read_text()) == set()


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("import click\nclick.echo(f'{x}')", {"click.echo"}),
        ("from click import secho", {"click.secho"}),
        ("print(1)", {"print"}),
        ("import sys\nsys.stderr.write(x)", {"sys.stderr.write"}),
        ("from rich.text import Text", {"rich.text"}),
        ("import rich", {"rich"}),
        ("def f():\n    from rich import print", {"rich"}),
        ("if TYPE_CHECKING:\n    from rich.text import Text", set()),
        ("import click\nclick.UsageError('x')\nout.print('x')", set()),
    ],
)
def test_each_other_way_to_the_terminal_is_found(code: str, found: set[str]) -> None:
    assert writes_of(code) == found


def writes_of(code: str) -> set[str]:
    """Find the ways to the terminal in a module: calls, and imports of what rich writes with."""
    tree = ast.parse(code)
    tree.body = [
        node
        for node in tree.body
        if not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    ]
    named = set()
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                named |= {each.name for each in names}
            case ast.ImportFrom(module=str(module), names=names):
                named |= {module} | {f"{module}.{each.name}" for each in names}
            case ast.Name(id=name):
                named.add(name)
            case ast.Attribute():
                named.add(ast.unparse(node))
    rich = {name for name in named if name == "rich" or name.startswith("rich.")}
    return named & WRITERS | {min(rich)} if rich else named & WRITERS
