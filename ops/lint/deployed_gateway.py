"""The REST API of a deployed stage: its routes, and API Gateway's stages of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ops.lint.stage import API_NAME, GatewaySettings

if TYPE_CHECKING:
    from ops.lint.clients import StageClients


def read_gateway(clients: StageClients, stage: str) -> GatewaySettings:
    """Read the API of a stage: every stage has its own, and all have the same name."""
    apigateway = clients.of("apigateway")
    for page in apigateway.get_paginator("get_rest_apis").paginate():
        for api in page.get("items", []):
            if api["name"] != API_NAME:
                continue
            stages = _stages_of(apigateway, api["id"])
            if stage in stages:
                routes = _routes_of(apigateway, api["id"])
                return GatewaySettings(
                    api["id"], frozenset(stages), routes, traced=bool(stages[stage])
                )
    return GatewaySettings()


def _stages_of(apigateway: Any, rest_api_id: str) -> dict[str, bool | None]:
    """Name the stages of an API, and say of each whether X-Ray is on for it."""
    answer = apigateway.get_stages(restApiId=rest_api_id)
    return {stage["stageName"]: stage.get("tracingEnabled") for stage in answer.get("item", [])}


def _routes_of(apigateway: Any, rest_api_id: str) -> dict[str, bool]:
    pages = apigateway.get_paginator("get_resources")
    return {
        f"{method} {resource['path']}": details.get("authorizationType") == "AWS_IAM"
        for page in pages.paginate(restApiId=rest_api_id, embed=["methods"])
        for resource in page.get("items", [])
        for method, details in resource.get("resourceMethods", {}).items()
    }
