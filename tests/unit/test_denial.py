"""A refusal of AWS: the right that it names, or that follows from the call, and who has it."""

from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from click.testing import CliRunner

from chalicelib.aws.failures import unavailable_on_failure
from chalicelib.services.unavailable import StoreUnavailable
from ops.cli import refusals
from ops.cli.commands import main
from ops.cli.exits import OUT_OF_REACH
from ops.cli.refusals import failure_words
from ops.roles.denial import Denial, denial_in
from ops.roles.rights import Role

USER = "User: arn:aws:sts::123456789012:assumed-role/readers/ana"
TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/orders-dev"
ALL = (Role.READER, Role.AUDITOR, Role.OPERATOR)
OVERSEERS = (Role.AUDITOR, Role.OPERATOR)


def refused(code: str, message: str, operation: str) -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": message}}
    return ClientError(answer, operation)


@pytest.mark.parametrize(
    ("error", "denial"),
    [
        (
            refused(
                "AccessDeniedException",
                f"{USER} is not authorized to perform: dynamodb:Scan on resource: {TABLE} because "
                "no identity-based policy allows the dynamodb:Scan action",
                "Scan",
            ),
            Denial("dynamodb:Scan", OVERSEERS),
        ),
        (
            refused(
                "AccessDeniedException",
                f"{USER} is not authorized to perform: dynamodb:Scan on resource: "
                f"{TABLE}/index/audit because no identity-based policy allows it",
                "Scan",
            ),
            Denial("dynamodb:Scan", ALL),
        ),
        (
            # SQS writes it in small letters.
            refused(
                "AccessDenied",
                f"{USER} is not authorized to perform: sqs:receivemessage on resource: "
                "arn:aws:sqs:us-east-1:123456789012:orders-dlq-dev because no identity-based "
                "policy allows the sqs:receivemessage action",
                "ReceiveMessage",
            ),
            Denial("sqs:ReceiveMessage", OVERSEERS),
        ),
        (
            refused(
                "AccessDenied",
                f'{USER} is not authorized to perform: s3:PutObject on resource: "arn:aws:s3:::'
                'orders-dev-123456789012/orders/a/b.json" because no identity-based policy allows '
                "the s3:PutObject action",
                "PutObject",
            ),
            Denial("s3:PutObject", (Role.OPERATOR,)),
        ),
        (
            refused(
                "AccessDeniedException",
                f"{USER} is not authorized to perform: kms:GenerateDataKey on this resource",
                "SendMessage",
            ),
            Denial("kms:GenerateDataKey", OVERSEERS),
        ),
        (
            refused(
                "AccessDenied",
                f"{USER} is not authorized to perform: sqs:SendMessage on resource: arn:aws:sqs:"
                "us-east-1:123456789012:orders-dev with an explicit deny in a service control "
                "policy",
                "SendMessage",
            ),
            Denial("sqs:SendMessage", (Role.OPERATOR,), explicit=True),
        ),
        (
            refused(
                "AccessDeniedException",
                f"{USER} is not authorized to perform: dynamodb:PutItem on resource: {TABLE} "
                "because no identity-based policy allows the dynamodb:PutItem action",
                "PutItem",
            ),
            Denial("dynamodb:PutItem", OVERSEERS, ("#audit/*", "#key#*")),
        ),
        # A HEAD has no words.
        (refused("403", "Forbidden", "HeadBucket"), Denial("s3:ListBucket", ALL)),
        (
            refused("AccessDenied", "Access Denied", "ListObjectVersions"),
            Denial("s3:ListBucketVersions", OVERSEERS),
        ),
        (refused("AccessDenied", "Access Denied", "GetObject"), Denial("s3:GetObject", ALL)),
        (
            refused("AuthorizationError", "no", "CreateTopic"),
            Denial("CreateTopic", ()),
        ),
    ],
)
def test_a_refusal_names_its_right_and_the_roles_that_have_it(
    error: ClientError, denial: Denial
) -> None:
    assert denial_in(error) == denial


@pytest.mark.parametrize(
    "error",
    [
        refused("ProvisionedThroughputExceededException", "slow", "Query"),
        StoreUnavailable("S3 GetObject: AccessDenied for each of the first"),
        EndpointConnectionError(endpoint_url="http://127.0.0.1"),
        None,
    ],
)
def test_another_failure_is_no_refusal(error: Exception | None) -> None:
    assert denial_in(error) is None


def test_a_refusal_is_found_behind_the_failure_of_a_service() -> None:
    with pytest.raises(StoreUnavailable) as failure, unavailable_on_failure("DynamoDB Scan"):
        raise refused("AccessDeniedException", "no", "Scan")

    assert denial_in(failure.value) == Denial("dynamodb:Scan", ALL)


def test_the_roles_are_narrowed_to_those_that_are_for_what_was_wanted() -> None:
    denial = Denial("dynamodb:Query", ALL)

    assert denial.among(OVERSEERS).roles == OVERSEERS
    assert denial.among(()).roles == ALL


@pytest.mark.parametrize(
    ("denial", "words"),
    [
        (
            Denial("sqs:SendMessage", (Role.OPERATOR,), explicit=True),
            "A policy of the account denies you sqs:SendMessage explicitly",
        ),
        (Denial("iam:PassRole", ()), "You lack the right iam:PassRole, and no role has it"),
    ],
)
def test_where_no_roles_policy_helps_none_is_named(denial: Denial, words: str) -> None:
    assert refusals.denial_words(denial) == words


@pytest.mark.parametrize("program", ["python -m ops", "ops"])
def test_a_command_names_the_roles_that_it_is_for(program: str) -> None:
    def refuse(*_: object) -> None:
        with unavailable_on_failure("DynamoDB Query"):
            raise refused("AccessDeniedException", "no", "Query")

    trail = SimpleNamespace(newest_first=refuse)
    desk = SimpleNamespace(audit_trail=trail, unreadable=(), stage=SimpleNamespace(name="local"))

    done = CliRunner().invoke(
        main, ["audit", "--stage", "prod"], obj=lambda *_: desk, prog_name=program
    )

    assert done.exit_code == OUT_OF_REACH
    assert "which a stage's auditor or operator has" in done.stderr
    assert "`python -m ops policy --role auditor --stage prod`" in done.stderr


def test_a_failure_that_is_no_refusal_is_said_as_it_is() -> None:
    assert failure_words(StoreUnavailable("SQS SendMessage: Throttling")) == (
        "SQS SendMessage: Throttling"
    )
