"""A packaged stage whose archive is over obstore, on Lambda's runtime: of this machine or not."""

import platform
from pathlib import Path

import pytest

from tests.aws_parts import LAMBDA_RUNTIME
from tests.builders import order_text
from tests.lambda_runtime.account import Account
from tests.lambda_runtime.conftest import Start
from tests.lambda_runtime.function import Function
from tests.lambda_runtime.package import PROCESSOR, Package, make_package

pytestmark = pytest.mark.aws_part(LAMBDA_RUNTIME.name)

OWN = "x86_64" if platform.machine() == "x86_64" else "arm64"
OTHER = {"x86_64": "arm64", "arm64": "x86_64"}[OWN]


@pytest.fixture
def package(
    request: pytest.FixtureRequest, tmp_path: Path, deployments: Path, account: Account
) -> Package:
    """Package the stage for a processor."""
    return make_package(
        tmp_path,
        deployments,
        account.outputs,
        vendored=True,
        variables={"ORDERS_ARCHIVE": "obstore"},
        lambda_architecture=request.param,
    )


def has_loaded_obstore(function: Function) -> bool:
    maps = Path("/proc") / str(function.runtime_pid()) / "maps"
    return "_obstore.abi3.so" in maps.read_text(encoding="utf-8")


@pytest.mark.parametrize("package", [OWN], indirect=True)
def test_a_function_archives_over_the_obstore_of_its_package(
    package: Package, start: Start, account: Account
) -> None:
    event = account.deliver(order_text("over-obstore"))
    function = start(package, PROCESSOR)

    answer = function.invoke(event)

    assert answer.body == {"batchItemFailures": []}
    assert len(account.records("over-obstore")) == 1
    assert has_loaded_obstore(function)
    assert [line for line in function.log if line.get("message") == "setting ignored"] == []


@pytest.mark.parametrize("package", [OTHER], indirect=True)
def test_a_package_for_another_processor_archives_over_boto3_and_says_so(
    package: Package, start: Start, account: Account
) -> None:
    """An emulator's Lambda runs on the machine that it is on, whatever the stage says."""
    event = account.deliver(order_text("over-boto3"))
    function = start(package, PROCESSOR)

    answer = function.invoke(event)

    assert answer.body == {"batchItemFailures": []}
    assert len(account.records("over-boto3")) == 1
    assert not has_loaded_obstore(function)
    (line,) = [line for line in function.log if line.get("message") == "setting ignored"]
    assert line["setting"] == "ORDERS_ARCHIVE='obstore'"
