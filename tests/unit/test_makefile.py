"""The Makefile: environments of one Python, the one that is asked for; and each test once."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from ops.project import PROJECT_ROOT

PYTHON = """#!/bin/sh
echo "{name} $*" >> {log}
case "$*" in
    *"< (3, 11)"*) test {version} != 3.10 ;;
    *_base_executable*) echo {base} ;;
    *%d.%d*) echo {version} ;;
    "-m venv --clear "*) rm -rf "$4"; mkdir -p "$4/bin"; cp "$0" "$4/bin/python" ;;
    "-m pip --version") echo "pip 26 from here (python {version})" ;;
esac
"""


# Without the variables of the `make` that may run the tests.
INHERITED = {name: os.environ[name] for name in ("HOME", "PATH")}


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


def make(
    checkout: Path, *arguments: str, check: bool = True, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", *arguments],  # noqa: S607 (make is found as a user's shell finds it)
        cwd=checkout,
        env=INHERITED | environment,
        capture_output=True,
        text=True,
        check=check,
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


def advice(ended: subprocess.CompletedProcess[str]) -> str:
    """Return the command that the only line says to type; make adds a line of its own."""
    (line,) = [line for line in ended.stderr.splitlines() if not line.startswith("make: ***")]
    assert ended.returncode != 0
    return line.partition(": type ")[2]


@pytest.mark.parametrize(
    ("python", "fault"),
    [
        ("python3.10", "Python 3.11 or newer is needed, and {} is Python 3.10: "),
        ("nowhere/python3", "{} is not there, or does not run: "),
    ],
)
def test_a_python_that_will_not_do_is_refused_with_a_command_that_works(
    checkout: Path, log: Path, python: str, fault: str
) -> None:
    make_python(checkout.parent / "python3.10", "3.10", log)
    unfit = str(checkout.parent / python)

    given = make(checkout, ".venv", f"PYTHON={unfit}", "OPTIONS=--window 1", check=False)
    exported = make(checkout, ".venv", check=False, PYTHON=unfit)

    assert fault.format(unfit) in given.stderr
    assert advice(given) == "make .venv OPTIONS=--window\\ 1"
    assert advice(exported) == "unset PYTHON; make .venv"
    for typed in (advice(given), advice(exported)):
        environment = INHERITED | ({"PYTHON": unfit} if "unset" in typed else {})
        subprocess.run(typed, shell=True, cwd=checkout, env=environment, check=True)  # noqa: S602 (our own advice)
    assert made_anew(log) == []


def test_without_an_environment_the_advice_names_a_python_of_the_path(
    checkout: Path, log: Path, tmp_path: Path
) -> None:
    shutil.rmtree(checkout / ".venv")
    make_python(tmp_path / "bin" / "python3.12", "3.12", log)
    path = f"{tmp_path / 'bin'}:/usr/bin:/bin"

    refused = make(checkout, ".venv", "PYTHON=/nowhere", check=False, PATH=path)

    # Another Python of this machine may come first.
    typed = advice(refused)
    assert typed.startswith("make .venv PYTHON=python3.")
    assert shutil.which(typed.rpartition("=")[2], path=path)


def test_the_list_of_commands_is_aligned_and_fits_a_terminal() -> None:
    listed = make(PROJECT_ROOT).stdout.splitlines()

    commands = [line for line in listed if re.match("  [a-z]", line)]
    assert len(commands) > 20
    for line in commands:
        assert re.fullmatch("  [a-z][a-z-]{0,10} +[^ ].*", line), line
        assert re.match(".{13}  [^ ]", line), line
    # The path of a Python may be as long as it is.
    assert [line for line in listed[:-1] if len(line) > 80] == []


def test_what_is_said_before_an_installation_fits_a_terminal() -> None:
    said = re.findall(
        r'echo "(Installing .*)"$',
        (PROJECT_ROOT / "Makefile").read_text(encoding="utf-8"),
        re.MULTILINE,
    )

    assert len(said) > 5
    assert [line for line in said if len(line) > 80] == []


def test_only_the_ports_that_are_given_are_passed_on(checkout: Path) -> None:
    def passed(*given: str) -> list[str]:
        (line,) = [
            line
            for line in make(checkout, "--dry-run", "run", *given)
            .stdout.replace("\\\n", "")
            .splitlines()
            if "ops run" in line
        ]
        return line.partition("--from-make")[2].split()

    (checkout / "requirements-aws.txt").touch()

    assert passed() == []
    assert passed("PORT=8080", "CONSOLE_PORT=", "OPTIONS=--no-console") == [
        *("--port", "8080"),
        "--no-console",
    ]
    assert passed("AWS_PORT=1", "CONSOLE_PORT=2") == ["--aws-port", "1", "--console-port", "2"]


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


def ignored_by_test(*given: str) -> list[str]:
    """List the files and directories that `make test` leaves out."""
    ran = make(PROJECT_ROOT, "--dry-run", "test", *given).stdout
    return re.findall(r"--ignore=(\S+)", ran)


def test_all_tests_run_unless_a_second_run_leaves_out_what_is_alike() -> None:
    left_out = ignored_by_test("ELSEWHERE=1")

    assert ignored_by_test() == []
    assert left_out
    assert [name for name in left_out if not (PROJECT_ROOT / name).exists()] == []


def test_only_the_second_run_of_the_gate_leaves_tests_out() -> None:
    gate = (PROJECT_ROOT / ".ci" / "run").read_text(encoding="utf-8")

    (first,) = re.findall("^cleanly (.*make check.*)$", gate, re.MULTILINE)
    (second,) = re.findall("^cleanly (.*make test.*)$", gate, re.MULTILINE)

    assert first == "ORDERS_AWS_PARTS_REQUIRED=1 make check"
    assert "ELSEWHERE=1" in second
