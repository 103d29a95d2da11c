"""The Makefile: environments of one Python, the one that is asked for; and each test once."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from ops.project import PROJECT_ROOT

PYTHON = """#!/bin/sh
echo "{name} $*" >> {log}
case "$*" in
    *_base_executable*) echo {base} ;;
    *%d.%d*) echo {version} ;;
    "-m venv --clear "*) rm -rf "$4"; mkdir -p "$4/bin"; cp "$0" "$4/bin/python" ;;
    "-m pip --version") echo "pip 26 from here (python {version})" ;;
esac
"""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.fixture
def checkout(tmp_path: Path, log: Path) -> Path:
    """Make a checkout whose .venv was made by Python 3.11."""
    directory = tmp_path / "checkout"
    directory.mkdir()
    shutil.copy(PROJECT_ROOT / "Makefile", directory)
    for name in ("requirements.txt", "requirements-ops.txt", "requirements-dev.txt"):
        (directory / name).touch()
    make_python(directory / ".venv/bin/python", "3.11", log, base=tmp_path / "python3.11")
    (directory / ".venv" / ".made-from-requirements-3.11").touch()
    for version in ("3.11", "3.13"):
        make_python(tmp_path / f"python{version}", version, log)
    return directory


def make_python(path: Path, version: str, log: Path, base: Path | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(PYTHON.format(name=path.name, log=log, base=base or path, version=version))
    path.chmod(0o755)


def make(checkout: Path, *arguments: str) -> None:
    environment = {name: os.environ[name] for name in ("HOME", "PATH")}
    subprocess.run(
        ["make", *arguments],  # noqa: S607 (make is found as a user's shell finds it)
        cwd=checkout,
        env=environment,
        capture_output=True,
        check=True,
    )


def made_anew(log: Path) -> list[str]:
    return [line for line in log.read_text().splitlines() if "-m venv" in line]


def test_an_environment_is_made_anew_if_another_python_has_made_it(
    checkout: Path, log: Path
) -> None:
    make(checkout, ".venv", f"PYTHON={checkout.parent}/python3.13")

    assert made_anew(log) == ["python3.13 -m venv --clear .venv"]


def test_a_python_may_be_in_a_directory_with_a_space(checkout: Path, log: Path) -> None:
    python = checkout.parent / "a directory" / "python3.13"
    make_python(python, "3.13", log)

    make(checkout, ".venv", f"PYTHON={python}")
    make(checkout, ".venv")

    assert made_anew(log) == ["python3.13 -m venv --clear .venv"]


def test_an_environment_is_kept_if_no_other_python_is_asked_for(checkout: Path, log: Path) -> None:
    make(checkout, ".venv")
    make(checkout, ".venv", f"PYTHON={checkout.parent}/python3.11")

    assert made_anew(log) == []


def test_further_environments_are_of_the_python_of_the_first(checkout: Path, log: Path) -> None:
    (checkout / "requirements-aws.txt").touch()

    make(checkout, ".venv-aws")

    assert made_anew(log) == ["python3.11 -m venv --clear .venv-aws"]


def test_the_gate_runs_each_test_once_measured_or_not() -> None:
    ran = subprocess.run(
        [shutil.which("make") or "make", "--dry-run", "coverage", "unmeasured"],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    named = [Path(word) for word in ran.stdout.split() if word.startswith("tests/")]
    files = [
        file
        for path in named
        for file in ([path] if path.suffix else sorted(path.rglob("test_*.py")))
    ]
    assert sorted(files) == sorted(Path("tests").rglob("test_*.py"))
