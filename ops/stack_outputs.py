"""The outputs and parameters of a stack, and the app's variables that are made from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_cloudformation.type_defs import StackTypeDef

VARIABLE_OUTPUTS = {
    "ORDERS_QUEUE_NAME": "QueueName",
    "ORDERS_QUEUE_URL": "QueueUrl",
    "ORDERS_DLQ_URL": "DeadLetterQueueUrl",
    "ORDERS_BUCKET": "BucketName",
    "ORDERS_TABLE": "TableName",
}

# The stack has these outputs only if the stage's resource_parameters ask for events, or for seals.
OPTIONAL_OUTPUTS = {
    "ORDERS_EVENTS": "EventsKind",
    "ORDERS_EVENTS_OF": "EventsOf",
    "ORDERS_EVENTS_TARGET": "EventsTarget",
    "ORDERS_STREAM_ARN": "TableStreamArn",
    "ORDERS_SEALS": "Seals",
    "ORDERS_SEAL_KEY": "SealKeyArn",
}


def outputs_of(stack: StackTypeDef) -> dict[str, str]:
    """Return a stack's outputs by their names."""
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def parameters_of(stack: StackTypeDef) -> dict[str, str]:
    """Return the values of a stack's parameters by their names."""
    return {
        parameter["ParameterKey"]: parameter.get("ParameterValue", "")
        for parameter in stack.get("Parameters", [])
    }


def resource_variables(outputs: Mapping[str, str]) -> dict[str, str]:
    """Make the app's environment variables that name its resources from their stack's outputs."""
    optional = {
        name: outputs[output] for name, output in OPTIONAL_OUTPUTS.items() if output in outputs
    }
    return {name: outputs[output] for name, output in VARIABLE_OUTPUTS.items()} | optional
