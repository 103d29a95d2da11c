"""The worker's client of the local queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops.local_stage import local_client_config, local_session

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


def queue_client(aws_url: str) -> SQSClient:
    """Make a client for the worker, which backs off by itself: one attempt a call."""
    return local_session().client("sqs", endpoint_url=aws_url, config=local_client_config())
