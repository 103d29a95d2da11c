"""The parameters of a stage's resources stack: its own, and those that follow from its settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalice.constants import DEFAULT_LAMBDA_TIMEOUT

from ops.deploy.parameter_values import unmet_need
from ops.deploy.problems import DeploymentProblem
from ops.lint.queue_rules import least_visibility_timeout
from ops.project import CONFIG, RESOURCES_TEMPLATE
from ops.templates import VISIBILITY_TIMEOUT, default_visibility_timeout_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ops.deploy.stage_config import StageConfig

PROCESSOR = "process_orders"


def resource_parameters(config: StageConfig, template: Mapping[str, Any]) -> dict[str, str]:
    """
    Return the parameters that the stack of a stage gets.

    The visibility timeout follows from the processor's time-out and window where these need a
    longer one than the template's. What the stage says in resource_parameters comes first.
    """
    default = default_visibility_timeout_seconds(template)
    needed = least_visibility_timeout(_timeout_seconds(config), _window_seconds(config))
    derived = {VISIBILITY_TIMEOUT: str(needed)} if needed > default else {}
    return {"Stage": config.stage, **derived, **config.resource_parameters}


def require_parameters_taken(config: StageConfig, template: Mapping[str, Any]) -> None:
    """
    Refuse parameters of a stage that the template doesn't have, or whose values it doesn't take.

    Raises:
        DeploymentProblem: with the name of one.
    """
    parameters = template["Parameters"]
    unknown = config.resource_parameters.keys() - parameters.keys()
    if unknown:
        raise DeploymentProblem(
            f"resource_parameters of stage {config.stage} has {', '.join(sorted(unknown))}, which "
            f"{RESOURCES_TEMPLATE} has not: it has {', '.join(parameters)}."
        )
    for name, value in config.resource_parameters.items():
        needed = unmet_need(parameters[name], value)
        if needed:
            raise DeploymentProblem(
                f"resource_parameters of stage {config.stage} in {CONFIG} has {value!r} as {name}: "
                f"it has to be {needed}."
            )


def _timeout_seconds(config: StageConfig) -> int:
    """Find the processor's time-out where Chalice does: the nearest setting counts."""
    function = config.settings.get("lambda_functions", {}).get(PROCESSOR, {})
    for settings in (function, config.settings, config.project_settings):
        if "lambda_timeout" in settings:
            return int(settings["lambda_timeout"])
    return int(DEFAULT_LAMBDA_TIMEOUT)


def _window_seconds(config: StageConfig) -> int:
    # The app refuses what is no number, in words of its own.
    given = config.variables.get("ORDERS_BATCH_WINDOW_SECONDS", "")
    return int(given) if given.isdecimal() else 0
