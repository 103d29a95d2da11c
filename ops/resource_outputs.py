"""Which output of the resources stack tells the app where each of its resources is."""

from collections.abc import Mapping

VARIABLE_OUTPUTS = {
    "ORDERS_QUEUE_NAME": "QueueName",
    "ORDERS_QUEUE_URL": "QueueUrl",
    "ORDERS_DLQ_URL": "DeadLetterQueueUrl",
    "ORDERS_BUCKET": "BucketName",
    "ORDERS_TABLE": "TableName",
}

# Those that are there only with `Events` in the stage's resource_parameters.
OPTIONAL_OUTPUTS = {
    "ORDERS_EVENTS": "EventsKind",
    "ORDERS_EVENTS_TARGET": "EventsTarget",
    "ORDERS_STREAM_ARN": "TableStreamArn",
}


def resource_variables(outputs: Mapping[str, str]) -> dict[str, str]:
    """The app's environment variables that name its resources, from the outputs of their stack."""
    optional = {
        name: outputs[output] for name, output in OPTIONAL_OUTPUTS.items() if output in outputs
    }
    return {name: outputs[output] for name, output in VARIABLE_OUTPUTS.items()} | optional
