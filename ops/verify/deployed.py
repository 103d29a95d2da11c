"""Checks of what is deployed around the code: settings, the event source mapping, roles, alarms."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from chalicelib.aws.key_store import KEY_PREFIX
from chalicelib.services.seal import SEALS_PREFIX
from chalicelib.settings import AppSettings
from ops.audit_keys import PREFIX as AUDIT_PREFIX
from ops.desk.decision_log import PREFIX as DECISIONS
from ops.lint.emulator import excuse
from ops.lint.not_deployed import NotDeployed
from ops.lint.rules import RULES
from ops.lint.stage_rules import ALARMS, no_alarm
from ops.stage_names import (
    OPTIONAL_ALARMS,
    alarm_name,
    api_function_name,
    dashboard_name,
    processor_name,
    publisher_name,
    sealer_name,
)
from ops.verify.check import ALL, BUCKET, Failed, Skipped, check, require

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ops.verify.run import Run

LOCAL = "`make run` has no Lambda: API and worker are local processes"

# Each function's rights by the kind of resource: what it needs, and what it must never have.
NEEDS: dict[str, dict[str, tuple[str, ...]]] = {
    "api": {
        "queue": ("sqs:SendMessage", "sqs:GetQueueAttributes"),
        "dead-letter queue": ("sqs:GetQueueAttributes",),
        "objects": ("s3:GetObject",),
        "bucket": ("s3:ListBucket",),
        "table": ("dynamodb:Query", "dynamodb:GetItem"),
        "key items": ("dynamodb:PutItem",),
    },
    "processor": {
        "queue": ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"),
        "dead-letter queue": ("sqs:SendMessage",),
        "objects": ("s3:PutObject",),
        "table": ("dynamodb:PutItem", "dynamodb:PartiQLInsert", "dynamodb:GetItem"),
    },
    # It needs the table's stream, and the bus or the topic.
    "publisher": {},
    # It needs the audit index and a key, too.
    "sealer": {
        "seals": ("s3:GetObject", "s3:PutObject"),
        "bucket": ("s3:ListBucket",),
        "audit items": ("dynamodb:Query",),
    },
}
MUST_NOT: dict[str, tuple[str, ...]] = {
    "queue": ("sqs:PurgeQueue", "sqs:DeleteQueue", "sqs:SetQueueAttributes"),
    "dead-letter queue": ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:PurgeQueue"),
    "objects": ("s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutObjectAcl"),
    "objects of another stage": ("s3:GetObject", "s3:PutObject"),
    # What operators decided: no function reads it, and none may turn it round.
    "decisions": ("s3:GetObject", "s3:PutObject", "s3:DeleteObject"),
    "seals": ("s3:DeleteObject", "s3:DeleteObjectVersion"),
    "bucket": ("s3:DeleteBucket", "s3:PutBucketPolicy", "s3:PutBucketVersioning"),
    "table": (
        *("dynamodb:DeleteItem", "dynamodb:UpdateItem", "dynamodb:BatchWriteItem"),
        *("dynamodb:PartiQLUpdate", "dynamodb:PartiQLDelete", "dynamodb:DeleteTable"),
    ),
    "key items": ("dynamodb:DeleteItem", "dynamodb:UpdateItem"),
    "audit items": ("dynamodb:DeleteItem", "dynamodb:UpdateItem"),
}
MUST_NOT_BESIDES: dict[str, dict[str, tuple[str, ...]]] = {
    "api": {
        "queue": ("sqs:ReceiveMessage", "sqs:DeleteMessage"),
        "dead-letter queue": ("sqs:SendMessage",),
        "objects": ("s3:PutObject",),
        "table": ("dynamodb:PutItem", "dynamodb:PartiQLInsert", "dynamodb:Scan"),
        "audit items": ("dynamodb:PutItem",),
        "seals": ("s3:PutObject",),
    },
    "processor": {
        "objects": ("s3:GetObject",),
        "table": ("dynamodb:Query", "dynamodb:Scan"),
        "seals": ("s3:GetObject", "s3:PutObject"),
    },
    "sealer": {
        "queue": ("sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage"),
        "dead-letter queue": ("sqs:SendMessage",),
        "objects": ("s3:GetObject", "s3:PutObject"),
        "table": ("dynamodb:PutItem", "dynamodb:PartiQLInsert", "dynamodb:Query"),
        "key items": ("dynamodb:PutItem",),
        "audit items": ("dynamodb:PutItem",),
    },
    "publisher": {
        "queue": ("sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage"),
        "dead-letter queue": ("sqs:SendMessage",),
        "objects": ("s3:GetObject", "s3:PutObject"),
        "table": (
            *("dynamodb:PutItem", "dynamodb:PartiQLInsert"),
            *("dynamodb:GetItem", "dynamodb:Query", "dynamodb:Scan"),
        ),
        "key items": ("dynamodb:PutItem",),
    },
}


@check("settings", "docs/deploying.md", sends=False, needs=ALL)
def settings(run: Run) -> str:
    """Keep every rule of `ops lint`."""
    require(not run.stage.is_local, "no function is deployed", emulator=LOCAL)
    try:
        found = run.deployed_settings()
    except NotDeployed as error:
        raise Failed(str(error)) from error
    broken = [problem for rule in RULES for problem in rule.broken_by(found)]
    require(not broken, "; ".join(broken), emulator=excuse(broken))
    return f"all {len(RULES)} rules are kept"


@check("event-source", "docs/operating.md", sends=False)
def event_source(run: Run) -> str:
    """Poll the queue for the processor."""
    name = processor_name(run.stage.name)
    mappings = run.client("lambda").list_event_source_mappings(FunctionName=name)
    states = [each["State"] for each in mappings.get("EventSourceMappings", [])]
    require(states, f"nothing feeds {name}", emulator=LOCAL if run.stage.is_local else "")
    require(states == ["Enabled"], f"the event source mapping is {', '.join(states)}")
    return "one event source mapping, Enabled"


@check("roles", "SECURITY.md", sends=False, needs=ALL - {BUCKET})
def roles(run: Run) -> str:
    """Grant each function what it needs, and nothing worse."""
    require(not run.stage.is_local, "there are no roles", emulator=LOCAL)
    resources = resources_of(run)
    lacking, excessive, count = list[str](), list[str](), Counter[str]()
    for function, name in functions_of(run).items():
        role = run.client("lambda").get_function_configuration(FunctionName=name)["Role"]
        for kind, resource in resources.items():
            needs = NEEDS[function].get(kind, ())
            never = (*MUST_NOT[kind], *MUST_NOT_BESIDES[function].get(kind, ()))
            allowed = set(allowed_actions(run, role, resource, (*needs, *never)))
            lacking += [f"{function} {each} on {kind}" for each in needs if each not in allowed]
            excessive += [f"{function} {each} on {kind}" for each in never if each in allowed]
            count.update(needed=len(needs), never=len(never))
    require(not excessive, f"the policies allow too much: {', '.join(excessive)}")
    if len(lacking) == count["needed"]:
        # This run shows the contrary.
        raise Skipped(
            "IAM's policy simulator allows nothing: it can't judge the policies' condition"
        )
    require(not lacking, f"the policies allow too little: {', '.join(lacking)}")
    return f"{count['needed']} actions are allowed, {count['never']} are not, as it should be"


@check("alarms", "docs/operating.md", sends=False)
def alarms(run: Run) -> str:
    """Have every alarm of the runbook, and the dashboard."""
    cloudwatch = run.client("cloudwatch")
    pages = cloudwatch.get_paginator("describe_alarms")
    prefix = alarm_name(run.stage.name, "")
    # The alarms of a stage dev-eu begin like those of dev, too.
    own = {alarm_name(run.stage.name, name): name for name in (*ALARMS, *OPTIONAL_ALARMS)}
    found = {
        own[alarm["AlarmName"]]: alarm["StateValue"]
        for page in pages.paginate(AlarmNamePrefix=prefix)
        for alarm in page.get("MetricAlarms", [])
        if alarm["AlarmName"] in own
    }
    missing = [no_alarm(name) for name in ALARMS if name not in found]
    require(not missing, "; ".join(missing), emulator=excuse(missing))
    name = dashboard_name(run.stage.name)
    dashboards = cloudwatch.list_dashboards(DashboardNamePrefix=name).get("DashboardEntries", [])
    require(any(each["DashboardName"] == name for each in dashboards), "there is no dashboard")
    ringing = [name for name, state in found.items() if state == "ALARM"]
    return f"{len(found)} alarms, in alarm: {', '.join(ringing) or 'none'}; and the dashboard"


def functions_of(run: Run) -> dict[str, str]:
    """Name the stage's functions: a publisher and a sealer only where it asks for them."""
    stage = run.stage.name
    names = {"api": api_function_name(stage), "processor": processor_name(stage)}
    settings = AppSettings.from_env(run.stage.environment)
    if settings.stream_arn:
        names["publisher"] = publisher_name(stage)
    if settings.seals:
        names["sealer"] = sealer_name(stage)
    return names


