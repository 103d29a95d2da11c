"""The tap of events: it hears a stage's bus or topic, and leaves nothing of it behind."""

import json
from collections.abc import Iterator
from functools import cache
from types import SimpleNamespace
from typing import Any, cast

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from chalicelib.services.unavailable import StoreUnavailable
from ops.desk.event_sources import Bus, Topic, events_of
from ops.desk.event_tap import EventTap, event_to_show
from ops.desk.stage import Stage, StageUnavailable
from ops.desk.tap_queues import LOAN, name_of_queue
from ops.stage_names import LOCAL_STAGE
from tests.builders import Clock

ANA = "arn:aws:sts::123456789012:assumed-role/operators/ana@example.com"
EVENT = {"type": "orders.order.accepted", "subject": "order-001"}
LONGEST_NAME_OF_A_RULE = 64


class StageWithEvents(Stage):
    operator = ANA


class Place:
    """A stage with events, and what is to be seen of them from outside."""

    def __init__(self, kind: str, stage: str = "dev") -> None:
        self.kind = kind
        self.clock = Clock()
        session = quick_session()
        self.sqs = session.client("sqs")
        self.events: Any = session.client("events")
        self.sns: Any = session.client("sns")
        self.target = self._make_target(f"orders-{stage}")
        self.queue_url = self.sqs.create_queue(QueueName=f"orders-{stage}")["QueueUrl"]
        environment = {
            "ORDERS_QUEUE_URL": self.queue_url,
            "ORDERS_DLQ_URL": self.queue_url,
            "ORDERS_BUCKET": "b",
            "ORDERS_TABLE": "t",
            "ORDERS_EVENTS": kind,
            "ORDERS_EVENTS_TARGET": self.target,
        }
        self.stage = cast("Stage", StageWithEvents(stage, environment, session))

    def _make_target(self, name: str) -> str:
        if self.kind == "sns":
            return str(self.sns.create_topic(Name=name)["TopicArn"])
        self.events.create_event_bus(Name=name)
        return name

    def tap(self, number: str = "0a1b2c3d") -> EventTap:
        def elapsed() -> float:
            return self.clock().timestamp()

        return EventTap.on(self.stage, self.clock, lambda: number, elapsed)

    def publish(self, text: str) -> None:
        if self.kind == "sns":
            self.sns.publish(TopicArn=self.target, Message=text)
        else:
            entry = {"EventBusName": self.target, "Source": "x", "DetailType": "x", "Detail": text}
            self.events.put_events(Entries=[entry])

    def queues(self) -> list[str]:
        urls = self.sqs.list_queues().get("QueueUrls", [])
        return [name for url in urls if "tail" in (name := url.rsplit("/", 1)[1])]

    def links(self) -> list[Any]:
        """List the rules of the bus, or the subscriptions of the topic."""
        if self.kind == "sns":
            answer = self.sns.list_subscriptions_by_topic(TopicArn=self.target)
            return list(answer["Subscriptions"])
        return list(self.events.list_rules(EventBusName=self.target)["Rules"])

    def stage_queue_arn(self, name: str) -> str:
        return f"arn:aws:sqs:us-east-1:123456789012:{name}"

    def attributes(self, name: str) -> dict[str, str]:
        url = self.sqs.get_queue_url(QueueName=name)["QueueUrl"]
        answer = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
        return {str(key): value for key, value in answer["Attributes"].items()}


@cache
def quick_session() -> boto3.Session:
    """Make one session for all tests: it reads what each service is like only once."""
    session = boto3.Session()
    session.events.register("provide-client-params.sqs.ReceiveMessage", do_not_wait)
    return session


def do_not_wait(params: dict[str, Any], **_: object) -> None:
    params["WaitTimeSeconds"] = 0


def refuse(client: Any, operation: str) -> None:
    def fail(**_: object) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, operation)

    client.meta.events.register(
        f"before-call.{client.meta.service_model.service_name}.{operation}", fail
    )


@pytest.fixture(params=["eventbridge", "sns"])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    with mock_aws():
        yield Place(request.param)


def test_a_tap_hears_what_is_published_and_leaves_nothing(place: Place) -> None:
    with place.tap() as tap:
        place.publish(json.dumps(EVENT))
        made = place.queues(), len(place.links())
        heard = next(tap.follow(60))

    assert heard == EVENT
    assert made == ([tap.name], 1)
    assert (place.queues(), place.links()) == ([], [])


