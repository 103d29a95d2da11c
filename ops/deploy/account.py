"""The AWS account that a command works on, found as every AWS tool finds it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self, cast

from botocore.config import Config

from chalicelib.aws.clients import S3_CONFIG, keep_own_endpoint
from ops.aws_hosts import is_of_aws
from ops.aws_session import make_client, make_session

if TYPE_CHECKING:
    import boto3
    from botocore.credentials import Credentials
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

# CloudFormation throttles its watchers: a call is tried again for up to half a minute.
CONFIG = Config(
    connect_timeout=5, read_timeout=30, retries={"mode": "standard", "total_max_attempts": 6}
)


@dataclass(frozen=True)
class Identity:
    """The caller, by its ARN, and the account."""

    account_id: str
    caller: str

    @property
    def partition(self) -> str:
        """The partition of the account: `aws`, `aws-cn`, ..."""
        return self.caller.split(":")[1]


class Aws:
    """
    Clients for one account and region.

    Credentials, region and endpoint come from where boto3 looks: AWS_PROFILE, AWS_DEFAULT_REGION,
    AWS_ENDPOINT_URL, ~/.aws. The `with` block closes the connections that were opened.
    """

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for client in self._clients().values():
            client.close()

    @cached_property
    def session(self) -> boto3.Session:
        return make_session()

    @cached_property
    def identity(self) -> Identity:
        """The caller. Ask for it first: it needs credentials, a region and nothing else."""
        sts = make_client(self.session, "sts", config=CONFIG)
        try:
            answer = sts.get_caller_identity()
        finally:
            sts.close()
        return Identity(answer["Account"], answer["Arn"])

    @cached_property
    def cloudformation(self) -> CloudFormationClient:
        return cast(
            "CloudFormationClient", make_client(self.session, "cloudformation", config=CONFIG)
        )

    @cached_property
    def s3(self) -> S3Client:
        return keep_own_endpoint(make_client(self.session, "s3", config=CONFIG.merge(S3_CONFIG)))

    @cached_property
    def sqs(self) -> SQSClient:
        return cast("SQSClient", make_client(self.session, "sqs", config=CONFIG))

    @cached_property
    def dynamodb(self) -> DynamoDBClient:
        return cast("DynamoDBClient", make_client(self.session, "dynamodb", config=CONFIG))

    @cached_property
    def logs(self) -> CloudWatchLogsClient:
        return cast("CloudWatchLogsClient", make_client(self.session, "logs", config=CONFIG))

    @cached_property
    def awslambda(self) -> Any:
        return make_client(self.session, "lambda", config=CONFIG)

    @property
    def region(self) -> str:
        return self.cloudformation.meta.region_name

    @property
    def emulator_url(self) -> str | None:
        """The endpoint in place of AWS; None on AWS itself."""
        endpoint = self.cloudformation.meta.endpoint_url
        return None if is_of_aws(endpoint) else endpoint

    @property
    def credentials(self) -> Credentials | None:
        return self.session.get_credentials()

    def _clients(self) -> dict[str, Any]:
        names = ("cloudformation", "s3", "sqs", "dynamodb", "logs", "awslambda")
        return {name: self.__dict__[name] for name in names if name in self.__dict__}

    def describe(self) -> str:
        """Describe the account in one line."""
        identity = self.identity
        place = f" at {self.emulator_url}" if self.emulator_url else ""
        return f"Account {identity.account_id}, {self.region}{place}, as {identity.caller}"
