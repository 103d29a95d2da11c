"""The queues: what is sent arrives with its attributes, and what is deleted is gone."""

import json
import uuid
from typing import Any

import pytest

from chalicelib.aws.sqs import OrderQueue, sendable
from chalicelib.services.message import Message
from chalicelib.services.message_attributes import string_attribute
from chalicelib.services.outgoing import MOST_BYTES_PER_CALL, Outgoing, in_batches
from chalicelib.services.unavailable import StoreUnavailable
from ops.desk.dead_letter_queue import DeadLetterQueue, size_of
from ops.local.lambda_events import sqs_event
from ops.local.stack import LocalResources
from tests.aws_limits.ledger import expected
from tests.builders import sqs_message, sqs_record
from tests.contract.conftest import Aws, on_aws
from tests.fakes import FakeQueue


def strings(message: dict[str, Any]) -> dict[str, str]:
    """Return the string attributes of a received message."""
    return {
        name: attribute["StringValue"]
        for name, attribute in message.get("MessageAttributes", {}).items()
    }


def delivered(received: Any) -> Message:
    """Turn a received message into one as Lambda would deliver it."""
    (record,) = sqs_event([received], "arn:aws:sqs:us-east-1:000000000000:orders")["Records"]
    return Message.from_record(record)


TEN_OF_ITS_OWN = {
    "channel": {"dataType": "String", "stringValue": "web"},
    "requestId": {"dataType": "String", "stringValue": "r-1"},
    "picture": {"dataType": "Binary", "binaryValue": "AAEC/w=="},
    "weight": {"dataType": "Number.float", "stringValue": "1.5"},
    "note": {"dataType": "String.note", "stringValue": 'ñ😀\t"\\'},
    **{f"more-{n}": {"dataType": "String", "stringValue": str(n)} for n in range(5)},
}
REASON = {
    "unreadableReason": "not_an_object",
    "unreadableDetail": "{}",
    "unreadableAt": "2026-03-01T12:00:00.000Z",
    "originalMessageId": "m-1",
    "submissionId": "s-1",
    "receivedAt": "2026-03-01T12:00:00.000Z",
}


def with_ten_attributes() -> Message:
    record = {**sqs_record("[]"), "messageAttributes": TEN_OF_ITS_OWN}
    return Message.from_record(record)


def dead_letter_of(queue: OrderQueue | FakeQueue, aws: Aws | None) -> tuple[int, Message]:
    """Take the one dead letter: how many attributes SQS carries, and the message."""
    if isinstance(queue, FakeQueue):
        (sent,) = queue.dead_letters
        record = {**sqs_record(sent.body), "messageAttributes": sent.message_attributes}
        return len(sent.message_attributes), Message.from_record(record)
    assert aws
    (received,) = aws.received(aws.dead_letter_queue_url)
    return len(received["MessageAttributes"]), delivered(received)


def test_a_dead_letter_has_ten_attributes_and_none_is_lost(
    queue: OrderQueue | FakeQueue, implementation: Aws | None
) -> None:
    """SQS refuses a message with more; some of its emulators do not."""
    queue.send_to_dead_letters(with_ten_attributes(), REASON)

    count, letter = dead_letter_of(queue, implementation)
    assert count == 10
    assert letter.message_attributes.keys() == TEN_OF_ITS_OWN.keys() | REASON.keys()
    assert {name: letter.attribute(name) for name in REASON} == REASON
    for name, own in TEN_OF_ITS_OWN.items():
        assert own.items() <= letter.message_attributes[name].items()


def test_a_sent_message_waits_on_the_queue(queue: OrderQueue | FakeQueue) -> None:
    queue.send("{}", {"submissionId": "s-1"})

    assert queue.waiting() == 1
    assert queue.dead_letters_waiting() == 0


def test_sent_messages_wait_on_the_queue(queue: OrderQueue | FakeQueue) -> None:
    messages = [Outgoing(f'{{"n": {number}}}', {"submissionId": "s-1"}) for number in range(10)]

    assert queue.send_batch(messages) == [None] * 10

    assert queue.waiting() == 10
    assert queue.dead_letters_waiting() == 0


