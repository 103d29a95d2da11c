"""`python -m ops resources|deploy|destroy`, as typed, against an AWS emulator."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from click.testing import CliRunner, Result

from ops.aws_session import make_client
from ops.cli.commands import main
from ops.deploy import app_stack
from ops.deploy.account import Aws
from ops.deploy.archive import digest_of
from ops.deploy.artifacts import Artifacts
from ops.deploy.change_sets import ChangeSet
from ops.deploy.presentation import Screen
from ops.deploy.runtimes import ENDS
from ops.local.emulator import Emulator
from ops.next_command import chalice_command, ops_command
from ops.ports import LOOPBACK, free_port
from ops.project import PROJECT_ROOT
from ops.stop_signals import StopRequested
from tests.project import change_stage, copy_project

RESOURCES, APP = "orders-resources-dev", "orders-app-dev"
TEMPLATE = Path("infrastructure/resources.yaml")
BROKEN = """
  Taken:
    Type: AWS::S3::Bucket
    Properties: {BucketName: !Sub "taken-${AWS::AccountId}"}
"""


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    running = Emulator(free_port(), tmp_path_factory.mktemp("emulator"))
    running.start()
    yield running
    running.stop()


@pytest.fixture
def project(tmp_path: Path, deployments: Path) -> Path:
    return copy_project(tmp_path / "project", deployments)


@pytest.fixture
def aws(emulator: Emulator, monkeypatch: pytest.MonkeyPatch, account_id: str) -> Iterator[Aws]:
    """Make an account of the test's own: the emulator takes the access key for its number."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", emulator.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", account_id)
    with Aws() as account:
        yield account


@pytest.fixture
def account_id(request: pytest.FixtureRequest) -> str:
    return f"{zlib.crc32(request.node.nodeid.encode()):012}"


def ops(command: str, project: Path, typed: str = "") -> Result:
    arguments = [*command.split(), "--project-dir", str(project)]
    result = CliRunner().invoke(main, arguments, input=typed, catch_exceptions=False)
    assert "Traceback" not in result.output
    return result


def succeed(command: str, project: Path, typed: str = "") -> str:
    result = ops(command, project, typed)
    assert result.exit_code == 0, result.output
    return result.output


def fail(command: str, project: Path, typed: str = "", exit_code: int = 1) -> str:
    result = ops(command, project, typed)
    assert result.exit_code == exit_code, result.output
    return result.output


def variables(project: Path) -> dict[str, str]:
    config = json.loads((project / ".chalice" / "config.json").read_text())
    found: dict[str, str] = config["stages"]["dev"]["environment_variables"]
    return found


def status_of(stack: str, aws: Aws) -> str | None:
    stacks = aws.cloudformation.describe_stacks()["Stacks"]
    found = [each["StackStatus"] for each in stacks if each["StackName"] == stack]
    return next((status for status in found if status != "DELETE_COMPLETE"), None)


def break_template(project: Path) -> None:
    path = project / TEMPLATE
    path.write_text(path.read_text().replace("\nOutputs:", f"{BROKEN}\nOutputs:"))


def mend_template(project: Path) -> None:
    (project / TEMPLATE).write_text((PROJECT_ROOT / TEMPLATE).read_text())


