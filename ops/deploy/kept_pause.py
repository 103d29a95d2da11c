"""A pause of the processing outlasts a deployment: nobody resumes by deploying."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Self

from chalicelib.services.unavailable import StoreUnavailable
from ops.deploy.problems import DeploymentProblem
from ops.next_command import ops_command
from ops.processing_switch import MappingSwitch, SwitchMissing, queue_arn
from ops.stage_names import processor_name

if TYPE_CHECKING:
    from ops.deploy.account import Aws
    from ops.deploy.presentation import Screen
    from ops.deploy.stage_config import StageConfig


class KeptPause:
    """
    The position of a stage's switch before a deployment, and again after it, in a `with` block.

    It is restored after a deployment that failed too: to roll back changes the mapping as well.
    The template says nothing of it, so CloudFormation should leave it as it is. It does not promise
    so where it changes the mapping, as for another maximum concurrency.
    """

    def __init__(self, config: StageConfig, aws: Aws, screen: Screen) -> None:
        self._stage = config.stage
        self._screen = screen
        self._switch = MappingSwitch(
            aws.awslambda,
            processor_name(config.stage),
            partial(queue_arn, aws.sqs, config.variables["ORDERS_QUEUE_URL"]),
        )
        self.is_paused = self._is_off()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """
        Turn the switch off again, if it was off and is not any more; say that it is off.

        Raises:
            DeploymentProblem: it could not be turned off.
        """
        if not self.is_paused:
            return
        if not self._is_off():
            try:
                self._switch.turn(on=False)
            except (StoreUnavailable, SwitchMissing) as error:
                raise DeploymentProblem(
                    f"The processing was paused, and goes on since this deployment: it could not "
                    f"be paused again ({error}). To pause it, type: "
                    + ops_command("pause", why="WHY", stage=self._stage)
                ) from error
        self._screen.warn(
            "The processing is paused, as before: no order is processed, and none was sent to try "
            f"the stage out. To go on, type: {ops_command('resume', stage=self._stage)}"
        )

    def _is_off(self) -> bool:
        try:
            return not self._switch.position().is_on
        except (StoreUnavailable, SwitchMissing):
            # The first deployment has no mapping yet; or this caller may not read it.
            return False
