"""The app, packaged once with vendor/ and once without, and functions of it to start."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from ops.local.stack import LocalResources
from tests.lambda_runtime.account import Account
from tests.lambda_runtime.function import Function
from tests.lambda_runtime.package import Package, make_package

Start = Callable[..., Function]


@pytest.fixture(scope="session")
def whole_account(local_resources: LocalResources) -> Iterator[Account]:
    account = Account(local_resources)
    yield account
    account.close()


@pytest.fixture
def account(whole_account: Account) -> Account:
    """Return the account with nothing on its queue."""
    whole_account.empty_queue()
    return whole_account


@pytest.fixture(scope="session")
def plain(
    tmp_path_factory: pytest.TempPathFactory, deployments: Path, whole_account: Account
) -> Package:
    directory = tmp_path_factory.mktemp("plain")
    return make_package(directory, deployments, whole_account.outputs, vendored=False)


@pytest.fixture(scope="session")
def vendored(
    tmp_path_factory: pytest.TempPathFactory, deployments: Path, whole_account: Account
) -> Package:
    directory = tmp_path_factory.mktemp("vendored")
    return make_package(directory, deployments, whole_account.outputs, vendored=True)


@pytest.fixture
def start(account: Account, tmp_path: Path) -> Iterator[Start]:
    """Start functions of a package over the account; all of them end with the test."""
    with ExitStack() as functions:

        def start_function(
            package: Package,
            name: str,
            *,
            variables: dict[str, str | None] | None = None,
            **other: Any,
        ) -> Function:
            changed = {**account.variables, **(variables or {})}
            return functions.enter_context(
                package.function(name, tmp_path / name, changed, **other)
            )

        yield start_function
