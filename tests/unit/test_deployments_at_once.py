"""Two deployments of a stack at once: the second says that another was first, and what to type."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from ops.deploy.artifacts import ATTEMPTS, Artifacts
from ops.deploy.at_once import AnotherDeployment
from ops.deploy.change_sets import ChangeSet, Wanted
from ops.deploy.operations import advice_on
from ops.deploy.problems import DeploymentProblem, explain
from ops.deploy.stacks import Stacks
from tests.unit.test_stacks import NAME, STACK_ID, Notes

ANA = "arn:aws:iam::111122223333:user/ana"
WANTED = Wanted(NAME, "{}", by="arn:aws:iam::111122223333:user/ben")
UPDATE = ChangeSet("mine", NAME, "UPDATE", [])
CREATION = ChangeSet("mine", NAME, "CREATE", [])
AT = datetime(2026, 11, 26, 11, 20, 16, tzinfo=UTC)


def refusal(code: str, message: str = "because", call: str = "ExecuteChangeSet") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, call)


# As AWS documents them, and as its users report them.
IN_PROGRESS = refusal(
    "ValidationError", f"Stack:{STACK_ID} is in UPDATE_IN_PROGRESS state and can not be updated."
)
OBSOLETE = refusal(
    "InvalidChangeSetStatus",
    "ChangeSet [mine] cannot be executed in its current execution status of [OBSOLETE]",
)
BUSY = refusal("InvalidChangeSetStatus", "An operation on this ChangeSet is currently in progress.")
DELETED = refusal("ChangeSetNotFound", "ChangeSet [mine] does not exist")
CREATED = refusal(
    "ValidationError",
    f"Stack [{NAME}] already exists and cannot be created again with the changeSet [mine].",
)
TAKEN = refusal("AlreadyExistsException", f"Stack [{NAME}] already exists")
GONE = refusal("ValidationError", f"Stack [{NAME}] does not exist")
REFUSALS = [IN_PROGRESS, OBSOLETE, BUSY, DELETED, CREATED, TAKEN, GONE]


class BusyCloudFormation:
    """A stack in one state, whose calls are refused as a test says."""

    def __init__(
        self, status: str | None, others: tuple[str, ...] = (), **refused: ClientError
    ) -> None:
        self.status, self.others, self.refused = status, others, refused
        self.calls: list[str] = []

    def __getattr__(self, call: str) -> Callable[..., Any]:
        def answer(**arguments: Any) -> Any:
            self.calls.append(call)
            if call in self.refused:
                raise self.refused[call]
            known = getattr(type(self), f"_{call}", None)
            return known(self, **arguments) if known else {}

        return answer

    def _describe_stacks(self, **_: Any) -> Any:
        if self.status is None:
            raise GONE
        stack = {"StackName": NAME, "StackId": STACK_ID, "StackStatus": self.status}
        return {"Stacks": [{**stack, "ChangeSetId": "theirs", "LastUpdatedTime": AT}]}

    def _describe_stack_events(self, **_: Any) -> Any:
        return {"StackEvents": [{"EventId": "1"}]}

    def _create_change_set(self, **arguments: Any) -> Any:
        assert arguments["Description"] == "Made by arn:aws:iam::111122223333:user/ben"
        return {"Id": "mine"}

    def _describe_change_set(self, ChangeSetName: str, **_: Any) -> Any:  # noqa: N803 (AWS's name)
        if ChangeSetName == "theirs":
            return {"Description": f"Made by {ANA}"}
        return {"Status": "FAILED", "ExecutionStatus": "OBSOLETE", "StatusReason": "why"}

    def get_paginator(self, _name: str) -> "BusyCloudFormation":
        return self

    def paginate(self, **_: Any) -> Iterator[Any]:
        ids = ("mine", *self.others)
        yield {"Summaries": [{"ChangeSetId": each, "Status": "CREATE_COMPLETE"} for each in ids]}


def stacks(cloudformation: BusyCloudFormation) -> Stacks:
    return Stacks(cast("Any", cloudformation), Notes(), sleep=lambda _: None)


def late(cloudformation: BusyCloudFormation, act: Callable[[Stacks], object]) -> str:
    with pytest.raises(AnotherDeployment) as failure:
        act(stacks(cloudformation))
    return str(failure.value)


WORDS = (
    f"Another deployment of stack {NAME} was first: it began at 11:20:16 UTC, by {ANA}, and is "
    "{status}. This one has changed nothing of the stack.\n"
    "Run the same command again: it waits for the end of the other one, shows what is still to "
    "change then, and goes on from there."
)


@pytest.mark.parametrize("error", REFUSALS, ids=str)
@pytest.mark.parametrize(
    ("call", "act"),
    [
        ("create_change_set", lambda it: it.plan(WANTED, "UPDATE")),
        ("execute_change_set", lambda it: it.carry_out(UPDATE)),
        ("describe_stack_events", lambda it: it.carry_out(UPDATE)),
        ("delete_stack", lambda it: it.delete(NAME)),
    ],
)
def test_each_refusal_of_aws_says_who_was_first(
    call: str, act: Callable[[Stacks], object], error: ClientError
) -> None:
    cloudformation = BusyCloudFormation("UPDATE_COMPLETE", (), **{call: error})

    assert late(cloudformation, act) == WORDS.format(status="UPDATE_COMPLETE")


def test_a_change_set_that_another_deployment_deletes_says_so() -> None:
    cloudformation = BusyCloudFormation("UPDATE_IN_PROGRESS", describe_change_set=DELETED)

    said = late(cloudformation, lambda it: it.plan(WANTED, "UPDATE"))

    assert "it began at 11:20:16 UTC and is UPDATE_IN_PROGRESS." in said


@pytest.mark.parametrize(
    ("status", "change_set"),
    [
        ("UPDATE_IN_PROGRESS", UPDATE),
        ("DELETE_IN_PROGRESS", UPDATE),
        ("UPDATE_ROLLBACK_IN_PROGRESS", UPDATE),
        ("CREATE_IN_PROGRESS", CREATION),
        ("CREATE_COMPLETE", CREATION),
        ("REVIEW_IN_PROGRESS", UPDATE),
        (None, UPDATE),
        (None, CREATION),
    ],
)
def test_nothing_is_carried_out_on_a_stack_that_is_not_as_it_was(
    status: str | None, change_set: ChangeSet
) -> None:
    cloudformation = BusyCloudFormation(status)

    said = late(cloudformation, lambda it: it.carry_out(change_set))

    assert "execute_change_set" not in cloudformation.calls
    assert (f"is {status}." if status else "first: the stack is gone.") in said


@pytest.mark.parametrize("status", ["CREATE_IN_PROGRESS", "CREATE_COMPLETE"])
def test_what_another_deployment_creates_is_not_taken_over(status: str) -> None:
    late(BusyCloudFormation(status), lambda it: it.require_none(NAME))

    stacks(BusyCloudFormation(None)).require_none(NAME)
    stacks(BusyCloudFormation("REVIEW_IN_PROGRESS")).require_none(NAME)


@pytest.mark.parametrize(("others", "deleted"), [((), True), (("theirs",), False)])
def test_an_empty_stack_stays_if_another_deployment_is_about_to_fill_it(
    others: tuple[str, ...], deleted: bool
) -> None:
    """A dry run would take the other's change set away with the stack."""
    cloudformation = BusyCloudFormation("REVIEW_IN_PROGRESS", others)

    stacks(cloudformation).discard(CREATION)

    assert ("delete_stack" in cloudformation.calls) == deleted


