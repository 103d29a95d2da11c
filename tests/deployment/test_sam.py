"""The packaged template as CloudFormation makes it: after AWS's own SAM transform."""

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from cfnlint import api as cfnlint

from chalicelib.http.parameters import SUBMISSION_PARAMETERS
from chalicelib.services.waiting import MAX_WAIT_SECONDS
from ops.deploy.packaging import PackagedApp, package_app
from ops.lint.stage_rules import OPEN_ROUTES
from ops.lint.template import Template
from ops.project import MERGE_TEMPLATE, PROJECT_ROOT
from ops.templates import load_template
from tests.configuration.own import STAGES
from tests.configuration.own import TEXT as CONFIGURATION
from tests.deployment.sam import of_type, translated
from tests.deployment.test_events import STREAM
from tests.deployment.test_seals import SEALS
from tests.project import (
    change_stage,
    copy_without_requirements,
    outputs_of,
    record_resources,
)

EVENTS = {"EventsKind": "sns", "EventsTarget": "arn:topic", "TableStreamArn": STREAM}
CALLERS = "arn:aws:iam::111122223333:root,arn:aws-cn:iam::444455556666:role/channels/web"
# Each function's resource, its name after the stage, its time-out, and whose policy it has.
FUNCTIONS = {
    "APIHandler": ("", 20, "api"),
    "ProcessOrders": ("-process_orders", 60, "processor"),
    "PublishEvents": ("-publish_events", 60, "events"),
    "SealDays": ("-seal_days", 900, "seals"),
}
# Each for stages that ask for it.
OPTIONAL = {"PublishEvents", "SealDays"}
MEMORY_MB = {"SealDays": 1_769}

SUBMISSION_ROUTE = "/orders/{order_id}/submissions/{submission_id}"
# AWS's quota of an account, "Concurrent executions", and what the API takes for an order.
FUNCTIONS_OF_AN_ACCOUNT, SECONDS_OF_AN_ORDER = 1_000, 0.03

pytestmark = pytest.mark.aws_part("AWS SAM translator")


class Deployable(NamedTuple):
    """A packaged stage, and the resources that CloudFormation makes of it."""

    project: Path
    packaged: PackagedApp
    # With events, and with seals.
    optional: bool
    resources: dict[str, Any]

    @property
    def functions(self) -> dict[str, tuple[str, int, str]]:
        return {n: f for n, f in FUNCTIONS.items() if self.optional or n not in OPTIONAL}

    def only(self, kind: str) -> dict[str, Any]:
        """Return the properties of the one resource of a type."""
        (properties,) = of_type(self.resources, kind)
        return properties

    def mapping_of(self, function: str) -> dict[str, Any]:
        mappings = of_type(self.resources, "AWS::Lambda::EventSourceMapping")
        (mapping,) = [each for each in mappings if each["FunctionName"] == {"Ref": function}]
        return mapping


@pytest.fixture(
    scope="module",
    params=[(stage, optional) for stage in STAGES for optional in (False, True)],
    ids=lambda variant: f"{variant[0]}-events-and-seals-{'on' if variant[1] else 'off'}",
)
def deployable(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, deployments: Path
) -> Deployable:
    stage, optional = request.param
    directory = tmp_path_factory.mktemp("sam")
    project = copy_without_requirements(directory / "orders", deployments)
    record_resources(project, stage, outputs_of(stage) | (EVENTS | SEALS if optional else {}))
    packaged = package_app(stage, directory / "packaged", project, vendored=False)
    return Deployable(project, packaged, optional, translated(packaged))


def test_the_api_has_exactly_one_stage_which_is_throttled_and_can_log(
    deployable: Deployable,
) -> None:
    stage = deployable.only("AWS::ApiGateway::Stage")
    deployment = deployable.only("AWS::ApiGateway::Deployment")

    # A deployment that names a stage makes it, beside the one that is a resource.
    assert "StageName" not in deployment
    assert stage["StageName"] == deployable.packaged.stage
    of_all, _ = stage["MethodSettings"]
    assert of_all == {
        "HttpMethod": "*",
        "ResourcePath": "/*",
        "ThrottlingRateLimit": {"Ref": "ThrottleRate"},
        "ThrottlingBurstLimit": {"Ref": "ThrottleBurst"},
        "DataTraceEnabled": False,
    }
    condition, log, _ = stage["AccessLogSetting"]["Fn::If"]
    assert condition == "HasAccessLog"
    assert log["DestinationArn"] == {"Fn::GetAtt": ["AccessLogGroup", "Arn"]}


