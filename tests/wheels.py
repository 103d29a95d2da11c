"""The wheels of what is deployed: those that `make .venv` has kept, or else from the network."""

import subprocess
import sys
from pathlib import Path

from ops.project import PROJECT_ROOT

KEPT = Path(sys.prefix) / "wheels"
"""Here `make .venv` puts them, so that the tests need no network."""
REQUIREMENTS = PROJECT_ROOT / "requirements.txt"
FOR_ARM64 = ("--only-binary=:all:", "--platform", "manylinux_2_24_aarch64")


def download_requirements(directory: Path, kept: Path = KEPT) -> None:
    """
    Put the wheels of each requirement into a directory, for this machine and for Lambda's arm64.

    Raises:
        CalledProcessError: some are not kept, and can't be downloaded.
    """
    for processor in ((), FOR_ARM64):
        if not _download(directory, *processor, "--no-index", "--find-links", str(kept)):
            _download(directory, *processor, required=True)


def _download(directory: Path, *options: str, required: bool = False) -> bool:
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    wanted = ["--require-hashes", "--no-deps", "--requirement", str(REQUIREMENTS)]
    done = subprocess.run(
        [*pip, *wanted, "--dest", str(directory), *options],
        stderr=None if required else subprocess.DEVNULL,
        check=required,
    )
    return done.returncode == 0
