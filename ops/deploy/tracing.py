"""
X-Ray in the template of the app's stack: what Chalice's packager leaves out of it.

`xray` of a stage in .chalice/config.json is Chalice's own setting. `chalice package` turns X-Ray on
for the functions alone, and gives them no right to write to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ops.lint.stage import statements_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FUNCTION, API = "AWS::Serverless::Function", "AWS::Serverless::Api"
API_HANDLER = "APIHandler"
# X-Ray knows no resource in a trace: the Service Authorization Reference, "AWS X-Ray".
WRITE_TRACES = {
    "Sid": "WriteTraces",
    "Effect": "Allow",
    "Action": ["xray:PutTraceSegments", "xray:PutTelemetryRecords"],
    "Resource": ["*"],
}


def complete_tracing(resources: dict[str, Any]) -> None:
    """
    Turn X-Ray on for the API too, where it is on for its function; and let functions write to it.

    Lambda refuses a function with X-Ray whose role may not.
    """
    traced = {
        name: resource["Properties"]
        for name, resource in resources.items()
        if resource["Type"] == FUNCTION and is_traced(resource["Properties"])
    }
    for properties in traced.values():
        for policy in _policies_of(properties, resources):
            if not _may_write(policy):
                policy["Statement"] = [*statements_of(policy), WRITE_TRACES]
    for resource in resources.values():
        if resource["Type"] == API and API_HANDLER in traced:
            resource["Properties"]["TracingEnabled"] = True


def is_traced(function: Mapping[str, Any]) -> bool:
    """Tell whether X-Ray is on for a function, by its properties."""
    return bool(function.get("Tracing") == "Active")


def _policies_of(function: Mapping[str, Any], resources: Mapping[str, Any]) -> Iterator[Any]:
    role, _ = function["Role"]["Fn::GetAtt"]
    for policy in resources[role]["Properties"].get("Policies", []):
        yield policy["PolicyDocument"]


def _may_write(policy: Mapping[str, Any]) -> bool:
    """Tell whether a policy has the right already: `chalice deploy` takes it from its file."""
    return any(
        set(WRITE_TRACES["Action"]) <= {*statement.get("Action", ())}
        for statement in statements_of(policy)
    )