def test_the_route_whose_requests_wait_has_a_limit_of_its_own(deployable: Deployable) -> None:
    """Else those who wait could take every function of the account, and orders be refused."""
    _, settings = deployable.only("AWS::ApiGateway::Stage")["MethodSettings"]

    path = settings["ResourcePath"].removeprefix("/").replace("~1", "/")
    assert "wait" in SUBMISSION_PARAMETERS
    assert path == SUBMISSION_ROUTE
    assert path in deployable.only("AWS::ApiGateway::RestApi")["Body"]["paths"]
    assert settings == {
        "HttpMethod": "GET",
        "ResourcePath": settings["ResourcePath"],
        "ThrottlingRateLimit": {"Ref": "SubmissionRate"},
        "ThrottlingBurstLimit": {"Ref": "SubmissionBurst"},
        "DataTraceEnabled": False,
    }


@pytest.mark.parametrize("stage", STAGES)
def test_those_who_wait_leave_functions_to_orders(stage: str) -> None:
    """An account has 1,000 functions at once, if nobody has asked for more."""
    given = json.loads(CONFIGURATION)["stages"][stage]["template_parameters"]

    most = int(given["SubmissionBurst"]) + MAX_WAIT_SECONDS * int(given["SubmissionRate"])
    orders = int(given["ThrottleRate"]) * SECONDS_OF_AN_ORDER
    assert most + orders <= FUNCTIONS_OF_AN_ACCOUNT


