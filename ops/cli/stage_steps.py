"""Steps of `resources`, `deploy` and `destroy`: bring stacks up, and take them down."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from ops.cli.deploy_options import requiring_name
from ops.deploy.app_stack import AppStack
from ops.deploy.concurrency import concurrency_warning
from ops.deploy.findings import findings_in, require_no_findings
from ops.deploy.place import require_same_place
from ops.deploy.planned_stage import planned_stage
from ops.deploy.problems import DeploymentProblem, explain
from ops.deploy.resource_stack import ResourceStack
from ops.deploy.stacks import Stacks
from ops.deploy.stage_config import StageConfig
from ops.lint.clients import StageClients
from ops.lint.deployed_key import read_key
from ops.lint.deployed_seals import SEAL_KEY_ARN, read_seal_key
from ops.lint.principals_rule import notices
from ops.lint.stage_rules import CLOSED_ROUTES
from ops.next_command import chalice_command, make_command, ops_command
from ops.project import CONFIG, PROJECT_ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from ops.deploy.account import Aws
    from ops.deploy.presentation import Screen
    from ops.lint.stage import StageSettings

Key = TypeVar("Key")


def require_closed(config: StageConfig, said_once: bool, said_twice: bool) -> None:
    """Refuse a stage that lets anyone in, unless it was asked for twice."""
    if config.is_open and not (said_once and said_twice):
        raise DeploymentProblem(
            f"Stage {config.stage} has ORDERS_AUTH=none: anyone who finds its address could hand "
            f"in and read orders. Set it to iam in {CONFIG}. If it is meant to be open, run the "
            "command again with both --open-to-anyone and --yes-open-to-anyone."
        )


def require_rules_kept(
    config: StageConfig, screen: Screen, despite: Collection[str], aws: Aws | None = None
) -> None:
    """Refuse what `ops lint` would find afterwards; a key's policy can be read on AWS only."""
    settings = planned_stage(config)
    if aws:
        settings = _with_keys(settings, config, aws, screen)
    # An open stage was asked for twice by now.
    waived = {*despite, *([CLOSED_ROUTES] if config.is_open else ())}
    for warning in require_no_findings(config.stage, findings_in(settings), waived):
        screen.warn(warning)
    for notice in notices(settings):
        screen.warn(f"{notice}.")


def _with_keys(
    settings: StageSettings, config: StageConfig, aws: Aws, screen: Screen
) -> StageSettings:
    """Look at the keys that the stage names."""
    with closing(StageClients(aws.session)) as clients:

        def look(read: Callable[..., Key | None], parameter: str) -> Key | None:
            try:
                return read(clients, config.resource_parameters, aws.identity.account_id)
            except (BotoCoreError, ClientError) as error:
                screen.warn(
                    f"Whether the functions may use the key that {parameter} names is not known: "
                    f"{explain(error)}"
                )
                return None

        seals = replace(settings.seals, key=look(read_seal_key, SEAL_KEY_ARN))
        return replace(settings, key=look(read_key, "KmsKeyArn"), seals=seals)


def deploy_command(config: StageConfig) -> str:
    """Write the command that deploys a stage which was let through by `require_closed`."""
    said = ("--open-to-anyone", "--yes-open-to-anyone") if config.is_open else ()
    if config.project == PROJECT_ROOT:
        return make_command("deploy", STAGE=config.stage, OPTIONS=" ".join(said))
    return ops_command(
        "deploy",
        stage=config.stage,
        open_to_anyone=config.is_open,
        yes_open_to_anyone=config.is_open,
        project_dir=config.project,
    )


def require_not_by_chalice(config: StageConfig) -> None:
    """Refuse a stage of `chalice deploy`: both ways give the functions the same names."""
    if config.deployed_by_chalice:
        raise DeploymentProblem(
            f"Stage {config.stage} was deployed with `chalice deploy`. First, type: "
            + chalice_command("delete", stage=config.stage, project=config.project)
        )


def bring_up(
    config: StageConfig,
    aws: Aws,
    screen: Screen,
    ask: Callable[[str], bool],
    *,
    dry_run: bool,
    move: bool,
    despite: Collection[str],
) -> StageConfig:
    """Bring the resources stack up and record it. Return the configuration as it is then."""
    require_same_place(config, aws, move=move)
    require_rules_kept(config, screen, despite, aws)
    warning = concurrency_warning(aws, config)
    if warning:
        screen.warn(warning)
    stack = ResourceStack(aws, config, screen, Stacks(aws.cloudformation, screen))
    stack.lock.require_possible(screen.warn if dry_run else requiring_name(config.stage))
    outputs = stack.up(ask, dry_run=dry_run)
    if dry_run:
        return config
    changed = config.record(outputs)
    if changed:
        screen.say(f"Recorded in {CONFIG}, stage {config.stage}: {', '.join(changed)}")
    return StageConfig.load(config.project, config.stage)


def take_app_down(config: StageConfig, aws: Aws, screen: Screen) -> None:
    """Delete the app stack."""
    app = AppStack(aws, config, screen, Stacks(aws.cloudformation, screen))
    if app.down():
        screen.good_news(f"Stack {app.name} is gone; orders on the queue wait there.")
        return
    screen.say(f"There is no stack {app.name}.")


def take_resources_down(
    config: StageConfig, aws: Aws, screen: Screen, ask: Callable[[str], bool]
) -> bool:
    """Delete the resources stack if the user agrees. Return whether it is gone."""
    stack = ResourceStack(aws, config, screen, Stacks(aws.cloudformation, screen))
    if not stack.is_there():
        screen.say(f"There is no stack {stack.name}.")
        return True
    question = (
        f"Delete stack {stack.name}? Its alarms go; queues, bucket and table stay, with all data"
    )
    if not ask(question):
        screen.say(f"Stack {stack.name} was kept.")
        return False
    stack.down()
    screen.good_news(f"Stack {stack.name} is gone. Its data is still there:")
    for each in stack.left_behind():
        screen.say(f"  {each.logical_id:<14} {each.name}")
    return True