@pytest.mark.timeout(300)  # several deployments, one after the other
def test_a_stage_goes_up_and_down_and_up_again_with_its_orders(
    project: Path, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = succeed("deploy --stage dev", project)
    assert re.search(r"deployment.zip: 4\.\d MB for python3\.\d+, uploaded to s3://", first)
    assert f"Stack {RESOURCES}, to be created" in first
    assert re.search(r"GET /health: pass\n  POST /orders: 202, smoke-test-", first)
    assert re.search(r"GET /orders/smoke-test-\S+: ACCEPTED after", first)
    assert re.search(r"GET s3Url: \d+ bytes from 127\.0\.0\.1, as sent", first)
    assert re.search(r"\nStage dev is up: http://127\.0\.0\.1:\d+/\S+\n", first)
    assert variables(project)["ORDERS_TABLE"] == "orders-dev"

    # Too large for a request, the same template goes by way of the artifacts bucket.
    monkeypatch.setattr(app_stack, "LARGEST_TEMPLATE_BYTES", 0)
    again = succeed("deploy --stage dev --no-smoke-order", project)
    assert f"Stack {RESOURCES} is as the template says: nothing to change." in again
    assert f"Stack {APP} runs this code already: nothing to change." in again

    resources = succeed("resources up --stage dev", project)
    next_one = ops_command("deploy", stage="dev", project_dir=project)
    assert resources.endswith(f"Next, type: {next_one}\n")

    plain = succeed("deploy --stage dev --without-vendor --dry-run", project)
    assert re.search(r"deployment.zip: 1\.\d MB for python3\.\d+, uploaded to s3://", plain)

    kept = fail("resources down --stage dev --yes", project)
    assert f"Stack {APP} runs on these resources" in kept

    unanswered = succeed("destroy --stage dev", project)
    assert f"Stack {RESOURCES} was kept." in unanswered
    assert status_of(APP, aws) is None
    assert status_of(RESOURCES, aws) == "CREATE_COMPLETE"

    succeed("destroy --stage dev", project, typed="y\n")
    assert status_of(RESOURCES, aws) is None
    # The record of the smoke test's order, beside the item of its key.
    records = aws.dynamodb.scan(TableName="orders-dev", FilterExpression="attribute_exists(terms)")
    assert records["Count"] == 1

    refused = fail("deploy --stage dev --without-vendor", project, typed="n\n")
    assert "Nothing was changed. To take them over, run the command again with --yes" in refused
    taken_over = succeed("resources up --stage dev", project, typed="y\n")
    assert "In the account, but in no stack of this stage:" in taken_over
    assert re.search(r"Import +OrdersTable", taken_over)
    assert status_of(RESOURCES, aws) == "UPDATE_COMPLETE"
    # The record of the smoke test's order, beside the item of its key.
    records = aws.dynamodb.scan(TableName="orders-dev", FilterExpression="attribute_exists(terms)")
    assert records["Count"] == 1

    mistyped = fail("destroy --stage dev --delete-data --yes", project, typed="prod\n")
    assert "That is not its name: nothing was changed." in mistyped
    assert status_of(RESOURCES, aws) == "UPDATE_COMPLETE"
    gone = succeed("destroy --stage dev --delete-data", project, typed="dev\n")
    assert "deleted table orders-dev" in gone
    assert aws.dynamodb.list_tables()["TableNames"] == []
    assert not aws.sqs.list_queues().get("QueueUrls")
    assert [bucket["Name"] for bucket in aws.s3.list_buckets()["Buckets"]] == [
        Artifacts(aws).bucket
    ]

    nothing = succeed("destroy --stage dev --yes", project)
    assert f"There is no stack {RESOURCES}." in nothing


def test_the_resources_alone_prepare_a_chalice_deploy(project: Path, aws: Aws) -> None:
    shown = succeed("resources up --stage dev --dry-run", project)
    assert re.search(r"Add +OrdersTable +AWS::DynamoDB::Table", shown)
    assert status_of(RESOURCES, aws) is None
    assert "ORDERS_TABLE" not in variables(project)

    created = succeed("resources up --stage dev", project)
    assert re.search(r"CREATE_COMPLETE +OrdersTable", created)
    assert "Recorded in .chalice/config.json, stage dev: ORDERS_QUEUE_NAME" in created
    next_one = chalice_command("deploy", stage="dev", project=project)
    assert created.endswith(f"Next, type: {next_one}\n")

    config = (project / ".chalice" / "config.json").read_text()
    assert "nothing to change" in succeed("resources up --stage dev", project)
    assert (project / ".chalice" / "config.json").read_text() == config

    assert "TableName            orders-dev" in succeed("resources show --stage dev", project)
    down = succeed("resources down --stage dev --yes", project)
    assert "Its data is still there:" in down
    missing = fail("resources show --stage dev", project)
    assert "type: python -m ops resources up --stage dev" in missing


def test_the_protection_of_a_table_ends_only_with_its_stage(project: Path, aws: Aws) -> None:
    succeed("resources up --stage prod", project)
    table = aws.dynamodb.describe_table(TableName="orders-prod")["Table"]
    assert table["DeletionProtectionEnabled"]
    bucket = f"orders-prod-{aws.identity.account_id}"
    for body in (b"1", b"2"):
        aws.s3.put_object(Bucket=bucket, Key="orders/a", Body=body)
    aws.s3.delete_object(Bucket=bucket, Key="orders/a")

    succeed("destroy --stage prod --delete-data", project, typed="prod\n")

    assert aws.dynamodb.list_tables()["TableNames"] == []
    assert aws.s3.list_buckets()["Buckets"] == []


@pytest.mark.usefixtures("aws")
def test_deploy_refuses_a_stage_that_chalice_has_deployed(project: Path) -> None:
    """Both ways give the functions the same names."""
    deployed = project / ".chalice" / "deployed" / "dev.json"
    deployed.parent.mkdir()
    deployed.write_text(json.dumps({"resources": [{"name": "api_handler"}]}))

    for command in ("deploy", "destroy --yes", "resources down --yes"):
        refused = fail(f"{command} --stage dev", project)
        next_one = chalice_command("delete", stage="dev", project=project)
        assert f"First, type: {next_one}" in refused

    deployed.write_text(json.dumps({"resources": []}))
    assert "There is no stack" in succeed("destroy --stage dev --yes", project)


def test_deploy_refuses_another_python_than_the_stages_before_it_changes_anything(
    project: Path, aws: Aws
) -> None:
    other = next(name for name in ENDS if name != "python{}.{}".format(*sys.version_info))
    change_stage(project, "dev", {}, runtime=other)

    refused = fail("deploy --stage dev", project)

    assert f"type `make .venv PYTHON={other}`; then run the command again." in refused
    assert status_of(RESOURCES, aws) is None


def test_an_open_stage_needs_a_second_option(project: Path, aws: Aws) -> None:
    change_stage(project, "dev", {"ORDERS_AUTH": "none"})

    for said in ("", "--open-to-anyone", "--yes-open-to-anyone"):
        for command in ("resources up", "deploy"):
            assert "ORDERS_AUTH=none" in fail(f"{command} --stage dev {said}", project)
    assert status_of(RESOURCES, aws) is None

    succeed("resources up --stage dev --open-to-anyone --yes-open-to-anyone", project)


def test_a_failed_creation_says_why_and_the_next_run_works(project: Path, aws: Aws) -> None:
    aws.s3.create_bucket(Bucket=f"taken-{aws.identity.account_id}")
    break_template(project)

    failed = fail("resources up --stage dev", project)
    assert f"Stack {RESOURCES} ended as ROLLBACK_COMPLETE:" in failed
    assert re.search(r"Taken: .*already exists", failed)
    assert "run the command again" in failed
    mend_template(project)

    succeeded = succeed("resources up --stage dev --yes", project)
    assert f"Stack {RESOURCES} is ROLLBACK_COMPLETE, which can only be deleted" in succeeded
    assert status_of(RESOURCES, aws) in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}


