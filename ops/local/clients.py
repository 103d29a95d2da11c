"""The worker's clients of the local queue, and of the table's stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ops.local_stage import local_client_config, local_session

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


def queue_client(aws_url: str) -> SQSClient:
    """Make a client for the worker, which backs off by itself: one attempt a call."""
    return local_session().client("sqs", endpoint_url=aws_url, config=local_client_config())


def streams_client(aws_url: str) -> Any:
    """Make a client of the tables' streams, as `queue_client` does."""
    make: Any = local_session().client
    return make("dynamodbstreams", endpoint_url=aws_url, config=local_client_config())