def test_a_call_takes_as_many_bytes_as_messages_are_parted_into(
    queue: OrderQueue | FakeQueue,
) -> None:
    """The messages of the first call have 256 KiB to the byte, attributes included."""
    attributes = {"submissionId": "s-1", "submittedBy": None}
    own = Outgoing("", attributes).size_bytes
    quarter = Outgoing("x" * (MOST_BYTES_PER_CALL // 4 - own), attributes)
    batches = list(in_batches([quarter] * 5))

    assert [queue.send_batch(batch) for batch in batches] == [[None] * 4, [None]]

    assert sum(each.size_bytes for each in batches[0]) == MOST_BYTES_PER_CALL
    assert queue.waiting() == 5


def test_a_dead_letter_waits_on_the_dead_letter_queue(queue: OrderQueue | FakeQueue) -> None:
    queue.send_to_dead_letters(sqs_message(), {"unreadableReason": "not_json"})

    assert queue.waiting() == 0
    assert queue.dead_letters_waiting() == 1


@on_aws
def test_a_dead_letter_that_someone_holds_is_on_the_dead_letter_queue(
    aws: Aws, queue: OrderQueue
) -> None:
    """After a redrive that was killed all may be hidden: the queue is not empty, and no pass."""
    queue.send_to_dead_letters(sqs_message(), {"unreadableReason": "not_json"})
    aws.sqs.receive_message(
        QueueUrl=aws.dead_letter_queue_url, VisibilityTimeout=60, WaitTimeSeconds=1
    )

    assert queue.dead_letters_waiting() == 1


def test_delete_takes_no_messages_too(queue: OrderQueue | FakeQueue) -> None:
    queue.delete([])


@on_aws
def test_an_order_arrives_as_it_was_sent(aws: Aws, queue: OrderQueue) -> None:
    body = '{ "id":"a",\r\n\t"note": "ñ\\ud800 😀 \ue000 \ufffd" }'
    queue.send(body, {"submissionId": "s-1", "submittedBy": None})

    (message,) = aws.received(aws.queue_url)

    assert message["Body"] == body
    assert strings(message) == {"submissionId": "s-1"}


@on_aws
def test_the_orders_of_a_call_arrive_as_they_were_sent(aws: Aws, queue: OrderQueue) -> None:
    bodies = ['{ "id":"a",\r\t"note": "ñ\\ud800 😀 \ue000 \ufffd" }', '{"id":"b"}']

    queue.send_batch(
        [Outgoing(body, {"submissionId": body[-2:], "submittedBy": None}) for body in bodies]
    )

    messages = aws.received(aws.queue_url)
    while len(messages) < len(bodies):
        messages += aws.received(aws.queue_url)
    assert sorted(message["Body"] for message in messages) == sorted(bodies)
    for message in messages:
        assert strings(message) == {"submissionId": message["Body"][-2:]}


@on_aws
def test_a_message_that_the_queue_refuses_is_not_taken_for_sent(
    aws: Aws, queue: OrderQueue
) -> None:
    """Some refuse the whole call; with others the small one is on the queue, and confirmed."""
    aws.sqs.set_queue_attributes(QueueUrl=aws.queue_url, Attributes={"MaximumMessageSize": "1024"})
    messages = [Outgoing("{}", {}), Outgoing("x" * 1025, {})]

    with expected("SQS: body and attributes fit into the queue's maximum"):
        try:
            small, large = queue.send_batch(messages)
        except StoreUnavailable as failure:
            small, large = str(failure), str(failure)

    assert large
    assert large.startswith("SQS SendMessageBatch: ")
    assert queue.waiting() == (0 if small else 1)


@on_aws
def test_a_dead_letter_keeps_its_own_attributes_beside_ours(aws: Aws, queue: OrderQueue) -> None:
    record = sqs_record("[]", channel="web", unreadableReason="before")
    record["messageAttributes"]["picture"] = {"binaryValue": "AAEC/w==", "dataType": "Binary"}
    record["messageAttributes"]["weight"] = {"stringValue": "1.5", "dataType": "Number.float"}

    queue.send_to_dead_letters(Message.from_record(record), {"unreadableReason": "not_an_object"})

    (message,) = aws.received(aws.dead_letter_queue_url)
    attributes = message["MessageAttributes"]
    assert message["Body"] == "[]"
    assert attributes["channel"]["StringValue"] == "web"
    assert attributes["unreadableReason"]["StringValue"] == "not_an_object"
    assert attributes["picture"]["BinaryValue"] == b"\x00\x01\x02\xff"
    assert attributes["weight"] == {"StringValue": "1.5", "DataType": "Number.float"}


@on_aws
def test_any_number_of_messages_can_be_deleted(aws: Aws, queue: OrderQueue) -> None:
    for number in range(12):
        queue.send(f'{{"n": {number}}}', {})
    messages: list[Message] = []
    while received := aws.received(aws.queue_url):
        messages += [delivered(message) for message in received]

    queue.delete(messages)

    assert len(messages) == 12
    attributes = aws.sqs.get_queue_attributes(QueueUrl=aws.queue_url, AttributeNames=["All"])
    assert attributes["Attributes"]["ApproximateNumberOfMessagesNotVisible"] == "0"


@on_aws
def test_a_refused_deletion_is_a_failure(queue: OrderQueue) -> None:
    forged = sqs_message(message_id=str(uuid.uuid4()))

    with pytest.raises(StoreUnavailable, match="DeleteMessageBatch"):
        queue.delete([forged])


@on_aws
def test_a_missing_queue_makes_each_call_fail(aws: Aws) -> None:
    missing = aws.queue_url + "-not-there"
    queue = OrderQueue(lambda: aws.sqs, missing, missing)

    for call in [
        lambda: queue.send("{}", {}),
        lambda: queue.send_batch([Outgoing("{}", {})]),
        lambda: queue.send_to_dead_letters(sqs_message(), {}),
        lambda: queue.delete([sqs_message()]),
        queue.waiting,
        queue.dead_letters_waiting,
    ]:
        with pytest.raises(StoreUnavailable, match=r"NonExistentQueue|QueueDoesNotExist"):
            call()


def redriving(aws: Aws, receives: int) -> None:
    """Set the receive count after which the queue gives a message up, and hide none meanwhile."""
    policy = {
        "deadLetterTargetArn": attribute_of(aws, aws.dead_letter_queue_url, "QueueArn"),
        "maxReceiveCount": receives,
    }
    aws.sqs.set_queue_attributes(
        QueueUrl=aws.queue_url,
        Attributes={"RedrivePolicy": json.dumps(policy), "VisibilityTimeout": "0"},
    )


def attribute_of(aws: Aws, queue_url: str, name: Any) -> str:
    answer = aws.sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=[name])
    return str(answer["Attributes"][name])


@on_aws
def test_a_message_that_is_not_deleted_comes_back_and_is_counted(
    aws: Aws, queue: OrderQueue
) -> None:
    redriving(aws, receives=3)
    queue.send("{}", {})

    receives = [aws.received(aws.queue_url)[0] for _ in range(3)]

    assert [receive["Attributes"]["ApproximateReceiveCount"] for receive in receives] == [
        "1",
        "2",
        "3",
    ]
    assert len({receive["MessageId"] for receive in receives}) == 1


@on_aws
def test_a_message_that_sqs_itself_sets_aside_stays_the_same_submission(
    aws: Aws, queue: OrderQueue
) -> None:
    redriving(aws, receives=1)
    queue.send('{"id":"a"}', {"submissionId": "s-1"})
    aws.received(aws.queue_url)

    assert aws.received(aws.queue_url) == []
    (dead,) = aws.received(aws.dead_letter_queue_url)
    assert dead["Body"] == '{"id":"a"}'
    assert strings(dead) == {"submissionId": "s-1"}


@on_aws
def test_a_redriven_message_has_another_id_and_the_same_submission(
    aws: Aws, queue: OrderQueue
) -> None:
    queue.send("{}", {"submissionId": "s-1"})
    (first,) = aws.received(aws.queue_url)

    aws.sqs.send_message(
        QueueUrl=aws.queue_url,
        MessageBody=first["Body"],
        MessageAttributes=first["MessageAttributes"],
    )
    (second,) = aws.received(aws.queue_url)

    assert second["MessageId"] != first["MessageId"]
    assert strings(second) == strings(first)


def on_queues_of_template(local_resources: LocalResources) -> Aws:
    outputs = local_resources.outputs
    aws = Aws(local_resources.aws_url)
    aws.queue_url, aws.dead_letter_queue_url = outputs["QueueUrl"], outputs["DeadLetterQueueUrl"]
    return aws


def test_the_largest_order_fits_on_the_queues_of_the_template(
    local_resources: LocalResources,
) -> None:
    aws = on_queues_of_template(local_resources)
    queue = aws.order_queue()
    largest = "x" * 262_144

    # Other tests have left messages there.
    for url in (aws.queue_url, aws.dead_letter_queue_url):
        aws.sqs.purge_queue(QueueUrl=url)
    queue.send(largest, {"submissionId": "s" * 128, "requestId": "r" * 128})
    (received,) = aws.received(aws.queue_url)
    queue.send_to_dead_letters(delivered(received), {"unreadableReason": "too_large"})
    (dead,) = aws.received(aws.dead_letter_queue_url)

    assert received["Body"] == dead["Body"] == largest
    queue.delete([delivered(received)])
    OrderQueue(lambda: aws.sqs, aws.dead_letter_queue_url, "").delete([delivered(dead)])


def test_whatever_the_queue_took_fits_into_the_dead_letter_queue(
    local_resources: LocalResources,
) -> None:
    """The most attributes, of the characters that JSON doubles, on a message of the most bytes."""
    aws = on_queues_of_template(local_resources)
    queue = aws.order_queue()
    most = int(attribute_of(aws, aws.queue_url, "MaximumMessageSize"))
    value = '"' * (most // 10 - 100)
    own: Any = {f"a{n}": {"DataType": "String", "StringValue": value} for n in range(10)}
    body = "[" * (most - 10 * len(f"a0String{value}"))

    for url in (aws.queue_url, aws.dead_letter_queue_url):
        aws.sqs.purge_queue(QueueUrl=url)
    aws.sqs.send_message(QueueUrl=aws.queue_url, MessageBody=body, MessageAttributes=own)
    (received,) = aws.received(aws.queue_url)
    queue.send_to_dead_letters(delivered(received), REASON)
    (dead,) = aws.received(aws.dead_letter_queue_url)

    letter = delivered(dead)
    assert len(dead["MessageAttributes"]) == 10
    assert {name: letter.attribute(name) for name in own} == dict.fromkeys(own, value)
    queue.delete([delivered(received)])
    OrderQueue(lambda: aws.sqs, aws.dead_letter_queue_url, "").delete([letter])


def test_a_letter_that_is_too_large_with_our_attributes_stays_and_says_why(
    local_resources: LocalResources,
) -> None:
    """Attributes count. A redrive adds two; those that said why a letter failed are left out."""
    aws = on_queues_of_template(local_resources)
    letters = DeadLetterQueue(aws.sqs, aws.queue_url, aws.dead_letter_queue_url)
    most = int(attribute_of(aws, aws.queue_url, "MaximumMessageSize"))
    added = {"submissionId": string_attribute("s-1"), "receivedAt": string_attribute("now")}
    room = most - size_of("", sendable(added))
    fits, too_large = (sqs_message("[" * size) for size in (room, room + 1))
    aws.sqs.purge_queue(QueueUrl=aws.queue_url)

    letters.send_back(fits, added)
    with (
        expected("SQS: body and attributes fit into the queue's maximum"),
        pytest.raises(StoreUnavailable, match=rf"^it has {most + 1:,} bytes with its attributes"),
    ):
        letters.send_back(too_large, added)

    (sent,) = aws.received(aws.queue_url)
    assert len(sent["Body"]) == room
    aws.order_queue().delete([delivered(sent)])


def test_another_refusal_of_a_letter_keeps_its_code(local_resources: LocalResources) -> None:
    aws = on_queues_of_template(local_resources)
    letters = DeadLetterQueue(aws.sqs, aws.queue_url, aws.dead_letter_queue_url)

    with (
        expected("SQS: a message has a body"),
        pytest.raises(StoreUnavailable, match=r"^SQS SendMessage: "),
    ):
        letters.send_back(sqs_message(""), {})