def test_a_failed_update_leaves_the_stack_as_it_was(project: Path, aws: Aws) -> None:
    succeed("resources up --stage dev", project)
    aws.s3.create_bucket(Bucket=f"taken-{aws.identity.account_id}")
    break_template(project)

    failed = fail("resources up --stage dev", project)
    assert f"Stack {RESOURCES} ended as UPDATE_ROLLBACK_COMPLETE:" in failed
    mend_template(project)

    assert "nothing to change" in succeed("resources up --stage dev", project)


def test_a_resource_of_another_stack_is_not_taken_over(project: Path, aws: Aws) -> None:
    template = {"Resources": {"Mine": {"Type": "AWS::SQS::Queue"}}}
    template["Resources"]["Mine"]["Properties"] = {"QueueName": "orders-dev"}  # type: ignore[assignment]
    aws.cloudformation.create_stack(StackName="another", TemplateBody=json.dumps(template))
    aws.cloudformation.get_waiter("stack_create_complete").wait(
        StackName="another", WaiterConfig={"Delay": 1}
    )

    refused = fail("resources up --stage dev --yes", project)

    assert "already exists in stack" in refused
    assert status_of(RESOURCES, aws) is None
    aws.cloudformation.delete_stack(StackName="another")
    aws.cloudformation.get_waiter("stack_delete_complete").wait(
        StackName="another", WaiterConfig={"Delay": 1}
    )
    succeed("resources up --stage dev", project)


def test_remaining_data_is_taken_over_and_the_rest_made_anew(project: Path, aws: Aws) -> None:
    succeed("resources up --stage dev", project)
    succeed("resources down --stage dev --yes", project)
    dead_letters = aws.sqs.get_queue_url(QueueName="orders-dlq-dev")["QueueUrl"]
    aws.sqs.delete_queue(QueueUrl=dead_letters)

    succeed("resources up --stage dev --yes", project)

    queue = variables(project)["ORDERS_QUEUE_URL"]
    answer = aws.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["RedrivePolicy"])
    assert ":orders-dlq-dev" in answer["Attributes"]["RedrivePolicy"]


