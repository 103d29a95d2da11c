"""Plain English: a docstring begins with the thing, or with what a function does."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

FOLDERS = ("chalicelib", "ops", "tests", "benchmarks")
SOURCES = [Path("app.py"), *(path for name in FOLDERS for path in sorted(Path(name).rglob("*.py")))]
BACKWARD_OPENING = re.compile(r"(What|Where|Those|Of)\b")
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def backward_docstrings(path: Path, source: str) -> Iterator[str]:
    """Yield the file, line and first line of each docstring with a backward opening."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, DOCUMENTED):
            continue
        docstring = ast.get_docstring(node)
        if docstring and BACKWARD_OPENING.match(docstring):
            yield f"{path}:{node.body[0].lineno}: {docstring.splitlines()[0]}"


def test_no_docstring_begins_with_what_where_those_or_of() -> None:
    found = [line for path in SOURCES for line in backward_docstrings(path, path.read_text())]

    assert not found, "Begin with the thing or with a verb:\n" + "\n".join(found)


def test_a_backward_docstring_is_found_with_its_file_and_line() -> None:
    source = (
        'def total():\n    """\n    What it costs.\n    """\n\n\ndef off():\n    """Offer it."""\n'
    )

    assert list(backward_docstrings(Path("bill.py"), source)) == ["bill.py:2: What it costs."]