def test_the_definition_stays_as_chalice_writes_it(deployable: Deployable) -> None:
    packaged = yaml.safe_load(deployable.packaged.template.read_text())
    written = packaged["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]
    api = deployable.only("AWS::ApiGateway::RestApi")

    assert api["Body"] == written
    assert api["Body"]["swagger"] == "2.0"
    assert api["EndpointConfiguration"] == {"Types": ["REGIONAL"]}
    assert api["MinimumCompressionSize"] == 1024


def test_each_function_has_a_role_with_its_written_policy_and_nothing_else(
    deployable: Deployable,
) -> None:
    stage = deployable.packaged.stage
    for name, (_, _, file) in deployable.functions.items():
        role, attribute = deployable.resources[name]["Properties"]["Role"]["Fn::GetAtt"]
        properties = deployable.resources[role]["Properties"]
        written = (deployable.project / ".chalice" / f"policy-{file}-{stage}.json").read_text()

        assert attribute == "Arn"
        assert [each["PolicyDocument"] for each in properties["Policies"]] == [json.loads(written)]
        assert "ManagedPolicyArns" not in properties
        (trust,) = properties["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Principal"] == {"Service": "lambda.amazonaws.com"}
        assert trust["Action"] == "sts:AssumeRole"
    assert len(of_type(deployable.resources, "AWS::IAM::Role")) == len(deployable.functions)


def test_the_queue_feeds_the_processor_as_the_stage_says(deployable: Deployable) -> None:
    stage = deployable.packaged.stage
    queue = f"arn:${{AWS::Partition}}:sqs:${{AWS::Region}}:${{AWS::AccountId}}:orders-{stage}"

    assert deployable.mapping_of("ProcessOrders") == {
        "FunctionName": {"Ref": "ProcessOrders"},
        "EventSourceArn": {"Fn::Sub": queue},
        "BatchSize": 10,
        "MaximumBatchingWindowInSeconds": 0,
        "ScalingConfig": {"MaximumConcurrency": {"dev": 10, "prod": 100}[stage]},
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
    }


def test_the_stream_feeds_the_publisher_only_with_events_on(deployable: Deployable) -> None:
    mappings = of_type(deployable.resources, "AWS::Lambda::EventSourceMapping")

    assert len(mappings) == (2 if deployable.optional else 1)
    if deployable.optional:
        mapping = deployable.mapping_of("PublishEvents")
        unpublished = mapping["DestinationConfig"]["OnFailure"]["Destination"]["Fn::Sub"]
        (pattern,) = mapping["FilterCriteria"]["Filters"]
        assert mapping["EventSourceArn"] == STREAM
        assert mapping["StartingPosition"] == "TRIM_HORIZON"
        assert mapping["BisectBatchOnFunctionError"] is True
        assert (mapping["MaximumRetryAttempts"], mapping["MaximumRecordAgeInSeconds"]) == (
            10,
            86_400,
        )
        assert "FunctionResponseTypes" not in mapping
        assert unpublished.endswith(":orders-events-dlq-${Stage}")
        _, *patterns = pattern["Pattern"]["Fn::If"]
        assert [json.loads(each)["eventName"] for each in patterns] == [["INSERT"], ["INSERT"]]


def permission_of(deployable: Deployable, principal: str) -> dict[str, Any]:
    permissions = of_type(deployable.resources, "AWS::Lambda::Permission")
    (found,) = [each for each in permissions if each["Principal"] == principal]
    return found


def test_the_night_invokes_the_sealer_only_with_seals_on(deployable: Deployable) -> None:
    rules = of_type(deployable.resources, "AWS::Events::Rule")

    assert len(rules) == (1 if deployable.optional else 0)
    if deployable.optional:
        permission = permission_of(deployable, "events.amazonaws.com")
        rule, attribute = permission["SourceArn"]["Fn::GetAtt"]
        assert permission["FunctionName"] == {"Ref": "SealDays"}
        assert (deployable.resources[rule]["Type"], attribute) == ("AWS::Events::Rule", "Arn")


def test_only_this_api_may_invoke_and_only_its_own_function(deployable: Deployable) -> None:
    permission = permission_of(deployable, "apigateway.amazonaws.com")

    arn, names = permission.pop("SourceArn")["Fn::Sub"]
    assert permission == {
        "Action": "lambda:InvokeFunction",
        "FunctionName": {"Ref": "APIHandler"},
        "Principal": "apigateway.amazonaws.com",
    }
    assert arn.endswith(":${AWS::Region}:${AWS::AccountId}:${RestAPIId}/*")
    assert names == {"RestAPIId": {"Ref": "RestAPI"}}


def test_each_function_is_on_arm_logs_json_and_has_its_time(deployable: Deployable) -> None:
    found = {
        name: resource["Properties"]
        for name, resource in deployable.resources.items()
        if resource["Type"] == "AWS::Lambda::Function"
    }

    assert found.keys() == deployable.functions.keys()
    for name, (suffix, timeout_seconds, _) in deployable.functions.items():
        function = found[name]
        assert function["FunctionName"] == {"Fn::Sub": f"orders-${{Stage}}{suffix}"}
        assert function["Architectures"] == ["arm64"]
        assert function["LoggingConfig"] == {"LogFormat": "JSON"}
        assert (function["Timeout"], function["MemorySize"]) == (
            timeout_seconds,
            MEMORY_MB.get(name, 512),
        )
        partial = function["Environment"]["Variables"]["ORDERS_PARTIAL_BATCH"]
        assert (partial == "enabled") == (name == "ProcessOrders")


def test_only_the_processor_knows_the_role_of_the_api(deployable: Deployable) -> None:
    """A message of this role came through the API: a rename of the function must not part them."""
    role, _ = deployable.resources["APIHandler"]["Properties"]["Role"]["Fn::GetAtt"]
    told = {
        name: deployable.resources[name]["Properties"]["Environment"]["Variables"].get(
            "ORDERS_API_ROLE_ID"
        )
        for name in deployable.functions
    }

    assert {name for name, value in told.items() if value} == {"ProcessOrders"}
    assert told["ProcessOrders"] == {"Fn::GetAtt": [role, "RoleId"]}


def test_nothing_is_made_that_is_not_meant(deployable: Deployable) -> None:
    """The transform could add a resource of its own, as it added the second stage."""
    kinds = sorted(resource["Type"] for resource in deployable.resources.values())

    assert kinds == sorted(
        [
            "AWS::ApiGateway::Deployment",
            "AWS::ApiGateway::RestApi",
            "AWS::ApiGateway::Stage",
            "AWS::Lambda::Permission",
            "AWS::Logs::LogGroup",
            *["AWS::IAM::Role", "AWS::Lambda::Function"] * len(deployable.functions),
            *["AWS::Lambda::EventSourceMapping"] * (2 if deployable.optional else 1),
            *(["AWS::Events::Rule", "AWS::Lambda::Permission"] if deployable.optional else []),
        ]
    )


# Callers of other accounts


@pytest.fixture(scope="module")
def for_others(tmp_path_factory: pytest.TempPathFactory, deployments: Path) -> PackagedApp:
    return packaged_for(CALLERS, tmp_path_factory.mktemp("others"), deployments)


def packaged_for(callers: str, directory: Path, deployments: Path) -> PackagedApp:
    project = copy_without_requirements(directory / "orders", deployments)
    record_resources(project, "dev", outputs_of("dev"))
    settings = json.loads((project / ".chalice" / "config.json").read_text())["stages"]["dev"]
    parameters = settings["template_parameters"] | {"OtherCallers": callers}
    change_stage(project, "dev", {}, template_parameters=parameters)
    return package_app("dev", directory / "packaged", project, vendored=False)


def policy_of(packaged: PackagedApp) -> dict[str, Any] | None:
    """Return the resource policy of the API, as CloudFormation makes it."""
    (api,) = Template(packaged.template).of_type("AWS::Serverless::Api").values()
    policy: dict[str, Any] | None = api["DefinitionBody"].get("x-amazon-apigateway-policy")
    return policy


def test_an_api_without_callers_of_other_accounts_has_no_resource_policy(
    packaged: PackagedApp,
) -> None:
    """With one, a route without a signature would need to be named in it."""
    assert policy_of(packaged) is None


def test_the_resource_policy_keeps_open_what_is_open_and_lets_the_others_sign(
    for_others: PackagedApp,
) -> None:
    policy = policy_of(for_others)

    assert policy
    anyone, others = policy["Statement"]
    routes = {route.replace(" ", "") for route in OPEN_ROUTES}
    assert (anyone["Effect"], anyone["Principal"]) == ("Allow", "*")
    assert set(anyone["Resource"]) == {f"execute-api:/dev/{route}" for route in routes}
    assert (others["Effect"], others["Principal"]) == ("Allow", {"AWS": CALLERS.split(",")})
    assert others["Resource"] == "execute-api:/dev/*"
    assert {anyone["Action"], others["Action"]} == {"execute-api:Invoke"}


def test_the_template_with_callers_is_valid(for_others: PackagedApp) -> None:
    assert cfnlint.lint_file(for_others.template) == []


def test_other_callers_make_a_new_deployment_of_the_api(
    for_others: PackagedApp,
    packaged_stages: dict[str, PackagedApp],
    tmp_path: Path,
    deployments: Path,
) -> None:
    """Without one the stage would go on with the policy that it had."""
    fewer = packaged_for(CALLERS.partition(",")[0], tmp_path, deployments)

    deployments_made = {
        name
        for packaged in (packaged_stages["dev"], fewer, for_others)
        for name in translated(packaged)
        if name.startswith("RestAPIDeployment")
    }

    assert len(deployments_made) == 3


@pytest.mark.parametrize(
    ("callers", "accepted"),
    [
        (CALLERS, True),
        ("arn:aws-us-gov:iam::111122223333:user/ana", True),
        ("111122223333", False),
        ("*", False),
        ("arn:aws:iam::111122223333:role/web*", False),
        (f"{CALLERS}, arn:aws:iam::111122223333:root", False),
        (f"{CALLERS},", False),
    ],
)
def test_the_parameter_takes_arns_with_a_comma_between_them(callers: str, accepted: bool) -> None:
    """CloudFormation matches all of a value, the default's too."""
    merged = load_template((PROJECT_ROOT / MERGE_TEMPLATE).read_text())
    pattern = merged["Parameters"]["OtherCallers"]["AllowedPattern"]

    assert bool(re.fullmatch(pattern, callers)) == accepted
