"""
Hold a process that a test has started to AWS's limits, and keep it from the checkout's `.chalice`.

Python imports this module by itself if its directory is on PYTHONPATH. A package is loaded from
its place, since the project need not be on the path: a packaged function must find only its own
modules.
"""

import importlib
import importlib.util
import os
import sys
from pathlib import Path

TESTS = Path(__file__).parents[2]


def load(name: str) -> None:
    directory = TESTS / name
    spec = importlib.util.spec_from_file_location(
        f"tests.{name}", directory / "__init__.py", submodule_search_locations=[str(directory)]
    )
    assert spec
    assert spec.loader
    sys.modules[f"tests.{name}"] = package = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(package)


if "TESTS_AWS_LIMITS_FILE" in os.environ:
    load("aws_limits")
    importlib.import_module("tests.aws_limits.layer").install()

if "TESTS_FORBIDDEN_DIRECTORY" in os.environ:
    load("configuration")
    importlib.import_module("tests.configuration.guard").install()
