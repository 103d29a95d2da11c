"""The functions of a deployed stage, and the event source mapping between them and the queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops.lint.not_deployed import NotDeployed
from ops.lint.stage import EventsSettings, FunctionSettings, MappingSettings
from ops.next_command import chalice_command, make_command
from ops.processing_switch import OFF
from ops.stage_names import processor_name, publisher_name, sealer_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ops.lint.clients import StageClients


def read_function(clients: StageClients, stage: str, name: str) -> FunctionSettings:
    """
    Read a function of a stage.

    Raises:
        NotDeployed: it isn't there.
    """
    functions = clients.of("lambda")
    try:
        found = functions.get_function_configuration(FunctionName=name)
    except functions.exceptions.ResourceNotFoundException as error:
        raise NotDeployed(
            f"There is no function {name} here: type `{make_command('deploy', STAGE=stage)}` or "
            f"`{chalice_command('deploy', stage=stage)}`."
        ) from error
    concurrency = functions.get_function_concurrency(FunctionName=name)
    return FunctionSettings(
        timeout_seconds=found["Timeout"],
        variables=found.get("Environment", {}).get("Variables", {}),
        log_retention_days=_log_retention(clients, f"/aws/lambda/{name}"),
        reserved_concurrency=concurrency.get("ReservedConcurrentExecutions"),
        application_log_level=found.get("LoggingConfig", {}).get("ApplicationLogLevel"),
        traced=found.get("TracingConfig", {}).get("Mode") == "Active",
    )


def read_sealer(clients: StageClients, stage: str) -> FunctionSettings | None:
    """Read the function that seals days; None: the stage has none."""
    try:
        return read_function(clients, stage, sealer_name(stage))
    except NotDeployed:
        return None


def read_mapping(clients: StageClients, stage: str) -> MappingSettings:
    """
    Read what feeds the processor.

    Raises:
        NotDeployed: nothing does.
    """
    name = processor_name(stage)
    answer = clients.of("lambda").list_event_source_mappings(FunctionName=name)
    mappings = answer.get("EventSourceMappings")
    if not mappings:
        raise NotDeployed(
            f"Nothing feeds {name}: deploy it again with `{make_command('deploy', STAGE=stage)}`."
        )
    found = mappings[0]
    return MappingSettings(
        queue_arn=found["EventSourceArn"],
        batch_size=found["BatchSize"],
        window_seconds=found.get("MaximumBatchingWindowInSeconds", 0),
        maximum_concurrency=found.get("ScalingConfig", {}).get("MaximumConcurrency"),
        reports_failures="ReportBatchItemFailures" in found.get("FunctionResponseTypes", []),
        polls=found["State"] not in OFF,
    )


def read_events(
    clients: StageClients, stage: str, outputs: Mapping[str, str]
) -> EventsSettings | None:
    """
    Read what is told of by a stage's events, given its stack's outputs; None: it has none.

    Raises:
        NotDeployed: its function isn't there.
    """
    if "EventsKind" not in outputs:
        return None
    name = publisher_name(stage)
    variables = read_function(clients, stage, name).variables
    answer = clients.of("lambda").list_event_source_mappings(FunctionName=name)
    return EventsSettings(
        stack_tells=outputs.get("EventsOf"),
        function_tells=variables.get("ORDERS_EVENTS_OF"),
        patterns=tuple(
            each["Pattern"]
            for mapping in answer.get("EventSourceMappings", [])
            for each in mapping.get("FilterCriteria", {}).get("Filters", [])
        ),
    )


def _log_retention(clients: StageClients, name: str) -> int | None:
    answer = clients.of("logs").describe_log_groups(logGroupNamePrefix=name)
    days: dict[str, int | None] = {
        group["logGroupName"]: group.get("retentionInDays") for group in answer.get("logGroups", [])
    }
    return days.get(name)
