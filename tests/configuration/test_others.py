"""The tests that judge the checkout's configuration hold for whatever users commit there."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ops.project import PROJECT_ROOT
from tests.configuration.others import OTHERS, copy_checkout
from tests.configuration.plugin import MARK, may_read_checkout
from tests.environment import same_everywhere
from tests.project import change_stage


def run_marked(checkout: Path, names: str = "test_*.py") -> subprocess.CompletedProcess[str]:
    """Run the tests that have the mark, as `make test` does, in a checkout."""
    tests = [path.relative_to(checkout) for path in (checkout / "tests").rglob(names)]
    marked = [path for path in sorted(tests) if is_marked(checkout / path, path)]
    environment = same_everywhere(os.environ)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "-m", MARK, *marked],
        cwd=checkout,
        env={name: value for name, value in environment.items() if not name.startswith("PYTEST_")},
        capture_output=True,
        text=True,
        check=False,
    )


def is_marked(copy: Path, path: Path) -> bool:
    return may_read_checkout(PROJECT_ROOT / path) or MARK in copy.read_text(encoding="utf-8")


@pytest.mark.timeout(600)  # a run of tests in a test
@pytest.mark.parametrize("change", OTHERS.values(), ids=list(OTHERS))
def test_the_tests_of_the_checkout_pass_with_the_configurations_of_others(
    tmp_path: Path, change: Callable[[Path], None]
) -> None:
    checkout = copy_checkout(tmp_path / "checkout")
    change(checkout)

    done = run_marked(checkout)

    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^\d+ passed", done.stdout, re.MULTILINE), done.stdout


@pytest.mark.timeout(600)
def test_the_tests_of_the_checkout_fail_with_a_setting_that_the_rules_refuse(
    tmp_path: Path,
) -> None:
    checkout = copy_checkout(tmp_path / "checkout")
    change_stage(checkout, "dev", {"ORDERS_BATCH_SIZE": "100"})

    done = run_marked(checkout, "test_checkout.py")

    assert done.returncode == 1, done.stdout + done.stderr
    assert "a batch of 100 needs a window of at least 1 s" in done.stdout
