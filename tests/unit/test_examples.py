"""The tests that README shows to whoever writes one: short, and independent of each other."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ops.project import PROJECT_ROOT

EXAMPLES = Path("tests/examples")
SHOWN, OTHER = EXAMPLES / "test_my_orders.py", EXAMPLES / "test_other_names.py"
PYTHON_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MOST_LINES = 10


def text_of(path: str | Path) -> str:
    return (PROJECT_ROOT / path).read_text(encoding="utf-8")


def fixture_of(path: Path) -> str:
    """Return the lines of a file's fixture, its decorator included."""
    text = text_of(path)
    (fixture,) = (
        node
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef) and node.decorator_list
    )
    lines = text.splitlines()
    return "\n".join(lines[fixture.decorator_list[0].lineno - 1 : fixture.end_lineno])


@pytest.mark.parametrize("readme", ["README.md", "README.es.md"])
def test_a_readme_shows_the_example_word_for_word(readme: str) -> None:
    assert PYTHON_BLOCK.findall(text_of(readme)) == [text_of(SHOWN)]


def test_the_fixture_is_short() -> None:
    assert 0 < len(fixture_of(SHOWN).splitlines()) <= MOST_LINES


def test_other_names_need_only_another_name() -> None:
    assert fixture_of(OTHER) != fixture_of(SHOWN)
    assert fixture_of(OTHER).replace("other-test", "my-test") == fixture_of(SHOWN)


def test_the_examples_pass_in_reverse_too() -> None:
    """The gate runs them in order, beside others. Here a process has only these two."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]

    ran = subprocess.run(
        [*command, OTHER, SHOWN], cwd=PROJECT_ROOT, capture_output=True, text=True, check=False
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "2 passed" in ran.stdout
