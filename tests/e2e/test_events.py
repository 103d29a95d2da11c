"""Events out, on an emulator that feeds the deployed function from the table's stream."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.asyncapi import event_problems
from tests.builders import order_text
from tests.e2e.client import ApiClient, eventually
from tests.e2e.deployment import STAGE, EmulatedAccount

FUNCTION = f"orders-{STAGE}-publish_events"


class Listener:
    """A queue that a consumer has put behind the bus or the topic."""

    def __init__(self, account: EmulatedAccount, kind: str) -> None:
        self._sqs = account.sqs
        self._kind = kind
        self._url = self._sqs.create_queue(QueueName=f"listener-{kind}")["QueueUrl"]
        arn = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])
        self._arn = arn["Attributes"]["QueueArn"]
        self._events: list[dict[str, Any]] = []
        getattr(self, f"_behind_{kind}")(account)

    def _behind_eventbridge(self, account: EmulatedAccount) -> None:
        bus = account.outputs["EventsTarget"]
        client = account.client("events")
        pattern = json.dumps({"detail-type": ["orders.order.accepted"]})
        client.put_rule(Name="accepted", EventBusName=bus, EventPattern=pattern)
        client.put_targets(
            Rule="accepted", EventBusName=bus, Targets=[{"Id": "1", "Arn": self._arn}]
        )

    def _behind_sns(self, account: EmulatedAccount) -> None:
        topic = account.outputs["EventsTarget"]
        account.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=self._arn)

    def events(self, count: int) -> list[dict[str, Any]]:
        """Return the CloudEvents as soon as so many are there."""

        def enough() -> bool:
            answer = self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10)
            for message in answer.get("Messages", []):
                body = json.loads(message["Body"])
                event = (
                    body["detail"] if self._kind == "eventbridge" else json.loads(body["Message"])
                )
                self._events.append(event)
                # Or it comes again while the next one is slow, and is taken for that one.
                handle = message["ReceiptHandle"]
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=handle)
            return len(self._events) >= count

        # The function may be killed at its time-out of 60 s on a busy machine, and is tried again.
        eventually(enough, seconds=150)
        return self._events


pytestmark = pytest.mark.timeout(300)
# Each kind of target once, and each choice of what is told.
TOLD = {"eventbridge": "accepted", "sns": "all"}


@pytest.fixture(scope="module", params=TOLD)
def deployed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, deployments: Path
) -> Iterator[tuple[EmulatedAccount, ApiClient, Listener]]:
    directory = tmp_path_factory.mktemp(request.param)
    parameters = {"Events": request.param, "EventsOf": TOLD[request.param]}
    with EmulatedAccount(directory, deployments, **parameters) as account:
        listener = Listener(account, request.param)
        yield account, account.deploy_packaged(account.package()), listener


def test_each_verdict_that_is_told_makes_one_event_and_nothing_else_does(
    deployed: tuple[EmulatedAccount, ApiClient, Listener],
) -> None:
    account, api, listener = deployed
    told = account.outputs["EventsOf"]
    api.post(order_text("wrong", amount=0))
    api.post(order_text("told"))
    api.records("told", 1)
    api.post(order_text("told"))
    api.records("told", 2)
    api.post(order_text("wrong"))
    api.records("wrong", 2)

    types = {
        "accepted": ["told accepted", "wrong accepted"],
        "all": ["told accepted", "told duplicate", "wrong accepted", "wrong rejected"],
    }[told]
    events = listener.events(len(types))

    assert sorted(f"{event['subject']} {event['type'][13:]}" for event in events) == types
    assert [event_problems(event) for event in events] == [[]] * len(events)
    for event in (each for each in events if each["type"] == "orders.order.accepted"):
        order = api.get(f"/orders/{event['subject']}").body["order"]
        assert event["id"] == f"{order['submissionId']}.{order['payloadSha256']}"
        assert event["data"]["s3Key"] == order["s3Key"]
        assert event["time"] == order["processedAt"]


def test_an_unpublishable_event_is_set_aside_and_holds_nothing_up(
    deployed: tuple[EmulatedAccount, ApiClient, Listener],
) -> None:
    account, api, listener = deployed
    (mapping,) = account.awslambda.list_event_source_mappings(FunctionName=FUNCTION)[
        "EventSourceMappings"
    ]
    # The emulator knows the age, of which AWS admits no less than 60, and not the attempts.
    account.awslambda.update_event_source_mapping(UUID=mapping["UUID"], MaximumRecordAgeInSeconds=1)
    variables = account.awslambda.get_function_configuration(FunctionName=FUNCTION)["Environment"][
        "Variables"
    ]
    account.set_variables(FUNCTION, ORDERS_EVENTS_TARGET="")
    queue = account.sqs.get_queue_url(QueueName=f"orders-events-dlq-{STAGE}")["QueueUrl"]

    api.post(order_text("untold"))
    api.records("untold", 1)

    def set_aside() -> Any:
        return account.sqs.receive_message(QueueUrl=queue).get("Messages")

    (message,) = eventually(set_aside)
    assert "DDBStreamBatchInfo" in json.loads(message["Body"])
    account.set_variables(FUNCTION, ORDERS_EVENTS_TARGET=variables["ORDERS_EVENTS_TARGET"])
    # A busy machine may need longer than a second for the next one.
    account.awslambda.update_event_source_mapping(
        UUID=mapping["UUID"], MaximumRecordAgeInSeconds=-1
    )
    heard = len(listener.events(0))
    api.post(order_text("told-again"))
    assert [event["subject"] for event in listener.events(heard + 1)][-1] == "told-again"


def test_the_mapping_sets_unpublishable_events_aside(
    deployed: tuple[EmulatedAccount, ApiClient, Listener],
) -> None:
    account, _, _ = deployed

    answer = account.awslambda.list_event_source_mappings(FunctionName=FUNCTION)

    (mapping,) = answer["EventSourceMappings"]
    assert mapping["EventSourceArn"] == account.outputs["TableStreamArn"]
    assert mapping["BisectBatchOnFunctionError"] is True
    assert "events-told" not in account.broken_rules()
    assert mapping["DestinationConfig"]["OnFailure"]["Destination"].endswith(
        f":orders-events-dlq-{STAGE}"
    )
