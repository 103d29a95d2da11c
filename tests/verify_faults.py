"""Faults of a stage in memory: each breaks it in one way, and names the check that must see it."""

import json
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from chalicelib.orders.record import OWN_SLOT_PREFIX, Status
from chalicelib.services.unavailable import StoreUnavailable
from ops.lint.stage_rules import ALARMS
from tests.verify_stage import ACCOUNT, VerifiedStage, answer

Break = Callable[[VerifiedStage], None]


def answering(change: Callable[[str, str, Any], Any], only: tuple[str, str] | None = None) -> Break:
    """Change what the API answers: its answers to one method and beginning of a path, or all."""

    def break_it(stage: VerifiedStage) -> None:
        whole = stage.answers

        def answers(method: str, path: str, *more: Any) -> Any:
            got = whole(method, path, *more)
            here = only is None or (method == only[0] and path.startswith(only[1]))
            return change(method, path, got) if here else got

        vars(stage)["answers"] = answers

    return break_it


def records_with(**changes: Any) -> Break:
    """Show other values in the records of an order."""

    def change(_method: str, _path: str, got: Any) -> Any:
        body = got.body
        if "records" in body:
            body = {**body, "records": [{**record, **changes} for record in body["records"]]}
        return replace(got, body=body)

    return answering(change, ("GET", "/orders"))


def given(status: int, body: Any = None, content_type: str = "application/json") -> Any:
    return lambda *_: answer(status, body or {}, content_type)


def sending(change: Callable[[bytes, dict[str, str]], tuple[bytes, dict[str, str]]]) -> Break:
    """Change what reaches the app."""

    def break_it(stage: VerifiedStage) -> None:
        whole = stage.answers

        def answers(method: str, path: str, data: bytes, headers: dict[str, str], by: Any) -> Any:
            return whole(method, path, *change(data, headers), by)

        vars(stage)["answers"] = answers

    return break_it


def settling(change: Callable[[Any], Any]) -> Break:
    """Change the records on their way into the table."""

    def break_it(stage: VerifiedStage) -> None:
        records = stage.application.fake_records
        take, take_free = records.take, records.take_free
        vars(records)["take"] = lambda record: take(change(record))
        vars(records)["take_free"] = lambda some: take_free([change(record) for record in some])

    return break_it


def recording_redeliveries(stage: VerifiedStage) -> None:
    """Give each message of an order a record of its own, be it the same submission or not."""
    known: set[str] = set()

    def change(record: Any) -> Any:
        again = record.order_id in known
        known.add(record.order_id)
        return record._replace(record_id=f"{OWN_SLOT_PREFIX}{len(known)}") if again else record

    settling(change)(stage)


def checking_no_keys(stage: VerifiedStage) -> None:
    """Take in whatever comes under a used key."""
    vars(stage.application.fake_keys)["take"] = lambda *_: None


def naming_another_order(stage: VerifiedStage) -> None:
    """Name an order in the refusal of a used key that is not the first one's."""
    take = stage.application.fake_keys.take

    def taken(*asked: Any) -> Any:
        used = take(*asked)
        return used and used._replace(order_id="another")

    vars(stage.application.fake_keys)["take"] = taken


def setting(path: str, value: Any) -> Break:
    """Set one part of the stage to something else."""

    def break_it(stage: VerifiedStage) -> None:
        owner: Any = stage
        *way, name = path.split(".")
        for step in way:
            owner = owner[step] if isinstance(owner, dict) else getattr(owner, step)
        vars(owner)[name] = value

    return break_it


def losing_attributes(stage: VerifiedStage) -> None:
    """Pass a message on with ours first, and the first ten only."""
    queue = stage.application.fake_queue
    whole = queue.send_to_dead_letters

    def send(message: Any, attributes: dict[str, str]) -> None:
        own = dict(list(message.message_attributes.items())[: 10 - len(attributes)])
        whole(message._replace(message_attributes=own), attributes)

    vars(queue)["send_to_dead_letters"] = send


def refusing_aside(stage: VerifiedStage) -> None:
    """Never set a message aside: it stays on the queue."""

    def refuse(*_: Any) -> None:
        raise StoreUnavailable("SQS SendMessage: InvalidParameterValue")

    vars(stage.application.fake_queue)["send_to_dead_letters"] = refuse


def losing_every(number: int) -> Break:
    """Lose each so manyth message of a send."""

    def break_it(stage: VerifiedStage) -> None:
        whole, count = stage.deliver, iter(range(1, 10_000))

        def deliver(client: Any, records: Any) -> None:
            whole(client, [it for it in records if next(count) % number])

        vars(stage)["deliver"] = deliver

    return break_it


