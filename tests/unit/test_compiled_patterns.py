"""Patterns that were compiled with the package are used only if they are what `re` would make."""

import _sre  # type: ignore[import-not-found]
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from chalicelib.compiled_patterns import engine, use_compiled_patterns

# Nothing else compiles it.
PATTERN, FLAGS = r"(?P<word>never[a-z]+compiled)-\d{7}", re.IGNORECASE.value
NAME = "patterns_of_a_test"
CACHED: dict[Any, Any] = vars(re)["_cache"]


def arguments() -> tuple[Any, ...]:
    """See what the engine is given for the pattern."""
    given: list[tuple[Any, ...]] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_sre, "compile", lambda *each: given.append(each))
        vars(re)["_compiler"].compile(PATTERN, FLAGS)
    ((pattern, all_flags, code, groups, names, indexes),) = given
    return pattern, FLAGS, all_flags, tuple(code), groups, tuple(names.items()), tuple(indexes)


@pytest.fixture
def patterns(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    module: Any = ModuleType(NAME)
    module.ENGINE = engine()
    module.PATTERNS = (arguments(),)
    monkeypatch.setitem(sys.modules, NAME, module)
    key = (str, PATTERN, FLAGS)
    CACHED.pop(key, None)
    yield module
    CACHED.pop(key, None)


@pytest.mark.usefixtures("patterns")
def test_re_finds_a_compiled_pattern_and_compiles_it_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert use_compiled_patterns(NAME) == 1

    monkeypatch.setattr(vars(re)["_compiler"], "compile", pytest.fail)
    found = re.compile(PATTERN, FLAGS).fullmatch("NeverWasCompiled-1234567")
    assert found
    assert found["word"] == "NeverWasCompiled"


def test_without_vendor_each_pattern_is_compiled_as_ever() -> None:
    before = dict(CACHED)

    assert use_compiled_patterns("no_such_module") == 0
    assert before == CACHED


@pytest.mark.parametrize(
    "changes",
    [
        {"ENGINE": ("another", *engine()[1:])},
        {"PATTERNS": ((PATTERN, FLAGS, FLAGS, (1, 2, 3), 1, (("word", 1),), (None, "word")),)},
        {"PATTERNS": ((PATTERN, FLAGS),)},
        {"PATTERNS": 3},
        {"PATTERNS": ((PATTERN, FLAGS, FLAGS, (2**32,), 1, (("word", 1),), (None, "word")),)},
    ],
    ids=["another engine", "no code of the engine", "another form", "no patterns", "too large"],
)
def test_patterns_for_another_python_are_not_taken_over(
    patterns: ModuleType, changes: dict[str, Any]
) -> None:
    vars(patterns).update(changes)
    before = dict(CACHED)

    assert use_compiled_patterns(NAME) == 0
    assert before == CACHED


@pytest.mark.parametrize("text", ["PATTERNS = (", "import no_such_module"])
def test_a_module_that_can_not_be_loaded_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    (tmp_path / f"{NAME}.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)

    assert use_compiled_patterns(NAME) == 0


def test_a_python_that_keeps_patterns_elsewhere_compiles_them_as_ever(
    patterns: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert patterns
    monkeypatch.delattr(re, "_cache")

    assert use_compiled_patterns(NAME) == 0
