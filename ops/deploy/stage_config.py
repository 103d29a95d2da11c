"""A stage in .chalice/config.json: read, and written to with nothing else of the file touched."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ops.deploy.config_text import STAGES, VARIABLES, replace_text, with_variables
from ops.deploy.problems import DeploymentProblem
from ops.project import CONFIG
from ops.stack_outputs import OPTIONAL_OUTPUTS, VARIABLE_OUTPUTS, resource_variables
from ops.stage_names import LOCAL_STAGE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True)
class StageConfig:
    """A stage's settings in .chalice/config.json of a project."""

    project: Path
    stage: str
    settings: Mapping[str, Any]
    project_settings: Mapping[str, Any]

    @classmethod
    def load(cls, project: Path, stage: str) -> StageConfig:
        """
        Read it.

        Raises:
            DeploymentProblem: there is no such stage, or the file can't be read.
        """
        config = _parsed(project / CONFIG)
        stages = config.get(STAGES, {})
        deployed = [name for name in stages if name != LOCAL_STAGE]
        if stage == LOCAL_STAGE:
            raise DeploymentProblem(
                "Stage local is what `make run` makes on this machine: it is never deployed. "
                f"Take one of {', '.join(deployed)}."
            )
        if stage not in stages:
            raise DeploymentProblem(
                f"{CONFIG} has no stage {stage!r}: take one of {', '.join(deployed)}; to make "
                "another one, type `python -m ops stage new NAME`."
            )
        return cls(project, stage, stages[stage], config)

    @property
    def variables(self) -> dict[str, str]:
        """The environment of all functions of the stage."""
        both = (self.project_settings, self.settings)
        return {name: value for each in both for name, value in each.get(VARIABLES, {}).items()}

    @property
    def is_open(self) -> bool:
        """
        Tell whether any function of the stage lets anyone in.

        An unknown word opens nothing: the app refuses to start with it.
        """
        return self.any_function_has("ORDERS_AUTH", "none")

    def any_function_has(self, name: str, value: str) -> bool:
        """Tell whether a variable has a value in any function, which may have its own variables."""
        return any(variables.get(name) == value for variables in self.environments)

    @property
    def environments(self) -> list[dict[str, str]]:
        """The stage's environment, and that of each function, which may have its own variables."""
        functions = self.settings.get("lambda_functions", {}).values()
        return [self.variables, *(self.variables | each.get(VARIABLES, {}) for each in functions)]

    @property
    def has_resources(self) -> bool:
        """Tell whether `record` has been here."""
        return all(self.variables.get(name) for name in VARIABLE_OUTPUTS)

    @property
    def resource_parameters(self) -> dict[str, str]:
        """Parameters of infrastructure/resources.yaml that differ from their defaults."""
        given = self.settings.get("resource_parameters", {})
        return {name: str(value) for name, value in given.items()}

    @property
    def deployed_by_chalice(self) -> bool:
        """Tell whether `chalice deploy` has deployed this stage from here, and it still runs."""
        path = self.project / ".chalice" / "deployed" / f"{self.stage}.json"
        return path.exists() and bool(_parsed(path).get("resources"))

    def record(self, outputs: Mapping[str, str]) -> list[str]:
        """
        Write the outputs of the resources stack into the stage's variables.

        Returns the names of those that changed; with none, the file is not touched.
        """
        path = self.project / CONFIG
        text = path.read_text(encoding="utf-8")
        before = _parsed(path)["stages"][self.stage].get(VARIABLES, {})
        # Emptied, not left: the app must not subscribe to a stream that was turned off.
        gone = {name: "" for name in OPTIONAL_OUTPUTS if before.get(name)}
        values = gone | resource_variables(outputs)
        changed = [name for name, value in values.items() if before.get(name) != value]
        if changed:
            replace_text(path, with_variables(text, self.stage, before | values))
        return changed


def stages_of(project: Path) -> dict[str, dict[str, Any]]:
    """
    Read all stages of .chalice/config.json by their names, `local` included.

    Raises:
        DeploymentProblem: the file can't be read.
    """
    stages: dict[str, dict[str, Any]] = _parsed(project / CONFIG).get(STAGES, {})
    return stages


def _parsed(path: Path) -> dict[str, Any]:
    try:
        config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DeploymentProblem(f"There is no {path}: run this in the checkout.") from error
    except ValueError as error:
        raise DeploymentProblem(
            f"{CONFIG} is not JSON ({error}): mend it, and run the command again."
        ) from error
    return config