def logging(line: Callable[[VerifiedStage, str], str]) -> Break:
    """Log another line for each message."""

    def break_it(stage: VerifiedStage) -> None:
        whole = stage.deliver

        def deliver(client: Any, records: Any) -> None:
            whole(client, records)
            stage.log.extend(line(stage, it["body"]) for it in records)

        vars(stage)["deliver"] = deliver

    return break_it


def id_of(body: str) -> str:
    order_id: str = json.loads(body)["id"]
    return order_id


def unpacking(data: bytes, headers: dict[str, str]) -> tuple[bytes, dict[str, str]]:
    """Take a compressed body for something else."""
    if headers.pop("Content-Encoding", None):
        return b'{"id": "verify-other", "amount": 1, "fromAccount": "1", "toAccount": "2"}', headers
    return data, headers


def reaching_a_longer_name(stage: VerifiedStage) -> None:
    """Allow what a policy with orders-prod-* in it allows: the bucket of prod-eu matches too."""
    whole = stage.services["iam"].simulate_principal_policy

    def simulate(**asked: Any) -> Any:
        (arn,) = asked["ResourceArns"]
        return whole(**{**asked, "ResourceArns": [arn.replace(f"eu-{ACCOUNT}", "")]})

    stage.services["iam"].simulate_principal_policy = simulate


def allowing(action: str) -> Break:
    def break_it(stage: VerifiedStage) -> None:
        whole = stage.services["iam"].simulate_principal_policy

        def simulate(**asked: Any) -> Any:
            result = whole(**asked)
            result["EvaluationResults"].append(
                {"EvalActionName": action, "EvalDecision": "allowed"}
            )
            return result

        stage.services["iam"].simulate_principal_policy = simulate

    return break_it


def putting_whatever_item(stage: VerifiedStage) -> None:
    """Allow what a policy without its condition on partition keys allows."""
    whole = stage.services["iam"].simulate_principal_policy

    def simulate(**asked: Any) -> Any:
        keys = "dynamodb:LeadingKeys"
        given = [each for each in asked["ContextEntries"] if each["ContextKeyName"] != keys]
        any_key = {"ContextKeyName": keys, "ContextKeyValues": ["#key#any"]}
        (arn,) = asked["ResourceArns"]
        return whole(
            **{**asked, "ContextEntries": [*given, *([any_key] if ":table/" in arn else [])]}
        )

    stage.services["iam"].simulate_principal_policy = simulate


def publishing(break_it: Break) -> Break:
    """Break a stage that has events on."""

    def break_with_events(stage: VerifiedStage) -> None:
        stage.environment |= {"ORDERS_EVENTS": "sns", "ORDERS_STREAM_ARN": "arn:stream"}
        break_it(stage)

    return break_with_events


def sealing(break_it: Break) -> Break:
    """Break a stage that seals each night."""

    def break_with_seals(stage: VerifiedStage) -> None:
        stage.environment |= {"ORDERS_SEALS": "on"}
        break_it(stage)

    return break_with_seals


def simulating_only(*allowed: str) -> Callable[..., Any]:
    """Make a policy simulator that allows these actions on anything."""

    def simulate(**asked: Any) -> Any:
        decisions = {True: "allowed", False: "implicitDeny"}
        return {
            "EvaluationResults": [
                {"EvalActionName": it, "EvalDecision": decisions[it in allowed]}
                for it in asked["ActionNames"]
            ]
        }

    return simulate


def without_alarm(name: str) -> Break:
    def break_it(stage: VerifiedStage) -> None:
        there = [each for each in ALARMS if each != name]
        found = {
            "MetricAlarms": [{"AlarmName": f"orders-prod-{n}", "StateValue": "OK"} for n in there]
        }
        pages = SimpleNamespace(paginate=lambda **_: [found])
        stage.services["cloudwatch"].get_paginator = lambda _: pages

    return break_it


def cut_history(_method: str, path: str, got: Any) -> Any:
    """Lose the second page of every history."""
    lost = "cursor=" in path and not path.startswith("/orders?")
    return replace(got, body={**got.body, "records": [], "cursor": None}) if lost else got


def listing_twice(_method: str, path: str, got: Any) -> Any:
    body = (
        {**got.body, "records": got.body["records"] * 2}
        if path.startswith("/orders?")
        else got.body
    )
    return replace(got, body=body)


def empty_list(_method: str, path: str, got: Any) -> Any:
    body = {"records": [], "cursor": None} if path.startswith("/orders?") else got.body
    return replace(got, body=body)