def test_an_unexecuted_change_set_is_no_obstacle(project: Path, aws: Aws) -> None:
    aws.cloudformation.create_change_set(
        StackName=RESOURCES,
        ChangeSetName="left-behind",
        ChangeSetType="CREATE",
        TemplateBody=(PROJECT_ROOT / TEMPLATE).read_text(),
        Parameters=[{"ParameterKey": "Stage", "ParameterValue": "dev"}],
    )
    assert status_of(RESOURCES, aws) == "REVIEW_IN_PROGRESS"

    succeed("resources up --stage dev", project)

    assert status_of(RESOURCES, aws) == "CREATE_COMPLETE"


def test_a_resource_with_data_is_not_replaced_without_consent(project: Path, aws: Aws) -> None:
    succeed("resources up --stage dev", project)
    path = project / TEMPLATE
    path.write_text(path.read_text().replace('TableName: !Sub "orders-', 'TableName: !Sub "bank-'))

    refused = fail("resources up --stage dev", project)

    assert re.search(r"Replace +OrdersTable", refused)
    assert "This replaces or removes OrdersTable, which holds data." in refused
    assert aws.dynamodb.list_tables()["TableNames"] == ["orders-dev"]


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"Colour": "red"}, "resource_parameters of stage dev has Colour"),
        ({"GlacierAfterDays": "1"}, "as GlacierAfterDays: it has to be a number of at least 90"),
    ],
)
@pytest.mark.usefixtures("aws")
def test_a_bad_parameter_is_named(project: Path, parameters: dict[str, str], said: str) -> None:
    change_stage(project, "dev", {}, resource_parameters=parameters)

    assert said in fail("resources up --stage dev", project)


def test_a_parameter_of_the_stage_reaches_the_template(project: Path, aws: Aws) -> None:
    change_stage(project, "dev", {}, resource_parameters={"VisibilityTimeoutSeconds": 720})

    succeed("resources up --stage dev", project)

    queue = variables(project)["ORDERS_QUEUE_URL"]
    answer = aws.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["VisibilityTimeout"])
    assert answer["Attributes"]["VisibilityTimeout"] == "720"


@pytest.mark.usefixtures("aws")
def test_a_stage_that_lives_elsewhere_is_not_brought_up_twice(project: Path) -> None:
    elsewhere = "https://sqs.eu-west-1.amazonaws.com/111122223333/orders-dev"
    change_stage(project, "dev", {"ORDERS_QUEUE_URL": elsewhere})

    refused = fail("resources up --stage dev", project)

    assert "Stage dev is recorded in account 111122223333, eu-west-1" in refused
    assert variables(project)["ORDERS_QUEUE_URL"] == elsewhere
    succeed("resources up --stage dev --move", project)
    assert variables(project)["ORDERS_QUEUE_URL"] != elsewhere


@pytest.mark.parametrize("command", ["deploy", "resources up", "resources up --dry-run"])
def test_a_stage_that_breaks_a_rule_is_refused_before_anything_is_made(
    project: Path, aws: Aws, command: str
) -> None:
    parameters = {"VisibilityTimeoutSeconds": "359", "OldestMessageAlarmSeconds": "600"}
    change_stage(project, "dev", {"ORDERS_TABLE": "orders-prod"}, resource_parameters=parameters)

    refused = fail(f"{command} --stage dev", project)

    assert "Stage dev would break 3 rules of `ops lint`; nothing was made." in refused
    assert "broken  visibility-timeout" in refused
    assert "the visibility timeout is 359 s, and should be at least 360 s" in refused
    assert "broken  oldest-message-alarm" in refused
    assert "ORDERS_TABLE of stage dev in .chalice/config.json names another stage" in refused
    waived = "--despite visibility-timeout --despite oldest-message-alarm --despite own-names"
    assert f'add `{waived}` (with make: OPTIONS="{waived}").' in refused
    assert aws.cloudformation.describe_stacks()["Stacks"] == []
    assert aws.s3.list_buckets()["Buckets"] == []
    assert variables(project)["ORDERS_TABLE"] == "orders-prod"


