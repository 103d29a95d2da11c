"""No test reads the checkout's configuration unawares, nor does a process that it starts."""

import os
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from ops.project import CONFIG, PROJECT_ROOT
from tests.configuration.guard import CheckoutRead
from tests.configuration.own import TEXT
from tests.configuration.plugin import may_read_checkout

READ = f"open({str(PROJECT_ROOT / CONFIG)!r}).read()"
# A test run of its own.
CONFTEST = """
pytest_plugins = ["tests.configuration.plugin"]

def pytest_configure(config):
    config.addinivalue_line("markers", "any_configuration: as in pyproject.toml")
"""
TESTS = f"""
import pytest

def test_without():
    {READ}

@pytest.mark.any_configuration
def test_with(checkout_stage):
    {READ}
    assert checkout_stage.settings
"""
WITHOUT_MARK = """
def test_of_each_stage(checkout_stage):
    assert checkout_stage.settings
"""


@pytest.mark.parametrize("path", [PROJECT_ROOT / CONFIG, os.fsencode(CONFIG), CONFIG], ids=repr)
def test_the_checkouts_configuration_is_refused_however_it_is_named(path: Path) -> None:
    with pytest.raises(CheckoutRead, match="the mark any_configuration"), open(path):  # noqa: PTH123
        pass


def test_no_handler_of_exceptions_hides_the_refusal() -> None:
    with pytest.raises(CheckoutRead), suppress(Exception):
        (PROJECT_ROOT / CONFIG).read_text(encoding="utf-8")


@pytest.mark.parametrize("code", [READ, "import tests.configuration.own"], ids=["read", "import"])
def test_a_process_that_a_test_starts_is_refused_it_too(code: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ("CheckoutRead" in done.stderr) == (code == READ), done.stderr


def test_other_configurations_may_be_read(tmp_path: Path) -> None:
    (tmp_path / CONFIG).parent.mkdir()
    (tmp_path / CONFIG).write_text(TEXT, encoding="utf-8")

    assert (tmp_path / CONFIG).read_text(encoding="utf-8") == TEXT


def test_only_a_test_with_the_mark_reads_it(tmp_path: Path) -> None:
    output = output_of_run(tmp_path, TESTS)

    assert "FAILED test_one.py::test_without" in output
    assert re.search(r"1 failed, [1-9]\d* passed", output)


def test_only_a_test_with_the_mark_gets_the_stages(tmp_path: Path) -> None:
    output = output_of_run(tmp_path, WITHOUT_MARK)

    assert "test_one.py::test_of_each_stage needs the mark any_configuration" in output


@pytest.mark.parametrize(
    ("file", "may_read"),
    [("test_mine.py", True), ("examples/test_mine.py", True), ("unit/test_stage_config.py", False)],
)
def test_the_tests_of_users_read_what_is_configured(file: str, may_read: bool) -> None:
    assert may_read_checkout(PROJECT_ROOT / "tests" / file) is may_read


def output_of_run(directory: Path, tests: str) -> str:
    """Run tests under the plugin, and return what pytest says."""
    (directory / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    (directory / "test_one.py").write_text(tests, encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--color=no", "-rf", "."],
        cwd=directory,
        env={"PATH": os.defpath, "PYTHONPATH": str(PROJECT_ROOT)},
        capture_output=True,
        text=True,
        check=False,
    ).stdout
