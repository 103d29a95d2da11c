"""Names in a stage's configuration and policies, as they are in the checkout."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ops.deploy.config_text import VARIABLES
from ops.deploy.problems import DeploymentProblem
from ops.lint.names_rule import DEFAULTS, names_in_policy, names_in_tags, names_in_variables
from ops.lint.stage import NamedText
from ops.project import CONFIG

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ops.deploy.stage_config import StageConfig

POLICY_FILE = "iam_policy_file"


def names_of_config(config: StageConfig) -> tuple[NamedText, ...]:
    """
    Read what a stage's configuration and policies name.

    Raises:
        DeploymentProblem: a policy isn't there, or can't be read.
    """
    return tuple(_names(config))


def policy_files(settings: Mapping[str, Any]) -> dict[str, str]:
    """Return the name of each function's policy file, of the settings of a stage."""
    return {
        function: own[POLICY_FILE]
        for function, own in settings.get("lambda_functions", {}).items()
        if POLICY_FILE in own
    }


def read_policy(config: StageConfig, name: str) -> str:
    """
    Read a policy file of a stage.

    Raises:
        DeploymentProblem: there is none by that name, or it is no JSON.
    """
    path = (config.project / CONFIG).parent / name
    try:
        text = path.read_text(encoding="utf-8")
        json.loads(text)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else f"it is not JSON, {error}"
        raise DeploymentProblem(
            f"Stage {config.stage} in {CONFIG} names the policy {name}, which can't be read: {why}."
            f"\nMend .chalice/{name}, or name another file, and run the command again."
        ) from error
    return text


def _names(config: StageConfig) -> Iterator[NamedText]:
    stage, where = config.stage, f"of stage {config.stage} in {CONFIG}"
    yield from names_in_variables(where, stage, DEFAULTS | config.variables)
    yield from names_in_tags(where, stage, config.settings.get("tags", {}))
    for function, settings in config.settings.get("lambda_functions", {}).items():
        own = settings.get(VARIABLES, {})
        yield from names_in_variables(f"of {function} {where}", stage, own)
    for function, name in policy_files(config.settings).items():
        yield NamedText(f"{POLICY_FILE} of {function} {where}", name)
        yield from names_in_policy(f".chalice/{name}", json.loads(read_policy(config, name)))
