"""A limit that is passed says its place, what it protects, and what to do."""

import ast
import re
from pathlib import Path

import pytest

from tests.contract.test_application import MOST_MODULES, MOST_MODULES_OF_PROCESSOR
from tests.contract.test_calls_per_order import (
    ALL_CALLS_PER_ORDER,
    BYTES_PER_ORDER,
    OWN_CALLS_PER_ORDER,
)
from tests.limits import Limit

LIMITS = [
    OWN_CALLS_PER_ORDER,
    ALL_CALLS_PER_ORDER,
    BYTES_PER_ORDER,
    MOST_MODULES,
    MOST_MODULES_OF_PROCESSOR,
]


@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: limit.name)
def test_a_limit_stands_where_it_says(limit: Limit) -> None:
    tree = ast.parse(Path(limit.file).read_text(encoding="utf-8"))

    assigned = [
        ast.unparse(target)
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
    ]
    assert limit.name in assigned


@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: limit.name)
def test_a_figure_over_a_limit_says_what_to_do(limit: Limit) -> None:
    over = limit.most + 1

    with pytest.raises(AssertionError) as failed:
        limit.require(over)

    said = str(failed.value)
    assert said.startswith(f"{limit.what}: {over:,}, and {limit.name} in {limit.file} allows ")
    assert f"It protects {limit.protects}. " in said
    assert f"write {over:,} there, and why." in said


def test_a_figure_within_a_limit_passes() -> None:
    OWN_CALLS_PER_ORDER.require(OWN_CALLS_PER_ORDER.most)


def test_no_limit_of_cost_is_a_bare_comparison() -> None:
    """Whoever adds a field meets such a limit first, and knows nothing of it."""
    bare = re.compile(r"assert .*<= ?(?:MOST_MODULES\w*|\w+_PER_ORDER)\b")

    found = [
        f"{path}: {line.strip()}"
        for path in Path("tests").rglob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if bare.search(line)
    ]
    assert found == []