def test_a_key_whose_policy_leaves_the_functions_out_is_refused_beforehand(
    project: Path, aws: Aws
) -> None:
    kms = make_client(aws.session, "kms")
    policy = {"Version": "2012-10-17", "Statement": []}
    key = kms.create_key(Policy=json.dumps(policy))["KeyMetadata"]["Arn"]
    change_stage(project, "dev", {}, resource_parameters={"KmsKeyArn": key})

    refused = fail("resources up --stage dev", project)

    assert "broken  key-policy" in refused
    assert aws.cloudformation.describe_stacks()["Stacks"] == []
    warned = succeed("resources up --stage dev --despite key-policy", project)
    assert "Warning: key-policy is broken, as was asked for: the policy of key" in warned


def lock_bucket(aws: Aws, bucket: str, mode: str) -> None:
    """Lock it behind CloudFormation, whose template the emulator does not follow in this."""
    aws.s3.put_object_lock_configuration(
        Bucket=bucket,
        ObjectLockConfiguration={
            "ObjectLockEnabled": "Enabled",
            "Rule": {"DefaultRetention": {"Mode": mode, "Days": 30}},  # type: ignore[typeddict-item]
        },
    )


def test_compliance_mode_is_on_only_after_the_name_of_the_stage_was_typed(
    project: Path, aws: Aws
) -> None:
    lock = {"ObjectLock": "compliance", "ObjectLockDays": 30}
    change_stage(project, "dev", {}, resource_parameters=lock)
    command = "resources up --stage dev --yes --despite object-lock"

    shown = succeed(f"{command} --dry-run", project)
    mistyped = fail(command, project, typed="prod\n")

    assert "not you, not the account's root, not AWS" in shown
    assert "This can't be undone. Type the name of the stage" in mistyped
    assert "That is not its name: nothing was changed." in mistyped
    assert status_of(RESOURCES, aws) is None
    succeed(command, project, typed="dev\n")
    (stack,) = aws.cloudformation.describe_stacks(StackName=RESOURCES)["Stacks"]
    assert {"ParameterKey": "ObjectLock", "ParameterValue": "compliance"} in stack["Parameters"]


def test_a_stage_with_locked_objects_is_neither_unlocked_nor_deleted(
    project: Path, aws: Aws
) -> None:
    succeed("resources up --stage dev", project)
    bucket = variables(project)["ORDERS_BUCKET"]
    lock_bucket(aws, bucket, "COMPLIANCE")

    unlocked = fail("resources up --stage dev", project)
    deleted = fail("destroy --stage dev --delete-data", project, typed="dev\n")

    assert f"Bucket {bucket} has Object Lock in compliance mode for 30 days" in unlocked
    assert "nobody can delete its objects. Nothing was changed." in deleted
    assert status_of(RESOURCES, aws) == "CREATE_COMPLETE"
    # Without its data it goes down like any other.
    succeed("resources down --stage dev --yes", project)
    assert [each["Name"] for each in aws.s3.list_buckets()["Buckets"]] == [bucket]


def test_a_stage_in_governance_mode_is_deleted_with_its_locked_objects(
    project: Path, aws: Aws
) -> None:
    succeed("resources up --stage dev", project)
    bucket = variables(project)["ORDERS_BUCKET"]
    lock_bucket(aws, bucket, "GOVERNANCE")
    aws.s3.put_object(Bucket=bucket, Key="orders/a", Body=b"a")

    succeed("destroy --stage dev --delete-data", project, typed="dev\n")

    assert aws.s3.list_buckets()["Buckets"] == []


@pytest.mark.usefixtures("aws")
def test_a_key_that_cannot_be_looked_at_is_a_warning(project: Path) -> None:
    key = "arn:aws:kms:us-east-1:111122223333:key/not-there"
    change_stage(project, "dev", {}, resource_parameters={"KmsKeyArn": key, "SealKeyArn": key})

    said = ops("resources up --stage dev --dry-run", project).output

    for name in ("KmsKeyArn", "SealKeyArn"):
        assert f"Whether the functions may use the key that {name} names is not known:" in said


def test_a_stage_that_seals_without_a_key_is_refused_beforehand(project: Path, aws: Aws) -> None:
    change_stage(project, "dev", {}, resource_parameters={"Seals": "on"})

    refused = fail("resources up --stage dev", project)

    assert "broken  seals" in refused
    assert "Seals is on, and SealKeyArn names no key to sign with" in refused
    assert aws.cloudformation.describe_stacks()["Stacks"] == []


