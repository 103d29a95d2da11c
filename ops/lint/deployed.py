"""A stage as it is on AWS, whichever way it got there."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from ops.aws_hosts import is_of_aws
from ops.aws_session import make_session
from ops.lint.clients import StageClients
from ops.lint.deployed_functions import read_events, read_function, read_mapping, read_sealer
from ops.lint.deployed_gateway import read_gateway
from ops.lint.deployed_key import read_key
from ops.lint.deployed_names import read_names
from ops.lint.deployed_seals import read_seal_key, seal_settings
from ops.lint.deployed_stores import read_bucket, read_queue, read_table
from ops.lint.not_deployed import NotDeployed
from ops.lint.stage import StageSettings, alarm_settings
from ops.next_command import ops_command
from ops.object_lock import lock_wanted
from ops.stack_outputs import outputs_of, parameters_of
from ops.stage_names import (
    OLDEST_MESSAGE_ALARM,
    alarm_name,
    api_function_name,
    processor_name,
    resources_stack_name,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    import boto3
    from mypy_boto3_cloudformation.type_defs import StackTypeDef


class DeployedStage:
    """
    Reads the settings of a stage; changes nothing.

    Credentials, region and endpoint are found as boto3 finds them, AWS_ENDPOINT_URL included.
    """

    def __init__(self, stage: str, session: boto3.Session | None = None) -> None:
        self._stage = stage
        self._session = session or make_session()

    def settings(self) -> StageSettings:
        """
        Read what is deployed.

        Raises:
            NotDeployed: there is nothing, or only one half.
            BotoCoreError, ClientError: AWS can't be asked.
        """
        with closing(StageClients(self._session)) as clients:
            return self._settings(clients)

    def _settings(self, clients: StageClients) -> StageSettings:
        stack = self._resources_stack(clients)
        outputs, parameters = outputs_of(stack), parameters_of(stack)
        queue = read_queue(clients, outputs["QueueUrl"])
        alarms = self._alarms(clients)
        oldest = alarms.get(alarm_name(self._stage, OLDEST_MESSAGE_ALARM))
        return StageSettings(
            stage=self._stage,
            queue=queue,
            dead_letter_queue=read_queue(clients, outputs["DeadLetterQueueUrl"]),
            bucket=read_bucket(clients, outputs["BucketName"]),
            table=read_table(clients, outputs["TableName"]),
            api=read_function(clients, self._stage, api_function_name(self._stage)),
            processor=read_function(clients, self._stage, processor_name(self._stage)),
            mapping=read_mapping(clients, self._stage),
            gateway=read_gateway(clients, self._stage),
            alarms=frozenset(alarms),
            oldest_message_alarm=alarm_settings(oldest) if oldest else None,
            key=read_key(clients, parameters, queue.account_id),
            lock_wanted=lock_wanted(parameters),
            seals=replace(
                seal_settings(parameters),
                key=read_seal_key(clients, parameters, queue.account_id),
            ),
            sealer=read_sealer(clients, self._stage),
            events=read_events(clients, self._stage, outputs),
            emulated=not is_of_aws(clients.of("cloudformation").meta.endpoint_url),
            names=read_names(clients, self._stage),
        )

    def _resources_stack(self, clients: StageClients) -> StackTypeDef:
        name = resources_stack_name(self._stage)
        try:
            stacks: list[StackTypeDef] = clients.of("cloudformation").describe_stacks(
                StackName=name
            )["Stacks"]
        except ClientError as error:
            if "does not exist" not in str(error):
                raise
            raise NotDeployed(
                f"There is no stack {name} here: type "
                f"`{ops_command('resources up', stage=self._stage)}`, or look whether profile and "
                "region are those of the stage."
            ) from error
        return stacks[0]

    def _alarms(self, clients: StageClients) -> dict[str, Mapping[str, Any]]:
        pages = clients.of("cloudwatch").get_paginator("describe_alarms")
        prefix = alarm_name(self._stage, "")
        return {
            alarm["AlarmName"]: alarm
            for page in pages.paginate(AlarmNamePrefix=prefix)
            for alarm in page.get("MetricAlarms", [])
        }
