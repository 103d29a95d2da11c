"""A stage as a deployment would make it, read from its templates before anything is made."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from chalicelib.settings import ACCEPTED_ONLY, NO_EVENTS, NO_SEALS
from ops.deploy.app_template import complete_template
from ops.deploy.chalice_package import run_chalice
from ops.deploy.clean_copy import copy_cleanly
from ops.deploy.config_names import names_of_config
from ops.deploy.problems import DeploymentProblem
from ops.deploy.resource_parameters import require_parameters_taken, resource_parameters
from ops.deploy.stage_config import StageConfig
from ops.lint.template import Template
from ops.lint.templates import stage_of_templates
from ops.project import MERGE_TEMPLATE, RESOURCES_TEMPLATE
from ops.templates import load_template

if TYPE_CHECKING:
    from ops.lint.stage import StageSettings

# The app must name some; which ones, no rule asks.
ACCOUNT, PARTITION = "000000000000", "aws"


def planned_stage(config: StageConfig) -> StageSettings:
    """
    Read what a deployment of the stage would make.

    The same packager writes the app's template, without what the archive is made of: no network is
    needed, and no resource has to be there yet.

    Raises:
        DeploymentProblem: a parameter isn't taken, a policy file can't be read, the app can't be
            packaged, or a template lacks something.
    """
    names = names_of_config(config)
    path = config.project / RESOURCES_TEMPLATE
    template = load_template(path.read_text(encoding="utf-8"))
    require_parameters_taken(config, template)
    parameters = resource_parameters(config, template)
    with tempfile.TemporaryDirectory(prefix="orders-planned-") as directory:
        resources = Template(path, **parameters)
        app = Template(_app_template(config, Path(directory)))
        try:
            return replace(stage_of_templates(config.stage, resources, app), names=names)
        except KeyError as missing:
            raise DeploymentProblem(
                f"The templates of stage {config.stage} have no {missing}, which the rules of "
                f"`ops lint` look at. Put it back into {RESOURCES_TEMPLATE} or {MERGE_TEMPLATE}, "
                "and run the command again."
            ) from missing


def _app_template(config: StageConfig, directory: Path) -> Path:
    copy = copy_cleanly(config.project, directory / "project")
    (copy / "requirements.txt").write_text("", encoding="utf-8")
    StageConfig.load(copy, config.stage).record(_outputs(config))
    run_chalice(config.stage, copy, config.project, directory / "packaged")
    template = directory / "packaged" / "sam.yaml"
    parameters = {"Stage": config.stage, **config.settings.get("template_parameters", {})}
    complete_template(template, config.project, parameters)
    return template


def _outputs(config: StageConfig) -> dict[str, str]:
    """Make up the outputs that the resources stack will have."""
    stage, queues = config.stage, f"https://sqs.us-east-1.example/{ACCOUNT}"
    outputs = {
        "QueueName": f"orders-{stage}",
        "QueueUrl": f"{queues}/orders-{stage}",
        "DeadLetterQueueUrl": f"{queues}/orders-dlq-{stage}",
        "BucketName": f"orders-{stage}-{ACCOUNT}",
        "TableName": f"orders-{stage}",
    }
    events = config.resource_parameters.get("Events", NO_EVENTS)
    if events != NO_EVENTS:
        table = f"arn:{PARTITION}:dynamodb:us-east-1:{ACCOUNT}:table/orders-{stage}"
        outputs |= {
            "EventsKind": events,
            "EventsOf": config.resource_parameters.get("EventsOf", ACCEPTED_ONLY),
            "EventsTarget": f"orders-{stage}",
            "TableStreamArn": f"{table}/stream/2026-01-01T00:00:00.000",
        }
    if config.resource_parameters.get("Seals", NO_SEALS) != NO_SEALS:
        outputs |= {"Seals": config.resource_parameters["Seals"], "SealKeyArn": "planned"}
    return outputs
