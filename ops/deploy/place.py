"""The place of a stage: the account and region that it is recorded in."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ops.aws_hosts import region_of
from ops.deploy.problems import DeploymentProblem

if TYPE_CHECKING:
    from ops.deploy.account import Aws
    from ops.deploy.stage_config import StageConfig


def require_same_place(config: StageConfig, aws: Aws, *, move: bool) -> None:
    """
    Make sure that a stage is not brought up a second time elsewhere by mistake.

    Raises:
        DeploymentProblem: its configuration names resources of another account or region.
    """
    place = _place_of(config.variables.get("ORDERS_QUEUE_URL", ""))
    here = (aws.identity.account_id, None if aws.emulator_url else aws.region)
    if place is None or place == here or move:
        return
    account, region = place
    raise DeploymentProblem(
        f"Stage {config.stage} is recorded in account {account}, {region}; this is "
        f"{aws.describe()}.\nSign in there, with AWS_PROFILE and AWS_DEFAULT_REGION={region}; or "
        "run the command again with --move to record it here from now on. What is there stays."
    )


def _place_of(queue_url: str) -> tuple[str, str] | None:
    """Tell account and region of a queue on AWS; None for any other."""
    region = region_of(queue_url)
    return (urlsplit(queue_url).path.split("/")[1], region) if region else None
