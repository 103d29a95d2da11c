"""
Hold a process that a test has started to AWS's limits.

Python imports this module by itself if its directory is on PYTHONPATH. The package is loaded from
its place, since the project need not be on the path: a packaged function must find only its own
modules.
"""

import importlib
import importlib.util
import os
import sys
from pathlib import Path

PACKAGE = "tests.aws_limits"


def hold() -> None:
    directory = Path(__file__).parents[1]
    spec = importlib.util.spec_from_file_location(
        PACKAGE, directory / "__init__.py", submodule_search_locations=[str(directory)]
    )
    assert spec
    assert spec.loader
    sys.modules[PACKAGE] = package = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(package)
    importlib.import_module(f"{PACKAGE}.layer").install()


if "TESTS_AWS_LIMITS_FILE" in os.environ:
    hold()
