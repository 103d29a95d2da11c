"""The place of a stage's API: its address, and its stages by API Gateway's account."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from ops.deploy.problems import explain
from ops.deploy.smoke import SignedApi
from ops.desk.stage import StageUnavailable
from ops.lint.stage import API_NAME
from ops.stage_names import app_stack_name

if TYPE_CHECKING:
    from botocore.credentials import Credentials

    from ops.desk.stage import Stage
    from ops.verify.run import Run


def is_emulator(endpoint: str) -> bool:
    """Tell whether a client's endpoint stands in place of AWS."""
    return ".amazonaws." not in f"{urlsplit(endpoint).hostname or ''}."


@dataclass(frozen=True)
class Caller:
    """A caller of the API, and the region that it is in."""

    credentials: Credentials | None
    region: str


def signed_api(url: str, region: str, credentials: Credentials | None) -> SignedApi:
    """Make the API at an address, for a caller with these credentials."""
    return SignedApi(url, Caller(credentials, region))


def api_url_of(stage: Stage) -> str:
    """
    Find the address of a deployed stage's API, whichever way it was deployed.

    Raises:
        StageUnavailable: there is none, or the caller may not look for it.
    """
    make: Any = stage.session.client
    apigateway = make("apigateway", endpoint_url=stage.endpoint_url)
    try:
        found = _find(apigateway, stage.name)
    except (BotoCoreError, ClientError) as error:
        raise StageUnavailable(
            f"The address of the API is not known. {explain(error)} Or say it with --api-url."
        ) from error
    if found is None:
        raise StageUnavailable(
            f"API Gateway has no API with a stage {stage.name} here: type `make deploy "
            f"STAGE={stage.name}`, or look whether profile and region are those of the stage."
        )
    rest_api_id, _ = found
    endpoint: str = apigateway.meta.endpoint_url
    if is_emulator(endpoint):
        return f"{endpoint}/restapis/{rest_api_id}/{stage.name}/_user_request_"
    return f"{endpoint.replace('apigateway', f'{rest_api_id}.execute-api', 1)}/{stage.name}"


def stages_of_api(run: Run) -> list[str]:
    """List the stages of the run's API; none if there is no API."""
    found = _find(run.client("apigateway"), run.stage.name)
    return found[1] if found else []


def has_app_stack(run: Run) -> bool:
    """Tell whether `make deploy` has deployed the app."""
    try:
        run.client("cloudformation").describe_stacks(StackName=app_stack_name(run.stage.name))
    except ClientError as error:
        if "does not exist" not in str(error):
            raise
        return False
    return True


def _find(apigateway: Any, stage: str) -> tuple[str, list[str]] | None:
    """Find the stage's API: every stage has its own, and all have the same name."""
    for page in apigateway.get_paginator("get_rest_apis").paginate():
        for api in page.get("items", []):
            if api["name"] == API_NAME:
                stages = apigateway.get_stages(restApiId=api["id"])
                names = [each["stageName"] for each in stages.get("item", [])]
                if stage in names:
                    return api["id"], names
    return None
