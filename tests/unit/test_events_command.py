"""`events tail` over a desk: what it refuses, and what it says."""

import dataclasses
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from click.testing import CliRunner

from ops.cli import local
from ops.cli.commands import main
from ops.desk.desk import Desk
from ops.local.stack import LocalStack, OnStep
from tests.full_stage import stage_holding
from tests.surfaces import type_words

ONE = ["events", "tail", "--count", "1", "--seconds", "9"]


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    with stage_holding("plain") as desk:
        yield desk


def with_events(desk: Desk, **environment: str) -> Desk:
    """Open the same stage with other settings of its events."""
    changed = {**desk.stage.environment, **environment}
    return Desk(dataclasses.replace(desk.stage, environment=changed))


def refuse(desk: Desk, service: str, operation: str) -> Desk:
    """Open the same stage as somebody who may not make this call."""

    def fail(**_: object) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, operation)

    other = with_events(desk)
    getattr(other.stage, service).meta.events.register(f"before-call.{service}.{operation}", fail)
    return other


def queues(desk: Desk) -> list[str]:
    urls = desk.stage.sqs.list_queues(QueueNamePrefix="orders-events-tail-").get("QueueUrls", [])
    return list(urls)


def test_a_stage_without_events_gets_one_line_with_what_to_type(desk: Desk) -> None:
    done = type_words(with_events(desk, ORDERS_EVENTS="off"), ONE)

    assert done.exit_code == 3
    assert done.output == (
        "Error: Stage local publishes no events. To turn them on, stop it, and type: "
        "make run OPTIONS='--events eventbridge'\n"
    )


def test_json_is_one_line_for_each_event(desk: Desk) -> None:
    done = type_words(desk, [*ONE, "--json"])

    (line,) = done.stdout.splitlines()
    assert json.loads(line)["data"]["submissionId"] == "plain"
    assert done.exit_code == 0


def test_what_was_made_and_removed_is_said_beside_the_events(desk: Desk) -> None:
    done = type_words(desk, ONE)

    made, waiting, ended = done.stderr.splitlines()
    assert made.startswith("Made queue orders-events-tail-local_ana_")
    assert made.endswith(", and a rule that sends it the events.")
    assert waiting == "Waiting for events. Ctrl-C ends it, and removes both."
    assert ended == "Ended: 1 shown, and what was made for it is removed."


def test_an_event_without_our_fields_is_shown_as_json(desk: Desk) -> None:
    other = with_events(desk)

    def put(**_: object) -> None:
        bus = other.stage.environment["ORDERS_EVENTS_TARGET"]
        entry = {"EventBusName": bus, "Source": "x", "DetailType": "x", "Detail": '{"a":[1]}'}
        other.stage.events.put_events(Entries=[entry])

    other.stage.events.meta.events.register_first("after-call.events.PutTargets", put)

    done = type_words(other, ONE)

    assert done.stdout == '{"a":[1]}\n'


@pytest.mark.parametrize(
    ("service", "operation", "said"),
    [
        ("sqs", "CreateQueue", "SQS CreateQueue: AccessDenied"),
        ("events", "PutRule", "EventBridge PutRule: AccessDenied"),
        ("events", "PutTargets", "EventBridge PutTargets: AccessDenied"),
        ("sqs", "ReceiveMessage", "SQS ReceiveMessage: AccessDenied"),
        ("sqs", "DeleteQueue", "removes them, from 5 minutes on"),
    ],
)
def test_a_missing_right_is_named_in_one_line(
    desk: Desk, service: str, operation: str, said: str
) -> None:
    done = type_words(refuse(desk, service, operation), ONE)

    assert done.exit_code == 3
    assert done.stderr.splitlines()[-1].startswith("Error: AWS did not do what it was asked. ")
    assert said in done.stderr.splitlines()[-1]
    for url in queues(desk):
        desk.stage.sqs.delete_queue(QueueUrl=url)


def test_who_may_not_look_for_leftovers_may_listen(desk: Desk) -> None:
    done = type_words(refuse(desk, "sqs", "ListQueues"), ONE)

    assert done.exit_code == 0
    assert "could not be removed. SQS ListQueues: AccessDenied" in done.stderr


def test_whole_accounts_are_written_to_the_audit_trail_first(desk: Desk) -> None:
    before = audited(desk)

    type_words(desk, [*ONE, "--show-accounts"])

    assert audited(desk) == before + 1


def test_a_refused_command_writes_nothing_to_the_audit_trail(desk: Desk) -> None:
    before = audited(desk)

    done = type_words(with_events(desk, ORDERS_EVENTS="off"), [*ONE, "--show-accounts"])

    assert (done.exit_code, audited(desk)) == (3, before)


@pytest.mark.parametrize(
    ("options", "events", "told"),
    [
        ([], "off", "accepted"),
        (["--events", "sns"], "sns", "accepted"),
        (["--events", "eventbridge", "--events-of", "all"], "eventbridge", "all"),
    ],
)
def test_run_publishes_events_if_it_is_asked_to(
    monkeypatch: pytest.MonkeyPatch, options: list[str], events: str, told: str
) -> None:
    made: list[LocalStack] = []

    def run(make_stack: Callable[[OnStep], LocalStack], _notices: list[str]) -> int:
        made.append(make_stack(lambda _: None))
        return 0

    monkeypatch.setattr(local, "run_until_stopped", run)

    typed = ["run", "--port", "0", "--aws-port", "0", "--no-console", *options]
    CliRunner().invoke(main, typed, catch_exceptions=False)

    assert [(stack.events, stack.events_of) for stack in made] == [(events, told)]


def test_run_tells_every_verdict_only_where_it_publishes_events() -> None:
    done = CliRunner().invoke(main, ["run", "--no-console", "--events-of", "all"])

    assert done.exit_code == 2
    assert "--events-of goes with --events." in done.output


def audited(desk: Desk) -> int:
    done = type_words(desk, ["audit", "--json"])
    entries: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
    return sum("events tail" in json.dumps(entry) for entry in entries)
