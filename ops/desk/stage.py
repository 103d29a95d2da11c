"""Connecting to a stage: where its resources are, and clients with the operator's credentials."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self, cast

from botocore.config import Config
from botocore.exceptions import BotoCoreError

from chalicelib.aws.clients import S3_CONFIG, keep_own_endpoint, made_once
from chalicelib.aws.failures import unavailable_on_failure
from chalicelib.aws.s3 import OrderArchive
from chalicelib.settings import Settings, SettingsError
from ops.aws_hosts import region_of
from ops.aws_session import BadAwsSetting, make_client, make_session, said_with_setting
from ops.local_stage import (
    DEFAULT_AWS_PORT,
    NotRunning,
    aws_url_at,
    local_session,
    running_resources,
    unusual_port,
)
from ops.next_command import ops_command
from ops.project import CONFIG, LOCAL_SEAL_KEY, PROJECT_ROOT
from ops.stack_outputs import resource_variables
from ops.stage_names import KMS_KEY, LOCAL_STAGE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import boto3
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

CONFIG_FILE = PROJECT_ROOT / CONFIG
READERS = 32
# An operator waits longer than a function may, and reads pages of up to 1 MB; but what hangs has
# to be known within a minute, after four attempts.
CLIENT_CONFIG = Config(
    connect_timeout=3,
    read_timeout=10,
    retries={"mode": "standard", "total_max_attempts": 4},
    max_pool_connections=READERS,
)
# For a look at what answers. A thread that still waits holds the end of a command up, so that all
# attempts together have to end soon.
LOOK_CONFIG = Config(
    connect_timeout=2,
    read_timeout=4,
    retries={"mode": "standard", "total_max_attempts": 2},
)
# For what is done in spite of a table that does not answer.
HURRIED_CONFIG = Config(connect_timeout=2, read_timeout=3, retries={"total_max_attempts": 1})


class StageUnavailable(Exception):
    """The stage can't be worked with: the message says why, and what to do."""


@dataclass(frozen=True)
class Stage:
    """
    A stage: its name, its app's environment variables, and clients for its resources.

    `kms_key_arn` is the stage's own key, if it has one.
    """

    name: str
    environment: Mapping[str, str]
    session: boto3.Session
    endpoint_url: str | None = None
    # The key that the local stage signs its seals with.
    key_file: Path = LOCAL_SEAL_KEY
    kms_key_arn: str = ""
    config: Config = CLIENT_CONFIG

    @made_once
    def settings(self) -> Settings:
        return Settings.from_env(self.environment)

    @property
    def is_local(self) -> bool:
        return self.name == LOCAL_STAGE

    @made_once
    def sqs(self) -> SQSClient:
        return cast("SQSClient", self._client("sqs"))

    @made_once
    def dynamodb(self) -> DynamoDBClient:
        return cast("DynamoDBClient", self._client("dynamodb"))

    @made_once
    def hurried_dynamodb(self) -> DynamoDBClient:
        """A client that soon gives up, and does not try again."""
        return cast("DynamoDBClient", self._client("dynamodb", HURRIED_CONFIG))

    @made_once
    def s3(self) -> S3Client:
        return keep_own_endpoint(self._client("s3", self.config.merge(S3_CONFIG)))

    @made_once
    def events(self) -> Any:
        return self._client("events")

    @made_once
    def sns(self) -> Any:
        return self._client("sns")

    @made_once
    def awslambda(self) -> Any:
        return self._client("lambda")

    @made_once
    def cloudwatch(self) -> Any:
        return self._client("cloudwatch")

    @made_once
    def kms(self) -> Any:
        return self._client("kms")

    @property
    def for_keys(self) -> Self:
        """The same clients: an operator may wait longer for the table than an API's caller."""
        return self

    @made_once
    def without_retries(self) -> Self:
        """Clients for a health check: an operator's may try again, once."""
        return replace(self, config=LOOK_CONFIG)

    def archive(self, bucket: str, *, over_obstore: bool) -> OrderArchive:  # noqa: ARG002
        """Open the archive in a bucket: over boto3, whatever the functions use."""
        return OrderArchive(self.s3, bucket)

    def urls(self, bucket: str) -> OrderArchive:
        """Sign URLs of a bucket's objects, as the archive does."""
        return OrderArchive(self.s3, bucket)

    @made_once
    def operator(self) -> str:
        """
        The ARN of the operator: STS says whose credentials these are.

        Raises:
            StoreUnavailable: STS did not say.
        """
        with unavailable_on_failure("STS GetCallerIdentity"):
            return str(self._client("sts").get_caller_identity()["Arn"])

    def command(self, typed: str, *arguments: str, **options: object) -> str:
        """Write a command of `python -m ops` that goes on with this stage."""
        at = {"aws_port": unusual_port(self.endpoint_url or "")}
        here = at if self.is_local else {"stage": self.name}
        return ops_command(typed, *arguments, **options, **here)

    def _client(self, service: str, config: Config | None = None) -> Any:
        return make_client(
            self.session, service, endpoint_url=self.endpoint_url, config=config or self.config
        )


