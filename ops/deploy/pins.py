"""The releases that this commit is tested with: a package is made of these, and of no others."""

from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from ops.deploy.problems import PackagingFailed
from ops.project import PROJECT_ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable

PINS = "requirements-ops.txt"


def require_pinned(distributions: Iterable[str]) -> None:
    """
    Compare what is installed with the pins.

    Raises:
        PackagingFailed: something is missing, or is of another release.
    """
    pinned = pins()
    found = {name: _installed(name) for name in distributions}
    others = [
        f"{name} {release or 'is missing'} (pinned: {pinned[name]})"
        for name, release in found.items()
        if release != pinned[name]
    ]
    if others:
        raise PackagingFailed(
            f"The package would not be of the releases that {PINS} pins, with which this commit is "
            f"tested: {', '.join(others)}. Type: {sys.executable} -m pip install -r "
            f"{PROJECT_ROOT / PINS}"
        )


def pins() -> dict[str, str]:
    """Read which release of each distribution is pinned."""
    lines = (PROJECT_ROOT / PINS).read_text(encoding="utf-8").splitlines()
    requirements = (line.split(";")[0].strip() for line in lines if "==" in line)
    return dict(requirement.split("==") for requirement in requirements if requirement[0] != "#")


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
