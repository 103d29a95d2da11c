"""The app, packaged once for each stage, and once as a whole with vendor/ and without."""

from pathlib import Path

import pytest

from ops.deploy.packaging import PackagedApp, package_app
from tests.configuration.own import STAGES
from tests.project import (
    change_stage,
    copy_project,
    copy_without_requirements,
    outputs_of,
    record_resources,
)

LITTER = (
    # An older Python left it behind when it imported a module that is gone now.
    "chalicelib/__pycache__/gone.cpython-39.pyc",
    "chalicelib/orders/.DS_Store",
    "chalicelib/orders/order.py~",
    "chalicelib/orders/order.py.orig",
    "chalicelib/orders/order.py.rej",
    "chalicelib/orders/order.bak",
    "chalicelib/orders/Thumbs.db",
    "chalicelib/.ruff_cache/0.1/1",
    # Of `make vendor`, with an older botocore.
    "vendor/botocore/of_an_older_release.py",
)


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory, deployments: Path) -> Path:
    """Make a copy of the project in which the resources of all stages are recorded."""
    project = copy_project(tmp_path_factory.mktemp("project") / "orders", deployments)
    for stage in STAGES:
        record_resources(project, stage, outputs_of(stage))
    litter(project)
    return project


def litter(project: Path) -> None:
    """Leave in a checkout what machines leave there; nothing of it belongs into a package."""
    for name in LITTER:
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


@pytest.fixture(scope="session")
def packaged_stages(
    tmp_path_factory: pytest.TempPathFactory, deployments: Path
) -> dict[str, PackagedApp]:
    """Package every stage, for its template: the archives are without requirements and vendor/."""
    directory = tmp_path_factory.mktemp("stages")
    project = copy_without_requirements(directory / "orders", deployments)
    for stage in STAGES:
        record_resources(project, stage, outputs_of(stage))
    return {
        stage: package_app(stage, directory / stage, project, vendored=False) for stage in STAGES
    }


@pytest.fixture(scope="session")
def vendored(tmp_path_factory: pytest.TempPathFactory, project: Path) -> PackagedApp:
    return package_app("dev", tmp_path_factory.mktemp("packaged"), project)


@pytest.fixture(scope="session")
def without_vendor(tmp_path_factory: pytest.TempPathFactory, project: Path) -> PackagedApp:
    return package_app("dev", tmp_path_factory.mktemp("packaged"), project, vendored=False)


@pytest.fixture(scope="session", params=["arm64", "x86_64"])
def over_obstore(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, deployments: Path
) -> PackagedApp:
    """Package a stage whose archive is over obstore, for each of Lambda's processors."""
    directory = tmp_path_factory.mktemp("obstore")
    project = copy_project(directory / "orders", deployments)
    record_resources(project, "dev", outputs_of("dev"))
    variables = {"ORDERS_ARCHIVE": "obstore"}
    change_stage(project, "dev", variables, lambda_architecture=request.param)
    return package_app("dev", directory / request.param, project)


@pytest.fixture(params=STAGES)
def packaged(
    request: pytest.FixtureRequest, packaged_stages: dict[str, PackagedApp]
) -> PackagedApp:
    """Each stage in turn."""
    return packaged_stages[request.param]
