"""The files of a stage in the checkout: its part of .chalice/config.json, and its policies."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chalicelib.settings import PRINCIPALS
from ops.deploy.config_names import POLICY_FILE, names_of_config, policy_files, read_policy
from ops.deploy.config_text import VARIABLES, replace_text, with_stage, without_stage
from ops.deploy.parameter_values import unmet_need
from ops.deploy.problems import DeploymentProblem
from ops.deploy.stage_config import stages_of
from ops.lint.names_rule import foreign_names
from ops.next_command import ops_command
from ops.project import CONFIG, RESOURCES_TEMPLATE
from ops.stack_outputs import OPTIONAL_OUTPUTS, VARIABLE_OUTPUTS
from ops.stage_mentions import with_other_stage
from ops.stage_names import LOCAL_STAGE
from ops.templates import load_template

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from ops.deploy.stage_config import StageConfig

FUNCTIONS = ("api", "processor", "events", "seals")
RECORDED = {**VARIABLE_OUTPUTS, **OPTIONAL_OUTPUTS}


@dataclass(frozen=True)
class NewStage:
    """A stage that is to be: its settings, and the text of each policy file."""

    name: str
    settings: Mapping[str, Any]
    policies: Mapping[str, str]


def stage_like(config: StageConfig, name: str) -> NewStage:
    """
    Make a stage of another one: with its own names, and without recorded resources.

    Raises:
        DeploymentProblem: the name can't be a stage's, or the other stage can't be taken.
    """
    _require_good_name(config, name)
    foreign = list(foreign_names(config.stage, names_of_config(config)))
    if foreign:
        raise DeploymentProblem(
            f"Stage {config.stage} can't be copied, because it isn't well itself: {foreign[0]}.\n"
            "Mend it, or take another one with --like."
        )
    renamed = {
        old: _file_of(old, config.stage, name) for old in policy_files(config.settings).values()
    }
    policies = {
        new: with_other_stage(read_policy(config, old), config.stage, name)
        for old, new in renamed.items()
    }
    return NewStage(name, _settings_of(config, name, renamed), policies)


def write_stage(project: Path, stage: NewStage) -> None:
    """
    Write a new stage: all of it, or nothing.

    The configuration comes last. A run that ends before it leaves policies, which the next run
    takes for its own.

    Raises:
        DeploymentProblem: a policy file is there already and says something else, or the disk
            refuses.
    """
    path = project / CONFIG
    missing = _missing_policies(path, stage)
    with _removing_again(path, missing):
        for name, text in missing.items():
            replace_text(path.parent / name, text)
        text = path.read_text(encoding="utf-8")
        replace_text(path, with_stage(text, stage.name, stage.settings))


def remove_stage(project: Path, name: str) -> list[str]:
    """
    Take a stage out of the configuration, and delete policy files that no other stage names.

    Returns the files that were changed or deleted. Safe to repeat.

    Raises:
        DeploymentProblem: there is no trace of such a stage, or it is the only one.
    """
    path = project / CONFIG
    stages = stages_of(project)
    if name not in stages:
        _require_legal_name(project, name)
    others = {key: settings for key, settings in stages.items() if key not in (name, LOCAL_STAGE)}
    known = {f"policy-{function}-{name}.json" for function in FUNCTIONS}
    own = (known | _files_named_by(stages.get(name, {}))) - _files_named_by(*others.values())
    files = [each for each in sorted(own) if (path.parent / each).exists()]
    if name not in stages and not files:
        raise DeploymentProblem(f"{CONFIG} has no stage {name!r}: there is nothing to remove.")
    if not others:
        raise DeploymentProblem(f"Stage {name} is the only one: no other could be made like it.")
    if name in stages:
        replace_text(path, without_stage(path.read_text(encoding="utf-8"), name))
    for each in files:
        (path.parent / each).unlink()
    return [*([CONFIG] if name in stages else []), *(f".chalice/{each}" for each in files)]


def _require_good_name(config: StageConfig, name: str) -> None:
    if name == LOCAL_STAGE:
        raise DeploymentProblem("Stage local is what `make run` makes: take another name.")
    if name in stages_of(config.project):
        raise DeploymentProblem(f"{CONFIG} has a stage {name} already: take another name.")
    _require_legal_name(config.project, name)


def _require_legal_name(project: Path, name: str) -> None:
    template = (project / RESOURCES_TEMPLATE).read_text(encoding="utf-8")
    needed = unmet_need(load_template(template)["Parameters"]["Stage"], name)
    if needed:
        raise DeploymentProblem(f"{name!r} can't be the name of a stage: it has to be {needed}.")


def _file_of(old: str, stage: str, name: str) -> str:
    """Name a new policy file as the old one is named."""
    stem = re.sub(rf"-{re.escape(stage)}$", "", old.removesuffix(".json"))
    return f"{stem}-{name}.json"


def _settings_of(config: StageConfig, name: str, files: Mapping[str, str]) -> dict[str, Any]:
    text = json.dumps(config.settings)
    settings: dict[str, Any] = json.loads(with_other_stage(text, config.stage, name))
    settings["api_gateway_stage"] = name
    if "stage" in settings.get("tags", {}):
        settings["tags"]["stage"] = name
    functions = settings.get("lambda_functions", {})
    for function, old in policy_files(config.settings).items():
        functions[function][POLICY_FILE] = files[old]
    callers = callers_in(config.settings)
    for owner, table in zip(_owners(settings), callers, strict=True):
        if VARIABLES in owner:
            owner[VARIABLES] = {
                key: value for key, value in owner[VARIABLES].items() if key not in RECORDED
            }
        if table is not None:
            # A caller's role may be called orders-NAME, and is no stage's.
            owner[VARIABLES][PRINCIPALS] = table
    return settings


def callers_in(settings: Mapping[str, Any]) -> list[str | None]:
    """List the tables of principals of a stage and of its functions."""
    return [owner.get(VARIABLES, {}).get(PRINCIPALS) for owner in _owners(settings)]


def _owners(settings: Mapping[str, Any]) -> list[Any]:
    """List what may have variables: the stage, and each of its functions."""
    return [settings, *settings.get("lambda_functions", {}).values()]


def _missing_policies(config: Path, stage: NewStage) -> dict[str, str]:
    """List the policies that are yet to be written."""
    there = {name: path for name in stage.policies if (path := config.parent / name).exists()}
    differing = [
        f".chalice/{name}"
        for name, path in there.items()
        if path.read_text(encoding="utf-8", errors="replace") != stage.policies[name]
    ]
    if differing:
        remove = ops_command("stage remove", stage.name, project_dir=config.parents[1])
        raise DeploymentProblem(
            f"{', '.join(differing)} would be written, and says something else: nothing was "
            f"written. If nobody needs it, type `{remove}`, and run "
            "the command again."
        )
    return {name: text for name, text in stage.policies.items() if name not in there}


@contextmanager
def _removing_again(config: Path, policies: Mapping[str, str]) -> Iterator[None]:
    """Remove the policies again if the stage does not get as far as the configuration."""
    try:
        yield
    except BaseException as error:
        for name in policies:
            (config.parent / name).unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise DeploymentProblem(
                f".chalice can't be written to: {error.strerror}. Nothing was written."
            ) from error
        raise


def _files_named_by(*stages: Mapping[str, Any]) -> set[str]:
    return {name for stage in stages for name in policy_files(stage).values()}
