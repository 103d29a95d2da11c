"""The place of a stage's API: its address, and its stages by API Gateway's account."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.aws.clients import is_on_this_machine
from ops.aws_hosts import is_of_aws
from ops.deploy.problems import explain
from ops.deploy.smoke import SignedApi
from ops.desk.stage import StageUnavailable
from ops.lint.clients import StageClients
from ops.lint.deployed_gateway import read_gateway
from ops.lint.stage_rules import UNPROTECTED_STAGES
from ops.next_command import make_command
from ops.stage_names import app_stack_name

if TYPE_CHECKING:
    from botocore.credentials import Credentials

    from ops.desk.stage import Stage
    from ops.verify.run import Run


@dataclass(frozen=True)
class Caller:
    """A caller of the API, and the region that it is in."""

    credentials: Credentials | None
    region: str


def signed_api(url: str, region: str, credentials: Credentials | None) -> SignedApi:
    """Make the API at an address, for a caller with these credentials."""
    return SignedApi(url, Caller(credentials, region))


def may_matter(stage: Stage, api_url: str | None) -> bool:
    """
    Tell whether orders could go into a stage that somebody relies on.

    An address that the caller says may be another stage's, unless it is on this machine.
    """
    given_elsewhere = bool(api_url and not is_on_this_machine(api_url))
    return given_elsewhere or stage.name not in UNPROTECTED_STAGES


def api_url_of(stage: Stage) -> str:
    """
    Find the address of a deployed stage's API, whichever way it was deployed.

    Raises:
        StageUnavailable: there is none, or the caller may not look for it.
    """
    clients = StageClients(stage.session)
    try:
        found = read_gateway(clients, stage.name)
    except (BotoCoreError, ClientError) as error:
        raise StageUnavailable(
            f"The address of the API is not known. {explain(error)} Or say it with --api-url."
        ) from error
    if found.rest_api_id is None:
        raise StageUnavailable(
            f"API Gateway has no API with a stage {stage.name} here: type "
            f"`{make_command('deploy', STAGE=stage.name)}`, or look whether profile and region are "
            "those of the stage."
        )
    endpoint: str = clients.of("apigateway").meta.endpoint_url
    if not is_of_aws(endpoint):
        return f"{endpoint}/restapis/{found.rest_api_id}/{stage.name}/_user_request_"
    host = f"{found.rest_api_id}.execute-api"
    return f"{endpoint.replace('apigateway', host, 1)}/{stage.name}"


def has_app_stack(run: Run) -> bool:
    """Tell whether `make deploy` has deployed the app."""
    try:
        run.client("cloudformation").describe_stacks(StackName=app_stack_name(run.stage.name))
    except ClientError as error:
        if "does not exist" not in str(error):
            raise
        return False
    return True
