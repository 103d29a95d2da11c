"""The layer reaches the processes that tests start: what they break fails the test."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import boto3

from ops.local.stack import LocalResources, LocalStack
from ops.project import PROJECT_ROOT
from tests.aws_limits.cases import BODY, SWALLOWED
from tests.aws_limits.ledger import expected
from tests.aws_limits.processes import SITE
from tests.ops_environment import run_without_developers_modules


def test_a_process_that_a_test_starts_is_held() -> None:
    with expected(BODY) as broken:
        subprocess.run([sys.executable, "-c", SWALLOWED], check=True, cwd="/")

    assert broken[0].process != 0


def test_a_process_without_the_developers_modules_is_held() -> None:
    with expected(BODY):
        assert run_without_developers_modules(SWALLOWED).stderr == ""


def test_the_children_of_make_run_are_held() -> None:
    """`ops` gives them its own environment, but the path that it inherits is in it."""
    stack = LocalStack()
    stack.environment = {}

    worker = stack._ops_process("the worker", "worker", [])

    assert worker._environment["PYTHONPATH"].split(":")[:2] == [str(PROJECT_ROOT), str(SITE)]
    assert "TESTS_AWS_LIMITS_FILE" in worker._environment


def test_a_function_that_the_emulator_runs_is_held(
    local_resources: LocalResources, tmp_path: Path
) -> None:
    """It finds none of the project's modules all the same."""
    code = f"def handler(*_):\n    import importlib.util\n{indented(SWALLOWED)}"
    code += "    return importlib.util.find_spec('chalicelib') is None\n"
    awslambda = boto3.client("lambda", endpoint_url=local_resources.aws_url)
    awslambda.create_function(
        FunctionName="breaks-a-limit",
        Runtime=f"python3.{sys.version_info.minor}",
        Role="arn:aws:iam::000000000000:role/any",
        Handler="code.handler",
        Code={"ZipFile": zipped(tmp_path, code)},
    )

    with expected(BODY):
        answer = awslambda.invoke(FunctionName="breaks-a-limit")

    assert json.loads(answer["Payload"].read()) is True


def indented(code: str) -> str:
    return "".join(f"    {line}\n" for line in code.splitlines())


def zipped(directory: Path, code: str) -> bytes:
    path = directory / "code.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("code.py", code)
    return path.read_bytes()
