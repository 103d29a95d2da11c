"""A stage as its two templates would make it: resources.yaml and what `package_app` has made."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from cfnlint.decode import cfn_yaml

from ops.lint.stage import (
    BucketSettings,
    FunctionSettings,
    MappingSettings,
    QueueSettings,
    StageSettings,
    TableSettings,
    alarm_settings,
    denies_plain_http,
)
from ops.stage_names import (
    OLDEST_MESSAGE_ALARM,
    alarm_name,
    api_function_name,
    processor_name,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

PSEUDO_PARAMETERS = {
    "AWS::AccountId": "000000000000",
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::NoValue": None,
}
# Lambda's own.
DEFAULT_BATCH_SIZE = 10


class Template:
    """
    A CloudFormation template, its parameters filled in.

    It knows the functions that these templates use; what is known only once there is a resource
    stays `{"Ref": ...}`, or its ARN's name.
    """

    def __init__(self, path: Path, **parameters: str) -> None:
        content = cfn_yaml.load(str(path))
        defaults = {
            name: parameter.get("Default") for name, parameter in content["Parameters"].items()
        }
        self._values = {**PSEUDO_PARAMETERS, **defaults, **parameters}
        self._conditions = content.get("Conditions", {})
        self._functions: dict[str, Callable[[Any], Any]] = {
            "Ref": self._ref,
            "Fn::If": self._if,
            "Fn::Equals": lambda pair: self.resolve(pair[0]) == self.resolve(pair[1]),
            "Fn::Not": lambda one: not self.resolve(one[0]),
            "Fn::Or": lambda several: any(self.resolve(each) for each in several),
            "Fn::Sub": self._sub,
            "Fn::GetAtt": self._get_attribute,
        }
        self._raw = content["Resources"]
        self.resources: dict[str, dict[str, Any]] = {
            name: self.resolve(resource) for name, resource in self._raw.items()
        }

    def resolve(self, node: Any) -> Any:
        """Fill in all of a node that can be known."""
        if isinstance(node, list):
            return [self.resolve(each) for each in node]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            ((name, argument),) = node.items()
            if name in self._functions:
                return self._functions[name](argument)
        resolved = {name: self.resolve(value) for name, value in node.items()}
        # AWS::NoValue: as if the property were not there.
        return {name: value for name, value in resolved.items() if value is not None}

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        """Return the properties of all resources of a type."""
        return {
            name: resource["Properties"]
            for name, resource in self.resources.items()
            if resource["Type"] == kind
        }

    def _ref(self, name: str) -> Any:
        return self._values.get(name, {"Ref": name})

    def _if(self, argument: list[Any]) -> Any:
        condition, then, otherwise = argument
        return self.resolve(then if self.resolve(self._conditions[condition]) else otherwise)

    def _sub(self, argument: Any) -> str:
        text: str = argument if isinstance(argument, str) else argument[0]
        return re.sub(
            r"\$\{([A-Za-z0-9:.]+)\}",
            lambda found: str(self._values.get(found[1], found[0])),
            text,
        )

    def _get_attribute(self, argument: Any) -> str:
        name, attribute = argument.split(".", 1) if isinstance(argument, str) else argument
        if (self._raw[name]["Type"], attribute) == ("AWS::SQS::Queue", "Arn"):
            return self._sub(
                "arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:"
                + self._sub(self.resolve(self._raw[name]["Properties"]["QueueName"]))
            )
        return f"{name}.{attribute}"


def stage_of_templates(stage: str, resources: Template, app: Template) -> StageSettings:
    """Read a stage's settings from its two templates."""
    functions = {
        properties["FunctionName"]: properties
        for properties in app.of_type("AWS::Serverless::Function").values()
    }
    retentions = {
        properties["LogGroupName"]: properties.get("RetentionInDays")
        for properties in resources.of_type("AWS::Logs::LogGroup").values()
    }
    api, processor = functions[api_function_name(stage)], functions[processor_name(stage)]
    (api_definition,) = app.of_type("AWS::Serverless::Api").values()
    alarms = {
        alarm["AlarmName"]: alarm for alarm in resources.of_type("AWS::CloudWatch::Alarm").values()
    }
    oldest = alarms.get(alarm_name(stage, OLDEST_MESSAGE_ALARM))
    return StageSettings(
        stage=stage,
        queue=_queue(resources, "OrdersQueue"),
        dead_letter_queue=_queue(resources, "OrdersDLQ"),
        bucket=_bucket(resources),
        table=_table(resources),
        api=_function(api, retentions),
        processor=_function(processor, retentions),
        mapping=_mapping(processor),
        routes=_routes(api_definition["DefinitionBody"]),
        alarms=frozenset(alarms),
        oldest_message_alarm=alarm_settings(oldest) if oldest else None,
    )


