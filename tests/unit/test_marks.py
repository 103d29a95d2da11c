"""A mark of pytest stands on a test: on anything else pytest passes over it without a word."""

import ast
from collections.abc import Iterator
from pathlib import Path

SOURCES = sorted(Path("tests").rglob("*.py"))
NAMED = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def stray_marks(path: Path, source: str) -> Iterator[str]:
    """Yield the file, the line and the name of each marked thing that is no test."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, NAMED) and not node.name.lower().startswith("test"):
            for decorator in node.decorator_list:
                if ast.unparse(decorator).startswith("pytest.mark."):
                    yield f"{path}:{decorator.lineno}: {node.name}"


def test_each_mark_stands_on_a_test() -> None:
    found = [
        mark for path in SOURCES for mark in stray_marks(path, path.read_text(encoding="utf-8"))
    ]

    assert not found, "Put the mark back on its test:\n" + "\n".join(found)


def test_a_mark_that_has_lost_its_test_is_found() -> None:
    source = "@pytest.mark.timeout(5)\nclass Other: ...\n\n@pytest.mark.slow\ndef test_it(): ...\n"

    assert list(stray_marks(Path("test.py"), source)) == ["test.py:1: Other"]
