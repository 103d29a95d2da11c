"""The same commit and the same Python make the same package, byte for byte, on any machine."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ops.project import PROJECT_ROOT
from tests.configuration.own import write_configuration
from tests.deployment.conftest import litter
from tests.project import outputs_of, record_resources

# Each test packages three times, which a busy machine takes its time for.
pytestmark = pytest.mark.timeout(300)
FILES = ("app.py", "requirements.txt", "requirements-ops.txt")
DIRECTORIES = ("chalicelib", "infrastructure", "ops")
KEPT = ("HOME", "PATH", "PIP_NO_INDEX", "PIP_FIND_LINKS")
USUAL_UMASK, STRICT_UMASK = 0o022, 0o077
# Bytecode is written by both.
ONE_MACHINE = {"LANG": "C.UTF-8", "TZ": "UTC", "PYTHONHASHSEED": "1"}
ANOTHER_MACHINE = {
    "LC_ALL": "C",
    "TZ": "Asia/Tokyo",
    "PYTHONHASHSEED": "2",
    "PYTHONOPTIMIZE": "2",
    "PYTHONUTF8": "0",
    "AWS_DEFAULT_REGION": "cn-north-1",
    "AWS_PROFILE": "that-is-not-there",
    "SOURCE_DATE_EPOCH": "1700000000",
    "ORDERS_AUTH": "none",
}


def checkout(directory: Path, *, backwards: bool = False) -> Path:
    """Copy what packages the project, and is packaged, in another order if asked to."""
    names = [PROJECT_ROOT / name for name in FILES]
    for name in DIRECTORIES:
        names += [path for path in (PROJECT_ROOT / name).rglob("*") if path.is_file()]
    kept = [path for path in names if "__pycache__" not in path.parts and path.suffix != ".pyc"]
    for path in sorted(kept, reverse=backwards):
        relative = path.relative_to(PROJECT_ROOT)
        (directory / relative).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, directory / relative)
    write_configuration(directory)
    record_resources(directory, "dev", outputs_of("dev"))
    return directory


def package(project: Path, machine: dict[str, str], umask: int, *options: str) -> list[str]:
    """Package as typed in a checkout, and return the digests of both files."""
    subprocess.run(
        [sys.executable, "-m", "ops", "package", "--stage", "dev", "--out", "build", *options],
        cwd=project,
        env={**{name: os.environ[name] for name in KEPT if name in os.environ}, **machine},
        umask=umask,
        stdout=subprocess.PIPE,
        check=True,
    )
    files = [project / "build" / name for name in ("sam.yaml", "deployment.zip")]
    return [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]


@pytest.mark.parametrize("options", [(), ("--without-vendor",)], ids=["vendor", "without vendor"])
@pytest.mark.usefixtures("deployments")
def test_the_same_commit_makes_the_same_package_wherever_it_is_built(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    here = checkout(tmp_path / "here")
    there = checkout(tmp_path / "quite" / "another place", backwards=True)
    litter(there)
    for path in there.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)

    first = package(here, ONE_MACHINE, USUAL_UMASK, *options)
    other = package(there, ANOTHER_MACHINE, STRICT_UMASK, *options)
    again = package(there, ONE_MACHINE, USUAL_UMASK, *options)

    assert list(here.rglob("chalicelib/**/*.pyc")), "No bytecode was written: this proves less."
    assert other == first
    assert again == first