def other_id(_method: str, _path: str, got: Any) -> Any:
    del got.headers["X-Request-Id"]
    got.headers["X-Request-Id"] = "another"
    return got


def no_problem(_method: str, _path: str, got: Any) -> Any:
    return answer(got.status, got.body) if got.status >= 400 else got


def submission_with(**changes: Any) -> Break:
    """Show other values in what became of a submission."""

    def change(_method: str, _path: str, got: Any) -> Any:
        if "submission" not in (got.body or {}):
            return got
        return replace(got, body={"submission": {**got.body["submission"], **changes}})

    return answering(change)


def of_another(stage: VerifiedStage) -> None:
    """Answer for a submission with the order's accepted one."""
    shown: list[Any] = []

    def change(_method: str, _path: str, got: Any) -> Any:
        if "submission" in (got.body or {}):
            shown.append(got.body)
            return replace(got, body=shown[0])
        return got

    answering(change)(stage)


def without_prefix(_method: str, path: str, got: Any) -> Any:
    """Name the URL of a stage that is served under another path."""
    if path == "/orders" and "submissionUrl" in (got.body or {}):
        return replace(got, body={**got.body, "submissionUrl": "/prod" + got.body["submissionUrl"]})
    return got


def of_judgement(**changes: Any) -> Callable[[str, str, Any], Any]:
    def change(_method: str, path: str, got: Any) -> Any:
        return replace(got, body={**got.body, **changes}) if "dryRun" in path else got

    return change


def queueing_dry_runs(stage: VerifiedStage) -> None:
    """Take a dry run in as any order, and answer as if it was none."""
    whole = stage.answers

    def answers(method: str, path: str, *more: Any) -> Any:
        if "dryRun" in path:
            whole(method, path.partition("?")[0], *more)
        return whole(method, path, *more)

    vars(stage)["answers"] = answers