class Resource(NamedTuple):
    """A resource as policies name it; of a table, the items of one partition key."""

    arn: str
    leading_key: str | None = None


def resources_of(run: Run) -> dict[str, Resource]:
    """Name the stage's resources as policies do."""
    stage, settings = run.stage, run.stage.settings

    def queue(url: str) -> str:
        answer = stage.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return answer["Attributes"]["QueueArn"]

    queue_arn = queue(settings.queue_url)
    partition, account = queue_arn.split(":")[1], queue_arn.split(":")[4]
    bucket = f"arn:{partition}:s3:::{settings.bucket}"
    # Of a stage whose name begins with this one's.
    other_bucket = f"{bucket.removesuffix(account)}eu-{account}"
    table = stage.dynamodb.describe_table(TableName=settings.table)["Table"]["TableArn"]
    arns = {
        "queue": queue_arn,
        "dead-letter queue": queue(settings.dead_letter_queue_url),
        "objects": f"{bucket}/orders/{run.mark}/some.json",
        "objects of another stage": f"{other_bucket}/orders/{run.mark}/some.json",
        "decisions": f"{bucket}/{DECISIONS}{run.mark}/some.json",
        "seals": f"{bucket}/{SEALS_PREFIX}{run.mark}/seal.json",
        "bucket": bucket,
    }
    return {
        **{kind: Resource(arn) for kind, arn in arns.items()},
        "table": Resource(table, run.mark),
        "key items": Resource(table, f"{KEY_PREFIX}{run.mark}"),
        "audit items": Resource(table, f"{AUDIT_PREFIX}{run.mark}"),
    }


def allowed_actions(
    run: Run, role: str, resource: Resource, actions: tuple[str, ...]
) -> Iterator[str]:
    """Ask IAM's policy simulator which of these actions a role may take on a resource."""
    account = role.split(":")[4]
    # The policies' condition: resources of the role's own account only.
    context: Any = [
        {"ContextKeyName": key, "ContextKeyType": "string", "ContextKeyValues": [account]}
        for key in ("aws:ResourceAccount", "aws:PrincipalAccount")
    ]
    if resource.leading_key:
        context.append(
            {
                "ContextKeyName": "dynamodb:LeadingKeys",
                "ContextKeyType": "stringList",
                "ContextKeyValues": [resource.leading_key],
            }
        )
    answer = run.client("iam").simulate_principal_policy(
        PolicySourceArn=role,
        ActionNames=actions,
        ResourceArns=[resource.arn],
        ContextEntries=context,
    )
    for result in answer.get("EvaluationResults", []):
        if result["EvalDecision"] == "allowed":
            yield result["EvalActionName"]
