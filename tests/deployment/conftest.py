"""The app, packaged once for each stage."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.deploy.packaging import PackagedApp, package_app
from ops.vendor import fill_vendor
from tests.project import STAGES, copy_project, outputs_of, record_resources

# An older Python left it behind when it imported a module that is gone now.
STALE_BYTECODE = "chalicelib/__pycache__/gone.cpython-39.pyc"


@pytest.fixture(scope="session", autouse=True)
def _bytecode_is_written() -> Iterator[None]:
    """Let Python write bytecode, as on most machines, whatever this machine is told."""
    with pytest.MonkeyPatch.context() as environment:
        environment.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
        yield


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory, deployments: Path) -> Path:
    """Make a copy of the project in which the resources of all stages are recorded."""
    project = copy_project(tmp_path_factory.mktemp("project") / "orders", deployments)
    for stage in STAGES:
        record_resources(project, stage, outputs_of(stage))
    leave_stale_bytecode(project)
    return project


def leave_stale_bytecode(project: Path) -> None:
    path = project / STALE_BYTECODE
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"")


@pytest.fixture(scope="session")
def packaged_stages(
    tmp_path_factory: pytest.TempPathFactory, project: Path
) -> dict[str, PackagedApp]:
    directory = tmp_path_factory.mktemp("packaged")
    return {stage: package_app(stage, directory / stage, project) for stage in STAGES}


@pytest.fixture(scope="session")
def vendored_project(tmp_path_factory: pytest.TempPathFactory, deployments: Path) -> Path:
    """Make a copy of the project after `make vendor`, which then was for an older botocore."""
    project = copy_project(tmp_path_factory.mktemp("vendored") / "orders", deployments)
    record_resources(project, "dev", outputs_of("dev"))
    vendor = fill_vendor(project)
    (vendor / "botocore" / "of_an_older_release.py").write_text("")
    leave_stale_bytecode(project)
    return project


@pytest.fixture(scope="session")
def vendored(tmp_path_factory: pytest.TempPathFactory, vendored_project: Path) -> PackagedApp:
    return package_app("dev", tmp_path_factory.mktemp("packaged-vendored"), vendored_project)


@pytest.fixture(params=STAGES)
def packaged(
    request: pytest.FixtureRequest, packaged_stages: dict[str, PackagedApp]
) -> PackagedApp:
    """Each stage in turn."""
    return packaged_stages[request.param]
