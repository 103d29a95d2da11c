"""A packaged app, unpacked as Lambda unpacks it, with all that its template says of a function."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from ops.deploy.packaging import package_app
from tests.lambda_runtime.function import Function
from tests.project import change_stage, copy_project, record_resources

STAGE = "dev"
API, PROCESSOR, PUBLISHER = "APIHandler", "ProcessOrders", "PublishEvents"
SEALER = "SealDays"


class Package:
    """A packaged app. Its name keeps the orders of its tests apart from another one's."""

    def __init__(self, name: str, archive: Path, template: Path, directory: Path) -> None:
        """`directory` gets the archive's content."""
        self.name = name
        with zipfile.ZipFile(archive) as zipped:
            zipped.extractall(directory)
        self.code = directory
        self._resources: dict[str, Any] = yaml.safe_load(template.read_text())["Resources"]

    def function(
        self,
        name: str,
        directory: Path,
        variables: Mapping[str, str | None],
        *,
        timeout_seconds: int | None = None,
        log_level: str = "INFO",
    ) -> Function:
        """Make a function by its name in the template. A variable that is None is not set."""
        properties = self._resources[name]["Properties"]
        # CloudFormation fills in what the template refers to.
        given = properties["Environment"]["Variables"].items()
        set_here = {key: value for key, value in given if isinstance(value, str)}
        changed: dict[str, str | None] = {**set_here, **variables}
        directory.mkdir()
        return Function(
            self.code,
            properties["Handler"],
            {key: value for key, value in changed.items() if value is not None},
            directory,
            timeout_seconds=timeout_seconds or properties["Timeout"],
            log_level=log_level,
        )


def make_package(
    directory: Path,
    deployments: Path,
    outputs: dict[str, str],
    *,
    vendored: bool,
    variables: Mapping[str, str] | None = None,
    **changes: Any,
) -> Package:
    """Package the app over the resources of these outputs, with changes of its stage."""
    project = copy_project(directory / "project", deployments)
    record_resources(project, STAGE, outputs)
    change_stage(project, STAGE, dict(variables or {}), **changes)
    packaged = package_app(STAGE, directory / "packaged", project, vendored=vendored)
    name = "vendored" if vendored else "plain"
    return Package(name, packaged.archive, packaged.template, directory / "code")
