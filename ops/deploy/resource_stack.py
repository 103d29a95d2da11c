"""The resources stack of a stage: queues, bucket, table and their alarms."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from ops.deploy.bucket_lock import BucketLock
from ops.deploy.change_sets import ChangeSet, Wanted
from ops.deploy.imports import only
from ops.deploy.left_behind import LeftBehind
from ops.deploy.problems import DeploymentProblem
from ops.deploy.resource_parameters import require_parameters_taken, resource_parameters
from ops.object_lock import OBJECT_LOCK, OFF
from ops.project import RESOURCES_TEMPLATE
from ops.stack_outputs import outputs_of
from ops.stage_names import resources_stack_name
from ops.templates import EMULATOR_PARAMETERS, load_template

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_cloudformation.type_defs import ResourceToImportTypeDef

    from ops.deploy.account import Aws
    from ops.deploy.left_behind import Found
    from ops.deploy.presentation import Screen
    from ops.deploy.stacks import Stacks
    from ops.deploy.stage_config import StageConfig

# Asks a question that is answered with yes or no.
Ask: TypeAlias = "Callable[[str], bool]"

HOLDS_DATA = {"AWS::SQS::Queue", "AWS::S3::Bucket", "AWS::DynamoDB::Table"}


class ResourceStack:
    """The resources stack of one stage."""

    def __init__(self, aws: Aws, config: StageConfig, screen: Screen, stacks: Stacks) -> None:
        self.name = resources_stack_name(config.stage)
        self._aws = aws
        self._config = config
        self._screen = screen
        self._stacks = stacks
        self._text = (config.project / RESOURCES_TEMPLATE).read_text(encoding="utf-8")
        self._template = load_template(self._text)
        self.lock = BucketLock(aws, config, self._template)

    def up(self, ask: Ask, *, dry_run: bool = False) -> dict[str, str]:
        """
        Make the stack what the template says, and return its outputs.

        Asks before it takes over what another stack has left, and before it ends a resource that
        holds data. `dry_run` shows the changes and makes none.

        Raises:
            DeploymentProblem: why it can't be done, and what to type.
        """
        require_parameters_taken(self._config, self._template)
        kind = self._stacks.make_ready(self.name)
        if kind == "CREATE" and (found := self.left_behind()):
            # What another deployment creates at this moment is nobody's to take over.
            self._stacks.require_none(self.name)
            self._take_over(found, ask, dry_run=dry_run)
            if dry_run:
                return {}
            kind = "UPDATE"
        change_set = self._stacks.plan(self._wanted(), kind)
        if change_set is None:
            self._screen.say(f"Stack {self.name} is as the template says: nothing to change.")
            return self._stacks.outputs(self.name)
        self._screen.show_changes(change_set)
        if dry_run:
            self._stacks.discard(change_set)
            self._screen.say("Only shown, because of --dry-run: nothing was changed.")
            return self._stacks.outputs(self.name)
        self._require_consent(change_set, ask)
        return outputs_of(self._stacks.carry_out(change_set))

    def left_behind(self) -> list[Found]:
        """Find what is in the account without the stack, under this stage's names."""
        return LeftBehind(self._aws, self._config.stage, self._template).find()

    def is_there(self) -> bool:
        """Tell whether there is such a stack now."""
        return self._stacks.find(self.name) is not None

    def down(self) -> bool:
        """Delete the stack; queues, bucket and table stay. False: there was none."""
        return self._stacks.delete(self.name)

    def _wanted(self, template: str | None = None, **parameters: str) -> Wanted:
        place = EMULATOR_PARAMETERS if self._aws.emulator_url else {}
        own = resource_parameters(self._config, self._template)
        return Wanted(
            self.name,
            template or self._text,
            parameters={**place, **own, **parameters},
            tags={"application": "orders", "stage": self._config.stage},
            by=self._aws.identity.caller,
        )

    def _take_over(self, found: list[Found], ask: Ask, *, dry_run: bool) -> None:
        self._screen.say("In the account, but in no stack of this stage:")
        for each in found:
            self._screen.say(f"  {each.logical_id:<14} {each.name}")
        if not dry_run and not ask(f"Take them over into {self.name}, with all that is in them?"):
            raise DeploymentProblem(
                "Nothing was changed. To take them over, run the command again with --yes; to have "
                "new ones, rename or delete these first."
            )
        # An import may do nothing else, so it has a template of its own; the update that follows
        # adds policies, alarms and outputs.
        template = only(self._template, [each.logical_id for each in found])
        imports = [_import(each) for each in found]
        # An import takes the template's word for what the bucket has: with Object Lock in it, the
        # update would see nothing to change, and the bucket stay without.
        wanted = self._wanted(template, **{OBJECT_LOCK: OFF})
        change_set = self._stacks.plan(wanted, "IMPORT", imports)
        if change_set is None:
            raise DeploymentProblem(f"CloudFormation sees nothing to import into {self.name}.")
        self._screen.show_changes(change_set)
        if dry_run:
            self._stacks.discard(change_set)
            self._screen.say("Only shown, because of --dry-run: nothing was changed.")
        else:
            self._stacks.carry_out(change_set)

    def _require_consent(self, change_set: ChangeSet, ask: Ask) -> None:
        ending = [
            change.logical_id
            for change in change_set.changes
            if change.ends_the_resource and change.type in HOLDS_DATA
        ]
        question = (
            f"This replaces or removes {', '.join(ending)}, which holds data. What is there now is "
            "retained, but no longer used. Go on?"
        )
        if ending and not ask(question):
            self._stacks.discard(change_set)
            raise DeploymentProblem(
                "Nothing was changed. If it is what you want, run the command again with --yes."
            )


def _import(found: Found) -> ResourceToImportTypeDef:
    return {
        "ResourceType": found.type,
        "LogicalResourceId": found.logical_id,
        "ResourceIdentifier": found.identifier,
    }
