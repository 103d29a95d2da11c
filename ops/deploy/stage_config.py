"""A stage in .chalice/config.json: read, and written to with nothing else of the file touched."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from json.decoder import JSONDecoder
from typing import TYPE_CHECKING, Any

from ops.deploy.problems import DeploymentProblem
from ops.project import CONFIG
from ops.stack_outputs import OPTIONAL_OUTPUTS, VARIABLE_OUTPUTS, resource_variables
from ops.stage_names import LOCAL_STAGE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

VARIABLES = "environment_variables"
INDENT = "  "


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
        stages = config.get("stages", {})
        deployed = [name for name in stages if name != LOCAL_STAGE]
        if stage == LOCAL_STAGE:
            raise DeploymentProblem(
                "Stage local is what `make run` makes on this machine: it is never deployed. "
                f"Take one of {', '.join(deployed)}."
            )
        if stage not in stages:
            raise DeploymentProblem(
                f"{CONFIG} has no stage {stage!r}: take one of {', '.join(deployed)}, "
                "or add it there."
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

        A single function may have variables of its own. An unknown word opens nothing: the app
        refuses to start with it.
        """
        functions = self.settings.get("lambda_functions", {}).values()
        environments = [self.variables, *(each.get(VARIABLES, {}) for each in functions)]
        return any(variables.get("ORDERS_AUTH") == "none" for variables in environments)

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
            _replace(path, with_variables(text, self.stage, before | values))
        return changed


def with_variables(text: str, stage: str, variables: Mapping[str, str]) -> str:
    """Write a config's text with other variables in a stage, and all else as it was."""
    start, end = _span(text, ["stages", stage])
    try:
        first, last = _span(text, ["stages", stage, VARIABLES])
    except KeyError:
        indent = _indent_at(text, start) + INDENT
        rest = text[start + 1 : end].lstrip()
        separator = "\n" + _indent_at(text, start) if rest == "}" else f",\n{indent}"
        written = f'{{\n{indent}"{VARIABLES}": {_written(variables, indent)}{separator}{rest}'
        return text[:start] + written + text[end:]
    return text[:first] + _written(variables, _indent_at(text, first)) + text[last:]


def _written(variables: Mapping[str, str], indent: str) -> str:
    lines = json.dumps(dict(variables), indent=INDENT, ensure_ascii=False).splitlines()
    return f"\n{indent}".join(lines)


def _indent_at(text: str, position: int) -> str:
    """Return the white space that the line of a position begins with."""
    line = text[text.rfind("\n", 0, position) + 1 : position]
    return line[: len(line) - len(line.lstrip())]


def _span(text: str, path: list[str]) -> tuple[int, int]:
    """
    Find where the value at a path of keys begins and ends in a JSON text.

    Raises:
        KeyError: there is no such key.
    """
    decoder = JSONDecoder()
    start = _skip(text, 0)
    for key in path:
        start = _value_of(text, start, key, decoder)
    return start, decoder.raw_decode(text, start)[1]


def _value_of(text: str, start: int, key: str, decoder: JSONDecoder) -> int:
    """Find where the value of a key begins, in the object at `start`."""
    position = _skip(text, start + 1)
    while text[position] != "}":
        name, position = decoder.raw_decode(text, position)
        position = _skip(text, _skip(text, position) + 1)
        if name == key:
            return position
        _, position = decoder.raw_decode(text, position)
        position = _skip(text, position)
        if text[position] == ",":
            position = _skip(text, position + 1)
    raise KeyError(key)


def _skip(text: str, position: int) -> int:
    match = re.compile(r"\s*").match(text, position)
    return match.end() if match else position


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


def _replace(path: Path, text: str) -> None:
    """Replace a file: all of it or nothing, should the process end in the middle."""
    draft = path.with_suffix(".json.new")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)