FAULTS: list[tuple[str, Break, str]] = [
    ("order", answering(given(403), ("POST", "/orders")), "POST /orders got 403"),
    ("order", losing_every(1), "got no record within 0 s"),
    ("order", records_with(status="REJECTED"), "it is [(<Status.REJECTED"),
    ("order", records_with(payloadSha256="00"), "has another SHA-256"),
    ("order", records_with(s3Key="orders/x.json"), "its key is orders/x.json"),
    ("duplicates", records_with(status="ACCEPTED"), "the records are"),
    ("duplicates", records_with(differs=[]), "the records are"),
    ("duplicates", losing_every(3), "got fewer than 3 records"),
    ("correction", records_with(isDuplicate=False), "the records are"),
    ("correction", settling(lambda r: r._replace(status=Status.REJECTED)), "the records are"),
    (
        "idempotency-key",
        sending(lambda d, _: (d, {"Content-Type": "application/json"})),
        "two submission ids",
    ),
    ("idempotency-key", recording_redeliveries, "has 2 records, not 1"),
    ("idempotency-key", checking_no_keys, "other bytes got 202"),
    ("idempotency-key", naming_another_order, "the refusal names another order"),
    (
        "order-batch",
        answering(given(403), ("POST", "/order-batches")),
        "POST /order-batches got 403",
    ),
    (
        "order-batch",
        sending(lambda d, _: (d, {"Content-Type": "application/x-ndjson"})),
        "two POSTs of one batch have two results",
    ),
    (
        "order-batch",
        sending(lambda d, h: (d.replace(b"\r\n\n", b"\n"), h)),
        "the results are [(1, 'QUEUED'), (2, 'REFUSED')",
    ),
    ("order-batch", recording_redeliveries, "has 2 records, not 1"),
    ("order-batch", records_with(payloadSha256="00"), "has another SHA-256 than its line"),
    ("order-batch", losing_every(1), "got no record"),
    ("concurrency", records_with(status="ACCEPTED"), "20 of 20 are ACCEPTED"),
    ("concurrency", records_with(status="DUPLICATE"), "0 of 20 are ACCEPTED"),
    ("concurrency", records_with(isDuplicate=False), "20 of 20 are no duplicates"),
    ("concurrency", losing_every(20), "got fewer than 20 records"),
    ("largest-order", losing_every(3), "got fewer than 3 records"),
    ("largest-order", records_with(payloadSha256="00"), "has another SHA-256"),
    ("largest-order", sending(lambda d, h: (d[:200_000], h)), "POST /orders got 400"),
    ("lists", answering(listing_twice), "shows a record twice"),
    ("lists", answering(empty_list), "does not show all duplicates"),
    ("lists", answering(cut_history), "the history shows 2 of 5 records"),
    ("submission", losing_every(2), "is not recorded within 0 s"),
    ("submission", of_another, "it shows another submission"),
    ("submission", submission_with(payloadSha256="00"), "it shows another body"),
    ("submission", submission_with(status="ACCEPTED"), "the two are ACCEPTED, ACCEPTED"),
    ("submission", answering(without_prefix), "submissionUrl begins with '/prod', not with ''"),
    ("submission", answering(given(503), ("GET", "/orders/")), "its submissionUrl got 503"),
    ("dry-run", answering(given(202), ("POST", "/orders")), "POST /orders?dryRun=true got 202"),
    ("dry-run", answering(of_judgement(errors=[])), "it found [] wrong"),
    ("dry-run", answering(of_judgement(status="QUEUED")), "its status is QUEUED"),
    ("dry-run", queueing_dry_runs, "is recorded all the same"),
    ("poison", refusing_aside, "became no dead letter within 0 s"),
    ("poison", losing_every(10), "got no record"),
    (
        "poison",
        setting("application.fake_queue.send_to_dead_letters", lambda *_: None),
        "became no dead letter",
    ),
    ("ten-attributes", losing_attributes, "has lost own"),
    ("ten-attributes", refusing_aside, "became no dead letter within 0 s"),
    (
        "not-utf8",
        sending(lambda d, h: (d.decode(errors="ignore").encode(), h)),
        "POST /orders got 202",
    ),
    ("not-utf8", answering(given(400, {"reason": "not_json"}), ("POST", "/orders")), "got 400"),
    ("download", setting("download", lambda _: answer(307, "")), "the download got 307"),
    ("download", setting("download", lambda _: answer(200, "")), "is not what was sent"),
    (
        "download-host",
        setting("host", "orders.s3.us-east-1.amazonaws.com"),
        "is not S3's host in eu-west-1",
    ),
    ("download-host", setting("host", "orders.s3.amazonaws.com"), "is not S3's host in eu-west-1"),
    ("download-host", setting("host", "orders.eu-west-1.example"), "is no host of S3"),
    (
        "object-closed",
        setting("download", lambda _: answer(200, "")),
        "without a signature got 200",
    ),
    ("object-encrypted", setting("s3.head", {"VersionId": "v1"}), "is not encrypted"),
    ("object-encrypted", setting("s3.head", {"ServerSideEncryption": "AES256"}), "has no version"),
    ("s3-condition", setting("s3.refuses_with", None), "a second put got no error"),
    ("s3-condition", setting("s3.refuses_with", "SlowDown"), "a second put got SlowDown"),
    ("s3-condition", setting("s3.overwrites", True), "has changed the object"),
    ("s3-overwrite", setting("s3.refuses_with", None), "a put on a condition got no error"),
    ("s3-overwrite", setting("s3.policy_refuses_with", None), "without a condition got no error"),
    ("s3-overwrite", setting("s3.policy_refuses_with", "SlowDown"), "a condition got SlowDown"),
    ("dynamodb-condition", setting("dynamodb.overwrites", True), "under a taken key got no error"),
    ("dynamodb-condition", setting("dynamodb.brings_holder", False), "does not bring the holder"),
    (
        "dynamodb-statements",
        setting("dynamodb.error_of_taken", None),
        "one under a taken key, got [None, None]",
    ),
    (
        "dynamodb-statements",
        setting("dynamodb.error_of_taken", "Throttled"),
        "got ['Throttled', None]",
    ),
    ("plain-http", setting("tls_only", False), "is answered over plain HTTP"),
    ("health", answering(given(503, {"status": "fail"})), "GET /health is not 200 within 0 s"),
    ("health", answering(given(200, {"status": "fail"})), "GET /health says fail"),
    (
        "closed-routes",
        answering(given(200), ("GET", "/orders")),
        "GET /orders without a signature got 200",
    ),
    (
        "closed-routes",
        answering(given(202), ("POST", "/orders")),
        "POST /orders without a signature got 202",
    ),
    (
        "closed-routes",
        answering(given(403), ("GET", "/docs")),
        "GET /docs without a signature got 403",
    ),
    ("signatures", answering(given(404), ("GET", "/orders")), "a forged signature got 404"),
    ("refusals", answering(given(400), ("POST", "/orders")), "expected 413 order-too-large"),
    ("refusals", answering(no_problem), "got no problem"),
    ("refusals", answering(other_id), "the X-Request-Id another, not ours"),
    ("gateway", answering(given(404), ("GET", "/nowhere")), "GET /nowhere got 404"),
    ("gateway", answering(given(405), ("DELETE", "/orders")), "DELETE /orders got 405"),
    ("gateway", answering(given(403, {"message": "Forbidden"})), "GET /nowhere got no problem"),
    ("gzip", sending(unpacking), "is of other bytes"),
    ("gzip", answering(given(500), ("POST", "/orders")), "POST /orders got 500"),
    (
        "one-api-stage",
        setting(
            "services.apigateway.get_stages",
            lambda **_: {"item": [{"stageName": "prod"}, {"stageName": "Stage"}]},
        ),
        "also has a stage Stage",
    ),
    (
        "one-api-stage",
        setting("services.apigateway.get_stages", lambda **_: {"item": []}),
        "no such API",
    ),
    (
        "throttle",
        setting("services.apigateway.get_stages", lambda **_: {"item": []}),
        "no such API",
    ),
    (
        "throttle",
        setting("services.apigateway.get_stage", lambda **_: {"methodSettings": {}}),
        "the stage has no throttle",
    ),
    (
        "throttle",
        setting(
            "services.apigateway.get_stage",
            lambda **_: {"methodSettings": {"*/*": {"throttlingRateLimit": 1}}},
        ),
        "nothing limits how many wait for a submission",
    ),
    (
        "settings",
        lambda stage: vars(stage).update(
            deployed=replace(stage.deployed, gateway=replace(stage.deployed.gateway, routes={}))
        ),
        "the API has no route",
    ),
    (
        "settings",
        lambda stage: vars(stage).update(
            deployed=replace(stage.deployed, table=replace(stage.deployed.table, recoverable=False))
        ),
        "no point-in-time recovery",
    ),
    (
        "event-source",
        setting(
            "services.lambda.list_event_source_mappings", lambda **_: {"EventSourceMappings": []}
        ),
        "nothing feeds orders-prod-process_orders",
    ),
    (
        "event-source",
        setting(
            "services.lambda.list_event_source_mappings",
            lambda **_: {"EventSourceMappings": [{"State": "Disabled"}]},
        ),
        "is Disabled",
    ),
    ("roles", allowing("dynamodb:DeleteItem"), "api dynamodb:DeleteItem on table"),
    ("roles", allowing("s3:DeleteObject"), "processor s3:DeleteObject on objects"),
    ("roles", reaching_a_longer_name, "much: api s3:GetObject on objects of another stage"),
    ("roles", putting_whatever_item, "much: api dynamodb:PutItem on table"),
    (
        "roles",
        allowing("s3:GetObject"),
        "api s3:GetObject on decisions, processor s3:GetObject on objects, ",
    ),
    ("roles", publishing(allowing("dynamodb:GetItem")), "much: publisher dynamodb:GetItem on"),
    ("roles", sealing(allowing("s3:DeleteObject")), "sealer s3:DeleteObject on seals"),
    ("roles", sealing(allowing("dynamodb:PutItem")), "sealer dynamodb:PutItem on audit items"),
    (
        "roles",
        setting(
            "services.iam.simulate_principal_policy", simulating_only("sqs:GetQueueAttributes")
        ),
        "allow too little: api sqs:SendMessage on queue",
    ),
    ("alarms", without_alarm("conflicts"), "there is no alarm conflicts"),
    ("alarms", without_alarm("rejected-share"), "there is no alarm rejected-share"),
    (
        "alarms",
        setting(
            "services.cloudwatch.list_dashboards",
            lambda **_: {"DashboardEntries": [{"DashboardName": "orders-prod-eu"}]},
        ),
        "there is no dashboard",
    ),
    (
        "alarms",
        setting("services.cloudwatch.list_dashboards", lambda **_: {"DashboardEntries": []}),
        "there is no dashboard",
    ),
    ("logs", setting("deliver", lambda *_: None), "got no record"),
    ("logs", logging(lambda _, body: body), "has amount, fromAccount, toAccount"),
    ("logs", logging(lambda _, body: f"text {id_of(body)}"), "is no JSON object"),
    (
        "logs",
        logging(lambda _, body: f"no order's: {json.loads(body)['toAccount']}"),
        "holds an account",
    ),
    (
        "logs",
        setting("services.logs.get_paginator", lambda _: SimpleNamespace(paginate=lambda **_: [])),
        "does not name verify-",
    ),
    (
        "metrics",
        setting("services.cloudwatch.get_metric_data", lambda **_: {"MetricDataResults": []}),
        "there is no metric OrdersAccepted of orders-prod",
    ),
]
