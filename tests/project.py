"""A copy of what is deployed of the project, with the tests' own configuration."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ops.desk.desk import Desk
from ops.desk.stage import connect
from ops.project import CONFIG, PROJECT_ROOT
from ops.stack_outputs import OPTIONAL_OUTPUTS
from tests.configuration.own import write_configuration
from tests.ops_commands import all_commands

FILES = ("app.py", "requirements.txt")
DIRECTORIES = ("chalicelib", "infrastructure")
# What Chalice has made of the same code before: downloaded once for all tests.
DEPLOYMENTS = ".chalice/deployments"


def outputs_of(stage: str) -> dict[str, str]:
    """Return the outputs of a stage's resources stack, as they would be on AWS."""
    queues = "https://sqs.us-east-1.amazonaws.com/000000000000"
    return {
        "QueueName": f"orders-{stage}",
        "QueueUrl": f"{queues}/orders-{stage}",
        "DeadLetterQueueUrl": f"{queues}/orders-dlq-{stage}",
        "BucketName": f"orders-{stage}-000000000000",
        "TableName": f"orders-{stage}",
    }


def copy_project(directory: Path, deployments: Path) -> Path:
    """Copy the project; no resources are recorded as yet."""
    directory.mkdir()
    for name in FILES:
        shutil.copy(PROJECT_ROOT / name, directory)
    for name in DIRECTORIES:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(PROJECT_ROOT / name, directory / name, ignore=ignored)
    write_configuration(directory)
    (directory / DEPLOYMENTS).symlink_to(deployments, target_is_directory=True)
    return directory


def copy_without_requirements(directory: Path, deployments: Path) -> Path:
    """Copy the project for its template: the requirements take the most time of packaging it."""
    project = copy_project(directory, deployments)
    (project / "requirements.txt").write_text("")
    return project


def record_resources(project: Path, stage: str, outputs: dict[str, str]) -> None:
    """Record the resources of a stage, as `python -m ops resources up` does at its end."""
    change_stage(
        project,
        stage,
        {
            "ORDERS_QUEUE_NAME": outputs["QueueName"],
            "ORDERS_QUEUE_URL": outputs["QueueUrl"],
            "ORDERS_DLQ_URL": outputs["DeadLetterQueueUrl"],
            "ORDERS_BUCKET": outputs["BucketName"],
            "ORDERS_TABLE": outputs["TableName"],
            **{
                name: outputs[output]
                for name, output in OPTIONAL_OUTPUTS.items()
                if output in outputs
            },
        },
    )


def recorded_project(directory: Path, stage: str = "dev") -> Path:
    """Make a project of configuration and templates, with the resources of a stage recorded."""
    write_configuration(directory)
    shutil.copytree(PROJECT_ROOT / "infrastructure", directory / "infrastructure")
    record_resources(directory, stage, outputs_of(stage))
    return directory


def desks_of(project: Path) -> Callable[[str, int], Desk]:
    """Open desks, as `python -m ops` does, but for the stages of a project."""

    def open_desk(stage: str, aws_port: int) -> Desk:
        return Desk(connect(stage, aws_port=aws_port, config_file=project / CONFIG))

    return open_desk


def project_option(command: str, project: Path) -> list[str]:
    """Return the option of a command that has it work on a project, if there is one."""
    parameters = {parameter.name for parameter in dict(all_commands())[command].params}
    return ["--project-dir", str(project)] if "project" in parameters else []


def change_stage(project: Path, stage: str, variables: dict[str, str], **settings: Any) -> None:
    """Change the settings of a stage in a project's .chalice/config.json."""
    path = project / CONFIG
    config = json.loads(path.read_text())
    config["stages"][stage]["environment_variables"] |= variables
    config["stages"][stage] |= settings
    path.write_text(json.dumps(config))