def test_a_tap_deletes_what_it_has_heard(place: Place) -> None:
    with place.tap() as tap:
        place.publish(json.dumps(EVENT))
        next(tap.follow(60))

        attributes = place.attributes(tap.name)

    assert attributes["ApproximateNumberOfMessages"] == "0"
    assert attributes["ApproximateNumberOfMessagesNotVisible"] == "0"


@pytest.mark.parametrize("text", ['"only a text"', "[1]", "no JSON", "[" * 100_000])
@pytest.mark.parametrize("place", ["sns"], indirect=True)
def test_what_is_no_json_object_is_heard_as_a_message(place: Place, text: str) -> None:
    with place.tap() as tap:
        place.publish(text)
        heard = next(tap.follow(60))

    assert text[:50].replace('"', '\\"') in heard["message"]


def test_only_this_bus_or_topic_may_send_to_the_queue(place: Place) -> None:
    with place.tap() as tap:
        policy = json.loads(place.attributes(tap.name)["Policy"])
        (link,) = place.links()

    refuse, take = policy["Statement"]
    assert refuse["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert take["Principal"] == {
        "Service": "sns.amazonaws.com" if place.kind == "sns" else "events.amazonaws.com"
    }
    # EventBridge sends as the rule, SNS as the topic.
    sender = place.target if place.kind == "sns" else link["Arn"]
    assert take["Condition"] == {"ArnEquals": {"aws:SourceArn": sender}}
    assert refuse["Resource"] == take["Resource"] == place.stage_queue_arn(tap.name)


def test_the_queue_is_encrypted_and_forgets_soon(place: Place) -> None:
    with place.tap() as tap:
        attributes = place.attributes(tap.name)

    assert attributes["SqsManagedSseEnabled"] == "true"
    assert attributes["MessageRetentionPeriod"] == "3600"
    assert tap.key is None


def test_the_queue_has_the_key_of_the_stages_queues(place: Place) -> None:
    key = "arn:aws:kms:us-east-1:123456789012:key/own"
    place.sqs.set_queue_attributes(QueueUrl=place.queue_url, Attributes={"KmsMasterKeyId": key})

    with place.tap() as tap:
        assert place.attributes(tap.name)["KmsMasterKeyId"] == key

    assert tap.key == key


def test_a_queue_is_named_after_its_stage_and_its_operator() -> None:
    assert name_of_queue("dev", ANA, "0a1b2c3d") == "orders-events-tail-dev_ana-example-c_0a1b2c3d"
    assert name_of_queue("local", "arn:aws:iam::0:root", "1").endswith("-local_root_1")


def test_the_longest_name_is_one_of_a_rule_too() -> None:
    name = name_of_queue("s" * 20, f"arn:aws:iam::1:user/{'u' * 64}", "0a1b2c3d")

    assert len(name) <= LONGEST_NAME_OF_A_RULE


def killed(tap: EventTap) -> None:
    """Begin to listen, and end without a chance to remove anything."""
    tap.__enter__()


def test_what_a_killed_tap_has_left_is_removed_once_its_loan_is_over(place: Place) -> None:
    killed(place.tap("killed"))

    at_once = place.tap().remove_forgotten()
    place.clock.advance(seconds=LOAN.total_seconds() + 1)
    later = place.tap().remove_forgotten()

    assert at_once == []
    assert later == ["orders-events-tail-dev_ana-example-c_killed"]
    assert (place.queues(), place.links()) == ([], [])


def test_a_tap_that_was_killed_before_it_was_attached_is_removed_too(place: Place) -> None:
    tap = place.tap("killed")
    tap._queues.make(tap.name, tap.source)
    place.clock.advance(seconds=LOAN.total_seconds() + 1)

    assert place.tap().remove_forgotten() == [tap.name]
    assert place.queues() == []


def test_a_tap_in_use_is_left_alone_however_long_it_listens(place: Place) -> None:
    with place.tap("in-use") as tap:
        for _ in range(10):
            place.clock.advance(minutes=2)
            list(tap.follow(stopped=iter([False, True]).__next__))

            assert place.tap().remove_forgotten() == []

        assert place.queues() == [tap.name]


def test_another_stages_queue_and_anothers_own_are_left_alone(place: Place) -> None:
    others = Place(place.kind, "dev-eu")
    killed(others.tap("killed"))
    place.sqs.create_queue(QueueName="orders-events-tail-dev_somebody")
    place.clock.advance(seconds=2 * LOAN.total_seconds())

    assert place.tap().remove_forgotten() == []
    assert len(place.queues()) == 2


