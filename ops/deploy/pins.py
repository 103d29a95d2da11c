"""
The releases that this commit is tested with: a package is made of these, and of no others.

`make` installs them by the hashes in requirements-ops.txt. A wheel lists the hashes of its files,
which tell what was changed after that.
"""

from __future__ import annotations

import csv
import hashlib
import shlex
import sys
from base64 import urlsafe_b64encode
from importlib.metadata import Distribution, PackageNotFoundError, distribution, version
from pathlib import Path
from typing import TYPE_CHECKING

from ops.deploy.problems import PackagingFailed
from ops.project import PROJECT_ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable

PINS = "requirements-ops.txt"


def require_pinned(distributions: Iterable[str]) -> None:
    """
    Compare what is installed with the pins, and its files with what was installed.

    Raises:
        PackagingFailed: something is missing, of another release, or was changed.
    """
    names = list(distributions)
    _require_releases(names)
    changed = [file for name in names for file in changed_files(distribution(name))]
    if changed:
        raise PackagingFailed(
            f"The package would hold what nobody has released: {', '.join(changed[:5])} changed "
            f"after the installation. Type: {_installation('--force-reinstall')}"
        )


def changed_files(installed: Distribution) -> list[str]:
    """Find the files of a distribution that are not as its wheel brought them, or are gone."""
    changed = []
    for name, written, _size in csv.reader(_record(installed).splitlines()):
        algorithm, _, digest = written.partition("=")
        # Bytecode, and the list of the hashes itself, have none.
        if digest and _digest(Path(str(installed.locate_file(name))), algorithm) != digest:
            changed.append(name)
    return changed


def _record(installed: Distribution) -> str:
    """Read the list of all files: since Python 3.12 `files` leaves out what is gone."""
    lists = (file for file in installed.files or [] if file.name == "RECORD")
    return "".join(file.read_text(encoding="utf-8") for file in lists)


def _digest(path: Path, algorithm: str) -> str | None:
    """Digest a file as wheels write it; None: the file is gone."""
    if not path.is_file():
        return None
    digest = hashlib.new(algorithm, path.read_bytes()).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


def _require_releases(names: list[str]) -> None:
    pinned = pins()
    found = {name: _installed(name) for name in names}
    others = [
        f"{name} {release or 'is missing'} (pinned: {pinned[name]})"
        for name, release in found.items()
        if release != pinned[name]
    ]
    if others:
        raise PackagingFailed(
            f"The package would not be of the releases that {PINS} pins, with which this commit is "
            f"tested: {', '.join(others)}. Type: {_installation()}"
        )


def _installation(*options: str) -> str:
    """Write the command that installs the pinned releases into this environment."""
    pip = [sys.executable, "-m", "pip", "install", *options, "--require-hashes"]
    return shlex.join([*pip, "-r", str(PROJECT_ROOT / PINS)])


def pins() -> dict[str, str]:
    """Read which release of each distribution is pinned."""
    lines = (PROJECT_ROOT / PINS).read_text(encoding="utf-8").splitlines()
    # A line goes on with a marker, and with its hashes on further lines.
    requirements = (line.split()[0] for line in lines if "==" in line and line[0].isalnum())
    return dict(requirement.split("==") for requirement in requirements)


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
