"""Running code as in an environment that was made only from requirements-ops.txt."""

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import packages_distributions
from pathlib import Path

# Run before the code: it hides the modules that are only installed for developers.
ABSENT = "import sys; sys.modules.update(dict.fromkeys({names!r}))\n"


def run_without_developers_modules(
    code: str, arguments: Sequence[str] = (), **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run code in a process of its own, without the modules that only developers have."""
    preamble = ABSENT.format(names=sorted(developers_modules()))
    return subprocess.run(
        [sys.executable, "-c", preamble + code, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=os.environ | environment,
    )


def developers_modules() -> set[str]:
    """Name the top-level modules that only requirements-dev.txt brings."""
    operators, developers = (_pinned(f"requirements-{name}.txt") for name in ("ops", "dev"))
    return {
        module
        for module, distributions in packages_distributions().items()
        if (names := {_canonical(each) for each in distributions}) <= developers
        and not names & operators
    }


def _pinned(file: str) -> set[str]:
    names = re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==", Path(file).read_text(), re.MULTILINE)
    return {_canonical(name) for name in names}


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
