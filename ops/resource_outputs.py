"""Which output of the resources stack tells the app where each of its resources is."""

from collections.abc import Mapping

VARIABLE_OUTPUTS = {
    "ORDERS_QUEUE_NAME": "QueueName",
    "ORDERS_QUEUE_URL": "QueueUrl",
    "ORDERS_DLQ_URL": "DeadLetterQueueUrl",
    "ORDERS_BUCKET": "BucketName",
    "ORDERS_TABLE": "TableName",
}


def resource_variables(outputs: Mapping[str, str]) -> dict[str, str]:
    """The app's environment variables that name its resources, from the outputs of their stack."""
    return {name: outputs[output] for name, output in VARIABLE_OUTPUTS.items()}