def test_a_tap_that_can_not_be_attached_leaves_no_queue(place: Place) -> None:
    tap = place.tap()
    refuse(
        *(
            (place.stage.sns, "Subscribe")
            if place.kind == "sns"
            else (place.stage.events, "PutTargets")
        )
    )

    with pytest.raises(StoreUnavailable, match=r"(Subscribe|PutTargets): AccessDenied"), tap:
        pass

    assert (place.queues(), place.links()) == ([], [])


def test_a_tap_that_can_not_be_removed_says_what_is_left(place: Place) -> None:
    tap = place.tap()
    refuse(place.stage.sqs, "DeleteQueue")

    with pytest.raises(StoreUnavailable) as failure, tap:
        pass

    assert "SQS DeleteQueue: AccessDenied. Queue orders-events-tail-dev_" in str(failure.value)
    assert "the next `events tail` on this stage removes them, from 5 minutes on" in str(
        failure.value
    )


def test_a_tap_stops_when_it_is_told_to(place: Place) -> None:
    with place.tap() as tap:
        assert list(tap.follow(stopped=lambda: True)) == []


@pytest.mark.parametrize(
    ("stage", "how"),
    [
        (LOCAL_STAGE, "make run AWS_PORT=4567 OPTIONS='--events eventbridge'"),
        ("dev", '"resource_parameters": {"Events": "eventbridge"}'),
        ("dev", "make deploy STAGE=dev"),
    ],
)
@pytest.mark.parametrize("environment", [{}, {"ORDERS_EVENTS": "off"}])
def test_a_stage_without_events_says_how_to_turn_them_on(
    stage: str, how: str, environment: dict[str, str]
) -> None:
    with pytest.raises(StageUnavailable) as refused:
        events_of(Stage(stage, environment, cast("Any", None), "http://127.0.0.1:4567"))

    assert str(refused.value).startswith(f"Stage {stage} publishes no events. ")
    assert how in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "environment",
    [{"ORDERS_EVENTS": "sns"}, {"ORDERS_EVENTS": "post", "ORDERS_EVENTS_TARGET": "x"}],
)
def test_a_stage_with_bad_settings_says_which(environment: dict[str, str]) -> None:
    with pytest.raises(StageUnavailable, match=r"^Stage dev: ORDERS_EVENTS"):
        events_of(Stage("dev", environment, cast("Any", None)))


def test_a_bus_of_another_partition_has_rules_and_queues_there() -> None:
    arn = "arn:aws-cn:events:cn-north-1:123456789012:event-bus/orders-dev"
    client = SimpleNamespace(describe_event_bus=lambda **_: {"Arn": arn})

    bus = Bus(client, "orders-dev")

    assert bus.queue_arn("q") == "arn:aws-cn:sqs:cn-north-1:123456789012:q"
    assert bus.sender("q") == "arn:aws-cn:events:cn-north-1:123456789012:rule/orders-dev/q"


def test_a_topic_is_found_without_a_call() -> None:
    topic = Topic(None, "arn:aws:sns:eu-west-1:123456789012:orders-events-dev")

    assert topic.queue_arn("q") == "arn:aws:sqs:eu-west-1:123456789012:q"


@pytest.mark.parametrize("place", ["sns"], indirect=True)
def test_a_subscription_that_is_not_listed_yet_is_removed(place: Place) -> None:
    tap = place.tap()
    topic = tap.source

    with tap:
        topic._subscriptions_of = lambda _: []  # type: ignore[attr-defined] # a list that lags

    assert place.links() == []


def test_an_event_is_masked_and_its_ids_are_not() -> None:
    sha = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"
    own = "94a3ab95-a6ff-5fd0-948e-e39a1d8acc95"
    event = {
        "id": f"{own}.{sha}",
        "subject": "order-001",
        "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-b7ad6b7169203331-01",
        "data": {"submissionId": own, "payloadSha256": sha, "s3Key": f"orders/a/{own}-{sha}.json"},
    }

    assert event_to_show(event, show_accounts=False) == event


@pytest.mark.parametrize(("show_accounts", "shown"), [(False, "****5678"), (True, "12345678")])
def test_an_account_in_a_senders_submission_id_is_shown_on_request(
    show_accounts: bool, shown: str
) -> None:
    event = {"data": {"submissionId": "12345678"}}

    assert event_to_show(event, show_accounts=show_accounts) == {"data": {"submissionId": shown}}


@pytest.mark.parametrize("depth", [330, 900, 990, 5000])
def test_an_event_that_is_deep_shows_no_account(depth: int) -> None:
    deep: dict[str, Any] = {"account": "12345678"}
    for _ in range(depth):
        deep = {"in": deep}

    shown = event_to_show(deep, show_accounts=False)

    assert "12345678" not in repr(shown if "message" in shown else json.dumps(shown))
