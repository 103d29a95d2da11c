"""The app stack of a stage: API, functions, and their connections to the resources."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from ops.deploy.artifacts import Artifacts
from ops.deploy.change_sets import LARGEST_TEMPLATE_BYTES, Wanted
from ops.deploy.packaging import package_app
from ops.deploy.problems import DeploymentProblem
from ops.next_command import ops_command
from ops.stack_outputs import outputs_of
from ops.stage_names import app_stack_name

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import StackTypeDef

    from ops.deploy.account import Aws
    from ops.deploy.presentation import Screen
    from ops.deploy.stacks import Stacks
    from ops.deploy.stage_config import StageConfig

# The roles of the functions, and the SAM transform.
CAPABILITIES = ("CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND")


class AppStack:
    """The app stack of one stage."""

    def __init__(self, aws: Aws, config: StageConfig, screen: Screen, stacks: Stacks) -> None:
        self.name = app_stack_name(config.stage)
        self._aws = aws
        self._config = config
        self._screen = screen
        self._stacks = stacks

    def up(self, *, dry_run: bool = False, vendored: bool = True) -> dict[str, str]:
        """
        Package the app, upload it and make the stack what the template says: its outputs.

        Raises:
            DeploymentProblem: why it can't be done, and what to type.
        """
        wanted = self._packaged(vendored=vendored)
        kind = self._stacks.make_ready(self.name)
        change_set = self._stacks.plan(wanted, kind)
        if change_set is None:
            self._screen.say(f"Stack {self.name} runs this code already: nothing to change.")
            return self._stacks.outputs(self.name)
        self._screen.show_changes(change_set)
        if dry_run:
            self._stacks.discard(change_set)
            return self._stacks.outputs(self.name)
        return outputs_of(self._stacks.carry_out(change_set))

    def is_there(self) -> bool:
        """Tell whether there is such a stack now."""
        return self._stacks.find(self.name) is not None

    def down(self) -> bool:
        """Delete the stack: API and functions go. False: there was none."""
        return self._stacks.delete(self.name)

    def url(self) -> str:
        """
        Find the address of the API.

        Raises:
            DeploymentProblem: the stack isn't there, or has no API.
        """
        stack = self._stacks.find(self.name)
        url = api_url(stack, self._aws) if stack else None
        if url is None:
            raise DeploymentProblem(
                f"There is no API in stack {self.name} here. To deploy it, type: "
                + ops_command("deploy", stage=self._config.stage, project_dir=self._config.project)
            )
        return url

    def _packaged(self, *, vendored: bool) -> Wanted:
        stage = self._config.stage
        self._screen.say("Packaging the app ...")
        artifacts = Artifacts(self._aws)
        with tempfile.TemporaryDirectory(prefix="orders-package-") as directory:
            packaged = package_app(stage, Path(directory), self._config.project, vendored=vendored)
            if artifacts.make_ready():
                self._screen.say(f"Created the artifacts bucket {artifacts.bucket}")
            key, sent = artifacts.upload_archive(packaged.archive, stage)
            text = packaged.template_with_code_at(artifacts.bucket, key)
            described = packaged.describe()
        where = f"s3://{artifacts.bucket}/{key}"
        self._screen.say(f"{described}, {'uploaded to' if sent else 'there already:'} {where}")
        large = len(text.encode()) > LARGEST_TEMPLATE_BYTES
        return Wanted(
            self.name,
            text,
            tags=stack_tags(stage),
            capabilities=CAPABILITIES,
            template_url=artifacts.upload_template(text, stage) if large else None,
            by=self._aws.identity.caller,
        )


def stack_tags(stage: str) -> dict[str, str]:
    """Return the tags of a stage's app stack, which all that is in it inherits."""
    return {"application": "orders", "stage": stage}


def api_url(stack: StackTypeDef, aws: Aws) -> str | None:
    """Find the address of a stack's API; on an emulator, at the emulator's own address."""
    outputs = outputs_of(stack)
    url = outputs.get("EndpointURL")
    if aws.emulator_url and "RestAPIId" in outputs and url:
        stage = url.rstrip("/").rsplit("/", 1)[1]
        return f"{aws.emulator_url}/restapis/{outputs['RestAPIId']}/{stage}/_user_request_"
    return url.rstrip("/") if url else None