def connect(
    name: str = LOCAL_STAGE,
    *,
    aws_port: int = DEFAULT_AWS_PORT,
    config_file: Path = CONFIG_FILE,
) -> Stage:
    """
    Connect to a stage.

    `local` is what `make run` has started; `aws_port` is where its AWS endpoint is. Every other
    stage is found in `.chalice/config.json`, and is worked on with the operator's own credentials
    (AWS_PROFILE, AWS_ACCESS_KEY_ID, SSO: whatever the AWS CLI would use).

    Raises:
        StageUnavailable: unknown, not deployed, not running, or no credentials.
    """
    return _connect_local(aws_port) if name == LOCAL_STAGE else _connect(name, config_file)


def stage_names(config_file: Path = CONFIG_FILE) -> list[str]:
    """List the stages that `.chalice/config.json` has."""
    return list(_config(config_file)["stages"])


def _connect_local(aws_port: int) -> Stage:
    aws_url = aws_url_at(aws_port)
    try:
        outputs = running_resources(aws_url)
    except NotRunning as error:
        raise StageUnavailable(
            f"{error}, say where its AWS endpoint is with --aws-port, or name another stage with "
            "--stage."
        ) from error
    return Stage(LOCAL_STAGE, resource_variables(outputs), local_session(), aws_url)


def _connect(name: str, config_file: Path) -> Stage:
    config = _config(config_file)
    if name not in config["stages"]:
        known = ", ".join(config["stages"])
        raise StageUnavailable(f"There is no stage {name!r} in {config_file.name}: it has {known}.")
    of_stage = config["stages"][name]
    environment = {
        **config.get("environment_variables", {}),
        **of_stage.get("environment_variables", {}),
    }
    try:
        settings = Settings.from_env(environment)
    except SettingsError as error:
        missing = str(error).split(" ", 1)[0]
        if environment.get(missing):
            raise StageUnavailable(
                f"Stage {name}: {error}. Write another value into {config_file.name}, and deploy "
                "the stage again."
            ) from error
        raise StageUnavailable(
            f"Stage {name} has no {missing} in {config_file.name}, so its resources aren't known "
            "here: take the .chalice/config.json that the stage was deployed with. Only whoever "
            f"sets the stage up types `{ops_command('resources up', stage=name)}`, which creates "
            "and records them."
        ) from error
    key_arn = of_stage.get("resource_parameters", {}).get(KMS_KEY, "")
    session = _session(name, settings.queue_url)
    stage = Stage(name, environment, session, kms_key_arn=key_arn)
    with _unavailable_as_set_up():
        # Most of the settings are read for the first client, not before.
        _ = stage.sqs
    return stage


def _session(stage: str, queue_url: str) -> boto3.Session:
    with _unavailable_as_set_up():
        session = make_session(region_name=region_of(queue_url))
        credentials = session.get_credentials()
    if credentials is None:
        raise StageUnavailable(
            f"There are no AWS credentials here, and stage {stage} needs them: sign in "
            "(`aws sso login`), or set AWS_PROFILE, and try again."
        )
    if session.region_name is None:
        raise StageUnavailable(
            f"Stage {stage} has no known region: set AWS_DEFAULT_REGION, or a region in the "
            "profile. (AWS_REGION is for Lambda and other SDKs: boto3 does not read it.)"
        )
    return session


@contextmanager
def _unavailable_as_set_up() -> Iterator[None]:
    """Turn what boto3 says of a variable, a profile or a file into `StageUnavailable`."""
    try:
        yield
    except (BotoCoreError, ValueError) as error:
        said = f"{error}" if isinstance(error, BadAwsSetting) else said_with_setting(error)
        raise StageUnavailable(
            f"AWS can't be used as it is set up here: {said.rstrip('.')}."
        ) from error


def _config(config_file: Path) -> dict[str, Any]:
    config: dict[str, Any] = json.loads(config_file.read_text(encoding="utf-8"))
    return config
