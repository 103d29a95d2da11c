"""A stage as its two templates would make it: resources.yaml and what `package_app` has made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ops.lint.deployed_seals import SEAL_KEY_ARN, SEALS, seal_settings
from ops.lint.stage import (
    BucketSettings,
    EventsSettings,
    FunctionSettings,
    GatewaySettings,
    MappingSettings,
    QueueSettings,
    StageSettings,
    TableSettings,
    alarm_settings,
    denies_plain_http,
)
from ops.object_lock import OBJECT_LOCK, OBJECT_LOCK_DAYS, lock_of, lock_wanted
from ops.stage_names import (
    OLDEST_MESSAGE_ALARM,
    alarm_name,
    api_function_name,
    processor_name,
    publisher_name,
    sealer_name,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ops.lint.template import Template

# By their names: a template may have others of your own beside them.
BUCKET, TABLE = "OrdersBucket", "OrdersTable"
# Lambda's own.
DEFAULT_BATCH_SIZE = 10
# Without it SAM makes a second stage, which has this name.
NO_SECOND_STAGE = "OpenApiVersion"
SECOND_STAGE = "Stage"


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
    sealer = functions.get(sealer_name(stage))
    api, processor = functions[api_function_name(stage)], functions[processor_name(stage)]
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
        gateway=_gateway(app),
        alarms=frozenset(alarms),
        oldest_message_alarm=alarm_settings(oldest) if oldest else None,
        lock_wanted=lock_wanted(_values(resources, OBJECT_LOCK, OBJECT_LOCK_DAYS)),
        seals=seal_settings(_values(resources, SEALS, SEAL_KEY_ARN)),
        sealer=_function(sealer, retentions) if sealer else None,
        events=_events(resources, functions.get(publisher_name(stage))),
    )


def _values(template: Template, *parameters: str) -> dict[str, Any]:
    return {name: template.resolve({"Ref": name}) for name in parameters}


def _queue(template: Template, name: str) -> QueueSettings:
    properties = template.resources[name]["Properties"]
    redrive = properties.get("RedrivePolicy", {})
    maximum = redrive.get("maxReceiveCount")
    return QueueSettings(
        arn=template.resolve({"Fn::GetAtt": [name, "Arn"]}),
        visibility_timeout_seconds=int(properties.get("VisibilityTimeout", 30)),
        retention_seconds=properties["MessageRetentionPeriod"],
        encrypted=bool(properties.get("SqsManagedSseEnabled") or properties.get("KmsMasterKeyId")),
        refuses_plain_http=_refuses_plain_http(template, "AWS::SQS::QueuePolicy", name),
        moves_to=redrive.get("deadLetterTargetArn"),
        maximum_receives=None if maximum is None else int(maximum),
        takes_from=tuple(properties.get("RedriveAllowPolicy", {}).get("sourceQueueArns", ())),
    )


def _refuses_plain_http(template: Template, kind: str, name: str) -> bool:
    return any(
        {"Ref": name} in (properties.get("Queues") or [properties.get("Bucket")])
        and denies_plain_http(properties["PolicyDocument"])
        for properties in template.of_type(kind).values()
    )


def _bucket(template: Template) -> BucketSettings:
    properties = template.resources[BUCKET]["Properties"]
    public = properties.get("PublicAccessBlockConfiguration", {})
    return BucketSettings(
        versioned=properties.get("VersioningConfiguration", {}).get("Status") == "Enabled",
        encrypted="BucketEncryption" in properties,
        closed_to_the_public=list(public.values()) == [True] * 4,
        refuses_plain_http=_refuses_plain_http(template, "AWS::S3::BucketPolicy", BUCKET),
        lock=lock_of(properties.get("ObjectLockConfiguration", {})),
    )


def _table(template: Template) -> TableSettings:
    properties = template.resources[TABLE]["Properties"]
    recovery = properties.get("PointInTimeRecoverySpecification", {})
    expiry = properties.get("TimeToLiveSpecification", {})
    return TableSettings(
        recoverable=bool(recovery.get("PointInTimeRecoveryEnabled")),
        protected=bool(properties.get("DeletionProtectionEnabled")),
        on_demand=properties.get("BillingMode") == "PAY_PER_REQUEST",
        expires_by=expiry.get("AttributeName") if expiry.get("Enabled") else None,
    )


def _function(
    properties: Mapping[str, Any], retentions: Mapping[str, int | None]
) -> FunctionSettings:
    return FunctionSettings(
        timeout_seconds=properties["Timeout"],
        variables=properties["Environment"]["Variables"],
        log_retention_days=retentions.get(f"/aws/lambda/{properties['FunctionName']}"),
        reserved_concurrency=properties.get("ReservedConcurrentExecutions"),
        application_log_level=properties.get("LoggingConfig", {}).get("ApplicationLogLevel"),
        traced=properties.get("Tracing") == "Active",
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


def _events(resources: Template, publisher: Mapping[str, Any] | None) -> EventsSettings | None:
    if publisher is None:
        return None
    (event,) = publisher["Events"].values()
    filters = event["Properties"].get("FilterCriteria", {}).get("Filters", [])
    return EventsSettings(
        stack_tells=resources.resolve({"Ref": "EventsOf"}),
        function_tells=publisher["Environment"]["Variables"].get("ORDERS_EVENTS_OF"),
        patterns=tuple(each["Pattern"] for each in filters),
    )


def _gateway(app: Template) -> GatewaySettings:
    (properties,) = app.of_type("AWS::Serverless::Api").values()
    single = NO_SECOND_STAGE in {**app.globals_of("Api"), **properties}
    return GatewaySettings(
        stages=frozenset({properties["StageName"]} | (set() if single else {SECOND_STAGE})),
        routes=_routes(properties["DefinitionBody"]),
        traced=bool(properties.get("TracingEnabled")),
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