def test_seals_are_recorded_for_the_app_and_emptied_when_off(project: Path, aws: Aws) -> None:
    key = make_client(aws.session, "kms").create_key()["KeyMetadata"]["Arn"]
    change_stage(project, "dev", {}, resource_parameters={"Seals": "on", "SealKeyArn": key})

    refused = fail("resources up --stage dev", project)
    succeed("resources up --stage dev --despite seals", project)

    on = variables(project)
    assert "is SYMMETRIC_DEFAULT for ENCRYPT_DECRYPT, and seals need ECC_NIST_P256" in refused
    assert "has no alias alias/orders-dev-seal_days, by which the function may sign" in refused
    assert (on["ORDERS_SEALS"], on["ORDERS_SEAL_KEY"]) == ("on", key)
    change_stage(project, "dev", {}, resource_parameters={"SealKeyArn": key})
    succeed("resources up --stage dev --despite seals", project)
    off = variables(project)
    assert (off["ORDERS_SEALS"], off["ORDERS_SEAL_KEY"]) == ("", key)


@pytest.fixture
def other_project(tmp_path: Path, deployments: Path) -> Path:
    return copy_project(tmp_path / "other", deployments)


def test_the_second_of_two_deployments_at_once_says_who_was_first(
    project: Path, other_project: Path, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one is carried out while this one has just shown its changes."""
    show = Screen.show_changes

    def late(command: str) -> str:
        def show_and_wait(screen: Screen, change_set: ChangeSet) -> None:
            show(screen, change_set)
            monkeypatch.setattr(Screen, "show_changes", show)
            succeed(command, other_project)

        monkeypatch.setattr(Screen, "show_changes", show_and_wait)
        return fail(command, project)

    first = late("resources up --stage dev")
    change_the_retention(project, other_project)
    update = late("resources up --stage dev")
    app = late("deploy --stage dev --without-vendor --no-smoke-order")

    for said, stack in ((first, RESOURCES), (update, RESOURCES), (app, APP)):
        assert f"Error: Another deployment of stack {stack} was first: it began at" in said
        assert f", by {aws.identity.caller}, and is" in said
        assert "Run the same command again:" in said
    again = succeed("deploy --stage dev --without-vendor --no-smoke-order", project)
    assert f"Stack {RESOURCES} is as the template says: nothing to change." in again
    assert f"Stack {APP} runs this code already: nothing to change." in again


def change_the_retention(*projects: Path) -> None:
    """Change what a template makes, the same in each project."""
    for project in projects:
        path = project / TEMPLATE
        path.write_text(
            path.read_text().replace("RetentionPeriod: 345600", "RetentionPeriod: 345540")
        )


def test_the_artifacts_bucket_is_closed_and_keeps_every_version(aws: Aws) -> None:
    artifacts = Artifacts(aws)

    assert artifacts.make_ready()
    assert not artifacts.make_ready()

    access = aws.s3.get_public_access_block(Bucket=artifacts.bucket)
    assert set(access["PublicAccessBlockConfiguration"].values()) == {True}
    assert aws.s3.get_bucket_versioning(Bucket=artifacts.bucket)["Status"] == "Enabled"
    policy = json.loads(aws.s3.get_bucket_policy(Bucket=artifacts.bucket)["Policy"])
    assert policy["Statement"][0]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


@pytest.mark.usefixtures("aws")
def test_the_error_of_an_unknown_stage_lists_the_known_ones(project: Path) -> None:
    for command in ("resources up", "resources show", "resources down", "deploy", "destroy"):
        assert "no stage 'qa': take one of dev, prod" in fail(f"{command} --stage qa", project)


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("AWS_ACCESS_KEY_ID", None, "There are no AWS credentials here."),
        ("AWS_DEFAULT_REGION", None, "No AWS region is set."),
        ("AWS_PROFILE", "nobody", "The config profile (nobody) could not be found."),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:9", "Nothing answers at http://127.0.0.1:9"),
    ],
)
@pytest.mark.usefixtures("aws")
def test_an_unreachable_account_ends_in_a_sentence(
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    value: str | None,
    said: str,
) -> None:
    if value is None:
        monkeypatch.delenv(variable)
    else:
        monkeypatch.setenv(variable, value)

    for command in ("resources up", "destroy"):
        assert said in fail(f"{command} --stage dev", project, exit_code=3)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("ExpiredToken", "The AWS credentials have expired: sign in again."),
        ("InvalidClientTokenId", "AWS does not know these credentials"),
        ("AccessDenied", "not allowed to call GetCallerIdentity"),
    ],
)
def test_credentials_that_aws_refuses_end_in_a_sentence(
    project: Path, monkeypatch: pytest.MonkeyPatch, code: str, said: str
) -> None:
    """The emulator takes any: the refusal is botocore's own error."""

    def refuse(_aws: Aws) -> None:
        raise ClientError({"Error": {"Code": code, "Message": "no"}}, "GetCallerIdentity")

    monkeypatch.setattr(Aws, "identity", property(refuse))

    for command in ("resources up", "resources down", "deploy", "destroy"):
        assert said in fail(f"{command} --stage dev", project, exit_code=3)


def test_the_next_run_continues_an_interrupted_one(
    project: Path, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CloudFormation goes on by itself meanwhile."""

    def stop(_screen: Screen, _event: object) -> None:
        raise StopRequested

    with monkeypatch.context() as interrupted:
        interrupted.setattr(Screen, "show_event", stop)
        result = ops("resources up --stage dev", project)
    assert result.exit_code == 130
    assert f"CloudFormation goes on with stack {RESOURCES} by itself" in result.output
    assert "ORDERS_TABLE" not in variables(project)

    succeed("resources up --stage dev", project)

    assert status_of(RESOURCES, aws) == "CREATE_COMPLETE"
    assert variables(project)["ORDERS_TABLE"] == "orders-dev"


def test_ctrl_c_ends_in_a_sentence_and_an_exit_code_of_its_own(project: Path) -> None:
    """An endpoint that takes connections and never answers keeps the command waiting."""
    with socket.create_server((LOOPBACK, 0)) as silent:
        port = silent.getsockname()[1]
        command = [sys.executable, "-m", "ops", "resources", "up", "--stage", "dev"]
        process = subprocess.Popen(
            [*command, "--project-dir", str(project)],
            env=os.environ | {"AWS_ENDPOINT_URL": f"http://{LOOPBACK}:{port}"},
            stderr=subprocess.PIPE,
            cwd=PROJECT_ROOT,
            text=True,
        )
        connection, _ = silent.accept()
        with connection:
            time.sleep(0.2)
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=20)

    assert process.returncode == 130
    assert "Run the same command again" in said
    assert "Traceback" not in said


def test_the_same_code_has_the_same_digest_at_any_time(tmp_path: Path) -> None:
    def packed(name: str, text: str, year: int) -> Path:
        path = tmp_path / name
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(zipfile.ZipInfo("app.py", (year, 1, 1, 0, 0, 0)), text)
        return path

    assert digest_of(packed("a", "x", 2020)) == digest_of(packed("b", "x", 2021))
    assert digest_of(packed("c", "x", 2020)) != digest_of(packed("d", "y", 2020))


@pytest.mark.parametrize("command", ["package", "deploy", "destroy"])
def test_make_requires_a_stage(command: str) -> None:
    answer = subprocess.run(
        ["make", command],  # noqa: S607 (make is found as a user's shell finds it)
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert answer.returncode != 0
    assert f"make {command} STAGE=dev" in answer.stderr


def test_a_deployment_keeps_a_pause(project: Path, aws: Aws) -> None:
    """Even one that changes the mapping. An order to try it out would wait for a resume."""
    deploy = "deploy --stage dev --without-vendor"
    succeed(f"{deploy} --no-smoke-order", project)
    (mapping,) = mappings(aws)
    aws.awslambda.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    change_stage(project, "dev", {"ORDERS_MAXIMUM_CONCURRENCY": "7"})

    said = succeed(deploy, project)

    (after,) = mappings(aws)
    assert (after["State"], after["ScalingConfig"]) == ("Disabled", {"MaximumConcurrency": 7})
    assert "Warning: The processing is paused, as before" in said
    assert "smoke-test" not in said


def mappings(aws: Aws) -> list[dict[str, Any]]:
    answer = aws.awslambda.list_event_source_mappings(FunctionName="orders-dev-process_orders")
    found: list[dict[str, Any]] = answer["EventSourceMappings"]
    return found
