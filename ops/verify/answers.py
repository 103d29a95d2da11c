"""Checks of the API's answers: who may call, how it refuses, and what API Gateway adds to it."""

from __future__ import annotations

import gzip
import hashlib
import json
from http import HTTPStatus
from typing import TYPE_CHECKING

from botocore.credentials import Credentials

from chalicelib.http.problem import TYPE_PREFIX
from chalicelib.orders.order import MAX_PAYLOAD_BYTES
from chalicelib.services.waiting import MAX_WAIT_SECONDS
from chalicelib.settings import AppSettings
from ops.deploy.smoke import HEALTH_LIMIT_SECONDS
from ops.lint.clients import StageClients
from ops.lint.deployed_gateway import read_gateway
from ops.lint.stage_rules import OPEN_ROUTES
from ops.verify.check import SetSo, check, require
from ops.verify.place import has_app_stack
from ops.verify.run import JSON, told

if TYPE_CHECKING:
    from ops.deploy.smoke import Answer
    from ops.verify.run import Run

API_PAGE, PROBLEMS_PAGE, SECURITY_PAGE = "docs/api.md", "docs/problems.md", "SECURITY.md"
DEPLOYING_PAGE = "docs/deploying.md"
# API Gateway's name for the route whose requests may wait.
WAITING_METHOD = "~1orders~1{order_id}~1submissions~1{submission_id}/GET"
PROBLEM = "application/problem+json"
CLOSED = (
    ("POST", "/orders"),
    ("POST", "/order-batches"),
    ("GET", "/orders"),
    ("HEAD", "/orders"),
    ("GET", "/orders/some"),
    ("GET", "/orders/some/submissions/some"),
)


@check("health", API_PAGE, sends=False)
def health(run: Run) -> str:
    """Find the stage well by its own account."""

    def well() -> Answer | None:
        answer = run.api.send("GET", "/health", signed=False)
        return answer if answer.status == HTTPStatus.OK else None

    answer = run.wait_for(well, "GET /health is not 200", HEALTH_LIMIT_SECONDS)
    status = answer.body["status"]
    require(status in {"pass", "warn"}, f"GET /health says {status}")
    return f"GET /health: {status}"


@check("closed-routes", SECURITY_PAGE, sends=False)
def closed_routes(run: Run) -> str:
    """Let nobody in without a signature, but to health and docs."""
    for route in sorted(OPEN_ROUTES):
        method, path = route.split()
        answer = run.api.send(method, path, signed=False)
        is_open = answer.status in {HTTPStatus.OK, HTTPStatus.FOUND}
        require(is_open, f"{route} without a signature got {told(answer)}")
    _require_closed_stage(run)
    for method, path in CLOSED:
        answer = run.api.send(method, path, b"{}" if method == "POST" else None, JSON, signed=False)
        require(
            answer.status == HTTPStatus.FORBIDDEN,
            f"{method} {path} without a signature got {told(answer)}",
        )
    return f"{len(CLOSED)} routes answer 403, {len(OPEN_ROUTES)} are open"


@check("signatures", SECURITY_PAGE, sends=False)
def signatures(run: Run) -> str:
    """Refuse a signature by another key."""
    _require_closed_stage(run)
    own = run.stage.session.get_credentials()
    forged = own and Credentials(own.access_key, "no" + own.secret_key, own.token)
    answer = run.api_as(forged).send("GET", "/orders/some")
    require(
        answer.status == HTTPStatus.FORBIDDEN,
        f"GET /orders/some with a forged signature got {told(answer)}",
        emulator="the emulator checks no signature",
    )
    return "403"


@check("refusals", PROBLEMS_PAGE, sends=False)
def refusals(run: Run) -> str:
    """Refuse what can't be taken, with a problem that says why."""
    large = b" " * (MAX_PAYLOAD_BYTES + 1)
    cases = (
        (run.post(large), HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "order-too-large"),
        (
            run.post(b"{}", {"Content-Type": "text/plain"}),
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "unsupported-media-type",
        ),
        (run.post(b"{}", {"X-Request-Id": run.mark}), HTTPStatus.BAD_REQUEST, "unreadable-order"),
    )
    for answer, status, kind in cases:
        _require_problem(answer, status, kind)
    request_id = cases[-1][0].headers["X-Request-Id"]
    require(request_id == run.mark, f"the answer has the X-Request-Id {request_id}, not ours")
    return "413, 415 and 400 are problems; the X-Request-Id is the caller's"


