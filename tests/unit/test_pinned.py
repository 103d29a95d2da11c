"""Everything that is installed is pinned: by version and hash, by digest, or by commit."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from ops.project import PROJECT_ROOT

PINNED = sorted(PROJECT_ROOT.glob("requirements*.txt"))
ENVIRONMENTS = (".venv", ".venv-aws", ".venv-bench", ".venv-lambda")
# make prints what it would do for these.
INSTALLING = (*ENVIRONMENTS, "audit", "lock")
# A program that installs by a name alone, from whichever registry.
BY_NAME = re.compile(
    r"\b(npx|npm (install|i|ci|exec)|pipx|uvx|uv tool|gem install|cargo install)\b"
)
PIP_INSTALL = re.compile(r"pip\"? (?:--\S+ )*(?:install|download|wheel)\b(.*?)(?:;|&&|\|\||$)")


def requirements_in(file: Path) -> list[str]:
    """Read the requirements of a file, each with its options on one line."""
    lines = file.read_text().replace("\\\n", " ").splitlines()
    return [line for line in lines if line.strip() and not line.lstrip().startswith("#")]


def dry_run(*targets: str) -> str:
    """Print what make would do for these targets, each made anew."""
    checkout = ["--always-make", "--dry-run", "--directory", str(PROJECT_ROOT)]
    make = shutil.which("make")
    assert make
    ran = subprocess.run([make, *checkout, *targets], capture_output=True, text=True, check=True)
    return ran.stdout.replace("\\\n", " ")


@pytest.mark.parametrize("file", PINNED, ids=lambda file: file.name)
def test_each_requirement_has_a_version_and_a_hash(file: Path) -> None:
    requirements = requirements_in(file)

    assert requirements
    for requirement in requirements:
        assert re.match(r"[A-Za-z0-9._-]+==[^\s;]+ ", requirement), requirement
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", requirement), requirement


@pytest.mark.parametrize("file", PINNED, ids=lambda file: file.name)
def test_a_pinned_file_names_no_registry(file: Path) -> None:
    requirements = " ".join(requirements_in(file))

    assert "://" not in requirements
    assert "--index" not in requirements
    assert "--find-links" not in requirements


def test_each_file_of_requirements_is_pinned() -> None:
    asked = {file.stem for file in PROJECT_ROOT.glob("requirements*.in")}

    assert asked == {file.stem for file in PINNED} - {"requirements"}


def test_make_lock_pins_each_file() -> None:
    locked = set(re.findall(r"\bpin ([a-z]+)", dry_run("lock")))

    assert {f"requirements-{name}" for name in locked} == {file.stem for file in PINNED} - {
        "requirements"
    }


def test_make_audit_asks_for_each_file() -> None:
    said = dry_run("audit")

    assert "for file in requirements*.txt; do" in said
    assert "--requirement $file" in said


@pytest.mark.parametrize("target", INSTALLING)
def test_make_installs_nothing_without_a_hash(target: str) -> None:
    installations = PIP_INSTALL.findall(dry_run(target))

    assert installations
    for options in installations:
        assert "--require-hashes" in options, options
        assert re.search(r"--requirement requirements[a-z-]*\.txt", options), options


@pytest.mark.parametrize("name", ["Makefile", ".ci/run", ".github/workflows/ci.yml"])
def test_no_program_is_fetched_by_its_name_alone(name: str) -> None:
    text = (PROJECT_ROOT / name).read_text()

    assert BY_NAME.search(text) is None
    assert len(re.findall(r"\bpip3? install\b", text)) == text.count("uv pip install")


def test_what_make_fetches_by_npm_has_a_version_and_a_digest() -> None:
    text = (PROJECT_ROOT / "Makefile").read_text()

    packages = re.findall(r"npm pack (.*) >", text)
    pinned = [
        re.fullmatch(r"--silent \$\((\w+)_PACKAGE\)@\$\(\1_VERSION\)", package)
        for package in packages
    ]
    names = [found[1] for found in pinned if found]
    assert len(names) == len(packages) == text.count("npm pack") == 2
    for name in names:
        assert re.search(rf"^{name}_SHA256 := [0-9a-f]{{64}}$", text, re.MULTILINE)
        assert f'"$$CHECK_DIGEST" *.tgz $({name}_SHA256)' in text


def test_the_workflow_uses_actions_of_one_commit() -> None:
    text = (PROJECT_ROOT / ".github/workflows/ci.yml").read_text()

    actions = re.findall(r"uses: (\S+)", text)

    assert actions
    assert [action for action in actions if not re.search(r"@[0-9a-f]{40}$", action)] == []
