"""
The local stage, as others find and reach it: its address, credentials and resources.

The modules in `ops/local/` run it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import boto3
import botocore.session
from botocore.config import Config
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError

from chalicelib.aws.answers import count_only_answers_of_aws
from ops.next_command import make_command
from ops.ports import LOOPBACK
from ops.stack_outputs import outputs_of
from ops.stage_names import LOCAL_STAGE, resources_stack_name

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

# `make run` starts its AWS endpoint here, unless another port is asked for.
DEFAULT_AWS_PORT = 4566
REGION = "us-east-1"
# The emulator takes any credentials. These are no secret, and no account has them.
ACCESS_KEY = "test"
SECRET_KEY = "test"  # noqa: S105 (see above)
CALL_LIMIT_SECONDS = 30.0
# Somebody waits for the command; a stack is described in milliseconds.
ANSWER_LIMIT_SECONDS = 5.0


class NotRunning(Exception):
    """There is no local stage: the message says why and what to do, without its full stop."""


def aws_url_at(port: int) -> str:
    """Return the address of the AWS endpoint at a port."""
    return f"http://{LOOPBACK}:{port}"


def start_command(aws_url: str, options: str = "") -> str:
    """Write the command that starts the local stage at an address."""
    return make_command("run", AWS_PORT=unusual_port(aws_url), OPTIONS=options)


def unusual_port(aws_url: str) -> int | None:
    """Return the port of an address, if commands have to say it."""
    port = urlsplit(aws_url).port
    return None if port == DEFAULT_AWS_PORT else port


def local_session() -> boto3.Session:
    """
    Make a session that reads none of the developer's AWS files and AWS_* variables.

    Build clients from it with an explicit `endpoint_url`.
    """
    core = botocore.session.Session()
    settings = core.get_component("config_store")
    # Set in the store itself, a default wins over the variable: one with a bad value is an error.
    for name, (_, _, default, _) in BOTOCORE_DEFAUT_SESSION_VARIABLES.items():
        if name != "region":
            settings.set_config_variable(name, default)
    settings.set_config_variable("config_file", os.devnull)
    settings.set_config_variable("credentials_file", os.devnull)
    session = boto3.Session(
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        region_name=REGION,
        botocore_session=core,
    )
    count_only_answers_of_aws(session.events)
    return session


def local_client_config(call_limit_seconds: float = CALL_LIMIT_SECONDS) -> Config:
    """Make the settings of a client: one attempt a call, and never through a proxy."""
    return Config(
        connect_timeout=2,
        read_timeout=call_limit_seconds,
        retries={"total_max_attempts": 1},
        max_pool_connections=50,
        proxies={},
    )


def cloudformation_client(
    aws_url: str, call_limit_seconds: float = CALL_LIMIT_SECONDS
) -> CloudFormationClient:
    """Make a client for the resources stack."""
    config = local_client_config(call_limit_seconds)
    return local_session().client("cloudformation", endpoint_url=aws_url, config=config)


def running_resources(aws_url: str) -> dict[str, str]:
    """
    Return the outputs of the resources stack that a running `make run` has created.

    Raises:
        NotRunning: there is no local stage at this address.
    """
    try:
        return _resources(cloudformation_client(aws_url, ANSWER_LIMIT_SECONDS))
    except EndpointConnectionError as error:
        raise NotRunning(
            f"Nothing runs at {aws_url}: start the local stage with `{start_command(aws_url)}`"
        ) from error
    except (ReadTimeoutError, ConnectTimeoutError) as error:
        raise NotRunning(
            f"{aws_url} does not answer within {ANSWER_LIMIT_SECONDS:g} s: try again, or stop what "
            f"is there and start the local stage with `{start_command(aws_url)}`"
        ) from error
    except (BotoCoreError, ClientError, ResponseParserError) as error:
        raise NotRunning(
            f"There is no local stage at {aws_url}: start it with `{start_command(aws_url)}`"
        ) from error


def _resources(cloudformation: CloudFormationClient) -> dict[str, str]:
    name = resources_stack_name(LOCAL_STAGE)
    return outputs_of(cloudformation.describe_stacks(StackName=name)["Stacks"][0])