@check("gateway", PROBLEMS_PAGE, sends=False)
def gateway(run: Run) -> str:
    """Answer 403 with a problem where API Gateway refuses by itself."""
    for method, path in (("GET", "/nowhere"), ("DELETE", "/orders")):
        answer = run.api.send(method, path)
        name = f"{method} {path}"
        require(
            answer.status == HTTPStatus.FORBIDDEN,
            f"{name} got {answer.status}",
            emulator="the app's own server answers by itself",
        )
        if not is_problem(answer) and not run.is_emulated and not has_app_stack(run):
            raise SetSo(f"{name} got no problem: `chalice deploy` sets no gateway responses")
        require(
            is_problem(answer),
            f"{name} got no problem: {told(answer)}",
            emulator="the emulator has no gateway responses",
        )
    return "403 and a problem, for an unknown path and for an unknown method"


@check("gzip", PROBLEMS_PAGE)
def compressed(run: Run) -> str:
    """Refuse a compressed order, or record it as the order that it is."""
    plain = json.dumps(run.order("gzip")).encode()
    answer = run.post(gzip.compress(plain), {"Content-Encoding": "gzip"})
    if answer.status == HTTPStatus.UNSUPPORTED_MEDIA_TYPE:
        return "415: nothing is queued"
    require(answer.status == HTTPStatus.ACCEPTED, f"POST /orders got {told(answer)}")
    (record,) = run.records(answer.body["orderId"])
    digest = hashlib.sha256(plain).hexdigest()
    require(record["payloadSha256"] == digest, "the record is of other bytes than the order")
    return "API Gateway has unpacked it, and the record is of the order"


@check("one-api-stage", DEPLOYING_PAGE, sends=False)
def one_api_stage(run: Run) -> str:
    """Serve the API at one stage only: a second one has no throttle."""
    _require_gateway(run)
    stages = read_gateway(StageClients(run.stage.session), run.stage.name).stages
    require(stages, "API Gateway has no such API")
    others = sorted(stages - {run.stage.name})
    require(not others, f"the API also has a stage {', '.join(others)}: delete it")
    return run.stage.name


@check("throttle", DEPLOYING_PAGE, sends=False)
def throttle(run: Run) -> str:
    """Limit the requests that the stage takes in a second."""
    _require_gateway(run)
    rest_api_id = read_gateway(StageClients(run.stage.session), run.stage.name).rest_api_id
    require(rest_api_id, "API Gateway has no such API")
    stage = run.client("apigateway").get_stage(restApiId=rest_api_id, stageName=run.stage.name)
    settings = stage.get("methodSettings", {})
    limits, of_waiting = settings.get("*/*", {}), settings.get(WAITING_METHOD, {})
    rate, burst = limits.get("throttlingRateLimit"), limits.get("throttlingBurstLimit")
    if not rate and not run.is_emulated and not has_app_stack(run):
        raise SetSo("`chalice deploy` sets no throttle: the account's own limit holds")
    require(rate, "the stage has no throttle", emulator="the emulator drops it")
    waiting = of_waiting.get("throttlingRateLimit")
    require(
        waiting, "nothing limits how many wait for a submission", emulator="the emulator drops it"
    )
    most = of_waiting["throttlingBurstLimit"] + MAX_WAIT_SECONDS * waiting
    return f"{rate:g} requests a second, bursts of {burst}; at most {most:g} wait at a time"


def is_problem(answer: Answer) -> bool:
    """Tell whether an answer is a problem document of this API."""
    kind = answer.body.get("type", "") if isinstance(answer.body, dict) else ""
    return answer.headers.get_content_type() == PROBLEM and kind.startswith(TYPE_PREFIX)


def _require_problem(answer: Answer, status: HTTPStatus, kind: str) -> None:
    expected = f"{status.value} {kind}"
    require(answer.status == status, f"expected {expected}, got {told(answer)}")
    require(is_problem(answer), f"expected {expected}, got no problem: {told(answer)}")
    require(
        answer.body["type"] == TYPE_PREFIX + kind, f"expected {expected}, got {answer.body['type']}"
    )


def _require_gateway(run: Run) -> None:
    require(not run.stage.is_local, "no API Gateway", emulator="`make run` has none")


def _require_closed_stage(run: Run) -> None:
    if run.stage.is_local:
        raise SetSo("the local stage is open")
    if not AppSettings.from_env(run.stage.environment).closed:
        raise SetSo("this stage is open to anyone (ORDERS_AUTH=none)")