@pytest.mark.parametrize("error", [OBSOLETE, DELETED])
def test_a_change_set_that_is_gone_already_needs_no_deletion(error: ClientError) -> None:
    stacks(BusyCloudFormation("UPDATE_COMPLETE", delete_change_set=error)).discard(UPDATE)


def test_a_template_that_aws_refuses_is_no_other_deployment() -> None:
    error = refusal("ValidationError", "Template format error: unsupported structure.")

    with pytest.raises(DeploymentProblem, match="CloudFormation refuses the template") as failure:
        stacks(BusyCloudFormation("UPDATE_COMPLETE", create_change_set=error)).plan(
            WANTED, "UPDATE"
        )

    assert not isinstance(failure.value, AnotherDeployment)


def test_who_was_first_is_left_out_where_it_may_not_be_asked() -> None:
    denied = refusal("AccessDenied")
    cloudformation = BusyCloudFormation(
        "UPDATE_COMPLETE", execute_change_set=OBSOLETE, describe_change_set=denied
    )

    said = late(cloudformation, lambda it: it.carry_out(UPDATE))

    assert "it began at 11:20:16 UTC and is UPDATE_COMPLETE." in said


@pytest.mark.parametrize(
    "code", ["ResourceConflictException", "OperationAborted", "ConcurrentModificationException"]
)
def test_a_conflict_elsewhere_says_the_same(code: str) -> None:
    said = explain(refusal(code, "in progress", "UpdateFunctionCode"))

    assert said == (
        f"Another deployment was first (UpdateFunctionCode, {code}: in progress).\n"
        "When it has ended, run the same command again: it goes on from where things are then."
    )


@pytest.mark.parametrize(
    "reason",
    [
        "  APIHandler: An update is in progress for resource: orders-dev (Service: Lambda)",
        "  RestAPI: Too Many Requests (Service: ApiGateway, TooManyRequestsException)",
    ],
)
def test_a_resource_that_chalice_was_changing_is_said_to_be(reason: str) -> None:
    assert "such as `chalice deploy`: wait for its end." in advice_on([reason])


class BusyBucket:
    """S3, which refuses the first calls on a bucket that another deployment makes."""

    def __init__(self, refusals: int, code: str = "OperationAborted") -> None:
        self.refusals, self.code, self.calls = refusals, code, list[str]()

    def __getattr__(self, call: str) -> Callable[..., Any]:
        def answer(**_: Any) -> Any:
            self.calls.append(call)
            if call == "head_bucket":
                raise refusal("404", call="HeadBucket")
            if self.refusals:
                self.refusals -= 1
                raise refusal(self.code, call=call)
            return {}

        return answer


def artifacts(s3: BusyBucket) -> Artifacts:
    identity = SimpleNamespace(account_id="111122223333", partition="aws")
    aws = SimpleNamespace(s3=s3, identity=identity, region="eu-west-1")
    return Artifacts(cast("Any", aws), sleep=lambda _: None)


@pytest.mark.parametrize("refusals", [0, 1, ATTEMPTS - 1])
def test_a_bucket_that_another_deployment_makes_is_waited_for(refusals: int) -> None:
    s3 = BusyBucket(refusals)

    assert artifacts(s3).make_ready()

    assert s3.calls[-1] == "put_bucket_policy"


def test_a_bucket_that_the_other_one_made_first_is_closed_all_the_same() -> None:
    s3 = BusyBucket(1, "BucketAlreadyOwnedByYou")

    assert not artifacts(s3).make_ready()

    assert s3.calls[-1] == "put_bucket_policy"


def test_a_bucket_that_stays_busy_ends_in_a_sentence() -> None:
    with pytest.raises(DeploymentProblem, match="Run the same command again in a minute"):
        artifacts(BusyBucket(ATTEMPTS)).make_ready()
