"""The environment by which processes that tests start are held to the limits too."""

import os
from collections.abc import Mapping
from pathlib import Path

from tests.aws_limits.ledger import FILE

# It holds sitecustomize.py alone, which each Python imports at its start: no module of the project
# can be imported by way of it.
SITE = Path(__file__).parent / "site"


def held(environment: Mapping[str, str]) -> dict[str, str]:
    """Add to a process's environment what holds it to the limits."""
    path = environment.get("PYTHONPATH", "").split(os.pathsep)
    paths = [str(SITE), *(each for each in path if each not in ("", str(SITE)))]
    return {**environment, "PYTHONPATH": os.pathsep.join(paths), FILE: os.environ[FILE]}
