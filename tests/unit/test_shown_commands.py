"""Every command that a page shows can be typed after the one line that README gives."""

import re

import pytest

from tests.commands.grammar import Incomplete, require_typable, simple_commands
from tests.commands.pages import (
    ACTIVATION,
    PAGES,
    Shown,
    commands_of,
    commands_of_pages,
    text_of,
)

SHOWN = commands_of_pages()
# Files that stand in an example for the reader's own.
FILES = ("order.json", "order-7b.json")
OF_THE_ENVIRONMENT = ("python ", "chalice ", "pytest ", "ruff ", "mypy ")
PAGE = """\
Type `make deploy` or `python -m ops health`, with `--stage`.

    make run     # starts it
    signed() { curl \\
        "$@"; }
    signed URL

```console
$ echo "a" \\
       b
said
$ make
```

- so:

      git diff

  | `chalice deploy --stage dev` |
"""


def test_all_ways_to_show_a_command_are_found() -> None:
    assert commands_of("page.md", PAGE) == [
        Shown("page.md", 1, "make deploy", None, in_sentence=True),
        Shown("page.md", 1, "python -m ops health", None, in_sentence=True),
        Shown("page.md", 3, "make run     # starts it"),
        Shown("page.md", 6, 'signed() { curl \\\n"$@"; }\nsigned URL'),
        Shown("page.md", 9, 'echo "a" \\\n       b', "said"),
        Shown("page.md", 12, "make", ""),
        Shown("page.md", 17, "git diff"),
        Shown("page.md", 19, "chalice deploy --stage dev", None, in_sentence=True),
    ]


def test_a_line_is_split_into_its_commands() -> None:
    line = """A=1 make run "B=2 3" 2>/dev/null | jq '.a | .b' > out; git diff # no more"""

    assert list(simple_commands(line)) == [
        ["make", "run", "B=2 3"],
        ["jq", ".a | .b"],
        ["git", "diff"],
    ]


def test_a_program_is_saved_and_not_typed() -> None:
    assert commands_of("page.md", "```bash\n#!/usr/bin/env bash\nsubmit() {\n```\n") == []


@pytest.mark.parametrize(
    ("command", "wrong"),
    [
        ("python -m ops no-such", "No such command"),
        ("python -m ops health --no-such", "No such option"),
        ("python -m ops dlq list --limit x", "is not a valid integer"),
        ("python -m no_such", "no module"),
        ("python app.py", "is typed as"),
        ("make no-such", "no target"),
        ("make deploy STAEG=dev", "does not know STAEG"),
        ("chalice deploy --stages dev", "No such option"),
        ("aws sqs no-such", "no operation"),
        ("aws sqs get-queue-url --no-such x", "has no --no-such"),
        ("pytest tests/no_such.py", "there is no tests/no_such.py"),
        (".venv/bin/python -m ops health", "no program"),
        ("ls | frobnicate", "no program"),
    ],
)
def test_a_command_that_does_not_exist_is_found(command: str, wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        require_typable(command)


@pytest.mark.parametrize("command", ["make deploy", "python -m ops resources up", "chalice deploy"])
def test_a_command_that_needs_more_is_told_from_a_wrong_one(command: str) -> None:
    with pytest.raises(Incomplete):
        require_typable(command)


@pytest.mark.parametrize("shown", SHOWN, ids=str)
def test_a_command_of_a_page_can_be_typed(
    shown: Shown, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = tmp_path_factory.getbasetemp()
    for name in FILES:
        (directory / name).touch()
    monkeypatch.chdir(directory)

    try:
        require_typable(shown.text)
    except ValueError as error:
        if isinstance(error, Incomplete) and shown.in_sentence:
            return  # the command's name, in a sentence about it
        pytest.fail(f"{shown}: {error}. Mend the page, or teach tests/commands/grammar.py of it.")


@pytest.mark.parametrize("page", PAGES)
def test_a_page_types_no_path_of_the_environment(page: str) -> None:
    """README activates it once, so all pages have one form."""
    found = re.findall(r"\S*\.venv[\w-]*/bin/(?!activate)\S*", text_of(page))

    assert not found, f"write the program only: `{ACTIVATION}` comes before"


@pytest.mark.parametrize("readme", ["README.md", "README.es.md"])
def test_a_readme_gives_the_line_before_the_first_command_that_needs_it(readme: str) -> None:
    typed = [shown.text for shown in SHOWN if shown.page == readme and not shown.in_sentence]
    needing = [number for number, text in enumerate(typed) if text.startswith(OF_THE_ENVIRONMENT)]

    assert ACTIVATION in typed, f"show `{ACTIVATION}` in a block of its own"
    assert not needing or typed.index(ACTIVATION) < needing[0]


@pytest.mark.parametrize("page", [page for page in PAGES if not page.startswith("README")])
def test_a_page_with_commands_to_type_says_how_a_shell_begins(page: str) -> None:
    typed = [shown for shown in SHOWN if shown.page == page and not shown.in_sentence]

    if any(shown.text.startswith(OF_THE_ENVIRONMENT) for shown in typed):
        assert f"`{ACTIVATION}`" in text_of(page), "say it once, with a link to the README"
