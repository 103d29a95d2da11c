"""AWS clients that can reach the local emulator and nothing else."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import boto3
import botocore.session
from botocore.config import Config

from ops.local.environment import ACCESS_KEY, REGION, SECRET_KEY

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_sqs import SQSClient

ANSWER_LIMIT_SECONDS = 30.0


def local_session() -> boto3.Session:
    """
    A session that reads neither the developer's AWS files nor AWS_PROFILE.

    Build clients from it with an explicit `endpoint_url`.
    """
    core = botocore.session.Session()
    settings = core.get_component("config_store")
    settings.set_config_variable("config_file", os.devnull)
    settings.set_config_variable("credentials_file", os.devnull)
    # Set in the store itself, None wins over AWS_PROFILE; a profile that no file has is an error.
    settings.set_config_variable("profile", None)
    return boto3.Session(
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        region_name=REGION,
        botocore_session=core,
    )


def cloudformation_client(
    aws_url: str, answer_limit_seconds: float = ANSWER_LIMIT_SECONDS
) -> CloudFormationClient:
    """For the resources stack."""
    config = _config(answer_limit_seconds)
    return local_session().client("cloudformation", endpoint_url=aws_url, config=config)


def queue_client(aws_url: str) -> SQSClient:
    """For the worker, which backs off by itself: one attempt a call, and short time-outs."""
    return local_session().client("sqs", endpoint_url=aws_url, config=_config())


def _config(answer_limit_seconds: float = ANSWER_LIMIT_SECONDS) -> Config:
    return Config(
        connect_timeout=2,
        read_timeout=answer_limit_seconds,
        retries={"total_max_attempts": 1},
        max_pool_connections=50,
        proxies={},
    )
