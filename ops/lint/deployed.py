"""A stage as it is on AWS, whichever way it got there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import ClientError

from ops.lint.stage import (
    API_NAME,
    AlarmSettings,
    BucketSettings,
    FunctionSettings,
    MappingSettings,
    QueueSettings,
    StageSettings,
    TableSettings,
    alarm_settings,
    denies_plain_http,
)
from ops.stack_outputs import outputs_of
from ops.stage_names import (
    OLDEST_MESSAGE_ALARM,
    alarm_name,
    api_function_name,
    processor_name,
    resources_stack_name,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

NO_SUCH_SETTING = {
    "NoSuchPublicAccessBlockConfiguration",
    "NoSuchBucketPolicy",
    "ServerSideEncryptionConfigurationNotFoundError",
}


class NotDeployed(Exception):
    """There is no such stage in this account and region: the message says what to type."""


class DeployedStage:
    """
    Reads the settings of a stage; changes nothing.

    Credentials, region and endpoint are found as boto3 finds them, AWS_ENDPOINT_URL included.
    """

    def __init__(self, stage: str, session: boto3.session.Session | None = None) -> None:
        self._stage = stage
        self._session = session or boto3.session.Session()
        self._clients: dict[str, Any] = {}

    def settings(self) -> StageSettings:
        """
        Read what is deployed.

        Raises:
            NotDeployed: there is nothing, or only one half.
            BotoCoreError, ClientError: AWS can't be asked.
        """
        try:
            return self._settings()
        finally:
            for client in self._clients.values():
                client.close()
            self._clients.clear()

    def _settings(self) -> StageSettings:
        outputs = self._outputs()
        processor = self._function(processor_name(self._stage))
        return StageSettings(
            stage=self._stage,
            queue=self._queue(outputs["QueueUrl"]),
            dead_letter_queue=self._queue(outputs["DeadLetterQueueUrl"]),
            bucket=self._bucket(outputs["BucketName"]),
            table=self._table(outputs["TableName"]),
            api=self._function(api_function_name(self._stage)),
            processor=processor,
            mapping=self._mapping(),
            routes=self._routes(),
            alarms=self._alarms(),
            oldest_message_alarm=self._oldest_message_alarm(),
        )

    def _client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = self._session.client(service)  # type: ignore[call-overload]
        return self._clients[service]

    def _outputs(self) -> dict[str, str]:
        name = resources_stack_name(self._stage)
        try:
            answer = self._client("cloudformation").describe_stacks(StackName=name)
        except ClientError as error:
            if "does not exist" not in str(error):
                raise
            raise NotDeployed(
                f"There is no stack {name} here: type `python -m ops resources up --stage "
                f"{self._stage}`, or look whether profile and region are those of the stage."
            ) from error
        return outputs_of(answer["Stacks"][0])

    def _queue(self, url: str) -> QueueSettings:
        answer = self._client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
        found = answer["Attributes"]
        redrive = json.loads(found.get("RedrivePolicy", "{}"))
        encrypted = found.get("SqsManagedSseEnabled") == "true" or "KmsMasterKeyId" in found
        maximum = redrive.get("maxReceiveCount")
        return QueueSettings(
            arn=found["QueueArn"],
            visibility_timeout_seconds=int(found["VisibilityTimeout"]),
            retention_seconds=int(found["MessageRetentionPeriod"]),
            encrypted=encrypted,
            refuses_plain_http=denies_plain_http(json.loads(found.get("Policy", NO_POLICY))),
            moves_to=redrive.get("deadLetterTargetArn"),
            maximum_receives=None if maximum is None else int(maximum),
            takes_from=tuple(
                json.loads(found.get("RedriveAllowPolicy", "{}")).get("sourceQueueArns", ())
            ),
        )

    def _function(self, name: str) -> FunctionSettings:
        functions = self._client("lambda")
        try:
            found = functions.get_function_configuration(FunctionName=name)
        except functions.exceptions.ResourceNotFoundException as error:
            raise NotDeployed(
                f"There is no function {name} here: type `make deploy STAGE={self._stage}` or "
                f"`chalice deploy --stage {self._stage}`."
            ) from error
        concurrency = functions.get_function_concurrency(FunctionName=name)
        return FunctionSettings(
            timeout_seconds=found["Timeout"],
            variables=found.get("Environment", {}).get("Variables", {}),
            log_retention_days=self._log_retention(f"/aws/lambda/{name}"),
            reserved_concurrency=concurrency.get("ReservedConcurrentExecutions"),
        )

    def _log_retention(self, name: str) -> int | None:
        answer = self._client("logs").describe_log_groups(logGroupNamePrefix=name)
        days: dict[str, int | None] = {
            group["logGroupName"]: group.get("retentionInDays")
            for group in answer.get("logGroups", [])
        }
        return days.get(name)

    def _mapping(self) -> MappingSettings:
        name = processor_name(self._stage)
        answer = self._client("lambda").list_event_source_mappings(FunctionName=name)
        mappings = answer.get("EventSourceMappings")
        if not mappings:
            raise NotDeployed(
                f"Nothing feeds {name}: deploy it again with `make deploy STAGE={self._stage}`."
            )
        found = mappings[0]
        return MappingSettings(
            queue_arn=found["EventSourceArn"],
            batch_size=found["BatchSize"],
            window_seconds=found.get("MaximumBatchingWindowInSeconds", 0),
            maximum_concurrency=found.get("ScalingConfig", {}).get("MaximumConcurrency"),
            reports_failures="ReportBatchItemFailures" in found.get("FunctionResponseTypes", []),
        )

    def _bucket(self, name: str) -> BucketSettings:
        s3 = self._client("s3")
        public = _or_nothing(s3.get_public_access_block, Bucket=name)
        policy = _or_nothing(s3.get_bucket_policy, Bucket=name)
        return BucketSettings(
            versioned=s3.get_bucket_versioning(Bucket=name).get("Status") == "Enabled",
            encrypted=bool(_or_nothing(s3.get_bucket_encryption, Bucket=name)),
            closed_to_the_public=_all_true(public.get("PublicAccessBlockConfiguration", {})),
            refuses_plain_http=denies_plain_http(json.loads(policy.get("Policy", NO_POLICY))),
        )

    def _table(self, name: str) -> TableSettings:
        dynamodb = self._client("dynamodb")
        table = dynamodb.describe_table(TableName=name)["Table"]
        backups = dynamodb.describe_continuous_backups(TableName=name)
        recovery = backups["ContinuousBackupsDescription"].get("PointInTimeRecoveryDescription", {})
        billing = table.get("BillingModeSummary", {}).get("BillingMode")
        return TableSettings(
            recoverable=recovery.get("PointInTimeRecoveryStatus") == "ENABLED",
            protected=table.get("DeletionProtectionEnabled", False),
            on_demand=billing == "PAY_PER_REQUEST",
        )

    def _alarms(self) -> frozenset[str]:
        pages = self._client("cloudwatch").get_paginator("describe_alarms")
        prefix = alarm_name(self._stage, "")
        return frozenset(
            alarm["AlarmName"]
            for page in pages.paginate(AlarmNamePrefix=prefix)
            for alarm in page.get("MetricAlarms", [])
        )

    def _oldest_message_alarm(self) -> AlarmSettings | None:
        names = [alarm_name(self._stage, OLDEST_MESSAGE_ALARM)]
        found = self._client("cloudwatch").describe_alarms(AlarmNames=names)["MetricAlarms"]
        return alarm_settings(found[0]) if found else None

    def _routes(self) -> dict[str, bool]:
        apigateway = self._client("apigateway")
        rest_api_id = self._rest_api_id()
        if rest_api_id is None:
            return {}
        pages = apigateway.get_paginator("get_resources")
        return {
            f"{method} {resource['path']}": details.get("authorizationType") == "AWS_IAM"
            for page in pages.paginate(restApiId=rest_api_id, embed=["methods"])
            for resource in page.get("items", [])
            for method, details in resource.get("resourceMethods", {}).items()
        }

    def _rest_api_id(self) -> str | None:
        """Find the stage's API: every stage has its own, and all have the same name."""
        apigateway = self._client("apigateway")
        for page in apigateway.get_paginator("get_rest_apis").paginate():
            for api in page.get("items", []):
                if api["name"] == API_NAME and self._stage in _stages_of(apigateway, api["id"]):
                    rest_api_id: str = api["id"]
                    return rest_api_id
        return None


NO_POLICY = '{"Statement": []}'


def _stages_of(apigateway: Any, rest_api_id: str) -> set[str]:
    answer = apigateway.get_stages(restApiId=rest_api_id)
    return {stage["stageName"] for stage in answer.get("item", [])}


def _all_true(settings: Mapping[str, bool]) -> bool:
    return bool(settings) and all(settings.values())


def _or_nothing(call: Any, **arguments: str) -> dict[str, Any]:
    """Return the answer, or nothing where AWS says by an error that nothing is set."""
    try:
        answer: dict[str, Any] = call(**arguments)
    except ClientError as error:
        if error.response["Error"]["Code"] not in NO_SUCH_SETTING:
            raise
        return {}
    return answer