def _queue(template: Template, name: str) -> QueueSettings:
    properties = template.resources[name]["Properties"]
    redrive = properties.get("RedrivePolicy", {})
    return QueueSettings(
        arn=template.resolve({"Fn::GetAtt": [name, "Arn"]}),
        visibility_timeout_seconds=int(properties.get("VisibilityTimeout", 30)),
        retention_seconds=properties["MessageRetentionPeriod"],
        encrypted=bool(properties.get("SqsManagedSseEnabled") or properties.get("KmsMasterKeyId")),
        refuses_plain_http=_refuses_plain_http(template, "AWS::SQS::QueuePolicy", name),
        moves_to=redrive.get("deadLetterTargetArn"),
        maximum_receives=redrive.get("maxReceiveCount"),
        takes_from=tuple(properties.get("RedriveAllowPolicy", {}).get("sourceQueueArns", ())),
    )


def _refuses_plain_http(template: Template, kind: str, name: str) -> bool:
    return any(
        {"Ref": name} in (properties.get("Queues") or [properties.get("Bucket")])
        and denies_plain_http(properties["PolicyDocument"])
        for properties in template.of_type(kind).values()
    )


def _bucket(template: Template) -> BucketSettings:
    ((name, properties),) = template.of_type("AWS::S3::Bucket").items()
    public = properties.get("PublicAccessBlockConfiguration", {})
    return BucketSettings(
        versioned=properties.get("VersioningConfiguration", {}).get("Status") == "Enabled",
        encrypted="BucketEncryption" in properties,
        closed_to_the_public=list(public.values()) == [True] * 4,
        refuses_plain_http=_refuses_plain_http(template, "AWS::S3::BucketPolicy", name),
    )


def _table(template: Template) -> TableSettings:
    (properties,) = template.of_type("AWS::DynamoDB::Table").values()
    recovery = properties.get("PointInTimeRecoverySpecification", {})
    return TableSettings(
        recoverable=bool(recovery.get("PointInTimeRecoveryEnabled")),
        protected=bool(properties.get("DeletionProtectionEnabled")),
        on_demand=properties.get("BillingMode") == "PAY_PER_REQUEST",
    )


def _function(
    properties: Mapping[str, Any], retentions: Mapping[str, int | None]
) -> FunctionSettings:
    return FunctionSettings(
        timeout_seconds=properties["Timeout"],
        variables=properties["Environment"]["Variables"],
        log_retention_days=retentions.get(f"/aws/lambda/{properties['FunctionName']}"),
        reserved_concurrency=properties.get("ReservedConcurrentExecutions"),
    )


def _mapping(processor: Mapping[str, Any]) -> MappingSettings:
    (event,) = [event for event in processor["Events"].values() if event["Type"] == "SQS"]
    properties = event["Properties"]
    return MappingSettings(
        queue_arn=properties["Queue"],
        batch_size=properties.get("BatchSize", DEFAULT_BATCH_SIZE),
        window_seconds=properties.get("MaximumBatchingWindowInSeconds", 0),
        maximum_concurrency=properties.get("ScalingConfig", {}).get("MaximumConcurrency"),
        reports_failures="ReportBatchItemFailures" in properties.get("FunctionResponseTypes", []),
    )


def _routes(definition: Mapping[str, Any]) -> dict[str, bool]:
    signature = {
        name
        for name, scheme in definition.get("securityDefinitions", {}).items()
        if scheme.get("x-amazon-apigateway-authtype") == "awsSigv4"
    }
    return {
        f"{method.upper()} {path}": any(
            set(needed) & signature for needed in operation.get("security", [])
        )
        for path, methods in definition["paths"].items()
        for method, operation in methods.items()
    }
