"""A stage that is full of text from outside, over moto in this process."""

import itertools
import json
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, cast

import boto3
from moto import mock_aws

from chalicelib.aws.s3 import OrderArchive
from chalicelib.orders.errors import Sentence, sentence, sentence_to_json
from chalicelib.orders.order import parse_order
from chalicelib.orders.settle import settle
from chalicelib.orders.submission import Submission, well_formed_submission_id
from chalicelib.orders.times import now
from chalicelib.services.seal import seal_key
from ops.desk.desk import Desk
from ops.desk.stage import Stage
from ops.stage_names import LOCAL_STAGE
from tests.builders import order_text
from tests.resources import create_resources
from tests.surfaces import ACCEPTED, GIVEN_UP, LOST, REJECTED, SUBMISSION

ATTRIBUTE_NAME = re.compile(r"[A-Za-z0-9_-]{1,200}")
_numbers = itertools.count(1)


class TextStage(Stage):
    """A stage that asks nobody who its operator is."""

    operator = "arn:aws:sts::123456789012:assumed-role/operators/ana"


@contextmanager
def stage_holding(*texts: str) -> Iterator[Desk]:
    """Open the desk of a stage with the texts wherever a sender or an operator may put text."""
    with mock_aws(config={"core": {"mock_credentials": False}}):
        desk = Desk(_stage())
        _put_event_once_heard(desk, texts)
        _put_orders(desk, texts)
        for number, text in enumerate(texts):
            _put_letters(desk, text, number)
            _put_objects(desk, text)
            desk.audit_trail.write(
                "dlq.discard", why=text, message="m-1", order=ACCEPTED, reason=text, payload=text
            )
        _put_seals(desk, texts)
        yield desk


def letter_ids(desk: Desk) -> list[str]:
    """List the message ids of all dead letters."""
    return [letter.message_id for letter in desk.dead_letters.look()]


def _stage() -> Stage:
    session, name = boto3.Session(), f"s{next(_numbers)}"
    # Nobody sends anything while a command looks, so there is nothing to wait for.
    session.events.register("provide-client-params.sqs.ReceiveMessage", do_not_wait)
    bus = f"orders-{name}"
    session.client("events").create_event_bus(Name=bus)
    key = session.client("kms").create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    environment = {
        **create_resources(name),
        "ORDERS_SEAL_KEY": key["KeyMetadata"]["Arn"],
        "ORDERS_EVENTS": "eventbridge",
        "ORDERS_EVENTS_OF": "all",
        "ORDERS_EVENTS_TARGET": bus,
    }
    return cast("Stage", TextStage(LOCAL_STAGE, environment, session))


def _put_event_once_heard(desk: Desk, texts: Sequence[str]) -> None:
    """Put an event that holds the texts on the stage's bus whenever somebody begins to listen."""
    text = "; ".join(texts)
    facts = {"submissionId": text, "channel": text, "note": list(texts), texts[0]: texts[0]}
    event = {"type": texts[0], "time": texts[0], "subject": ACCEPTED, "data": facts}

    def put(**_: object) -> None:
        bus = desk.stage.environment["ORDERS_EVENTS_TARGET"]
        entry = {"EventBusName": bus, "Source": "urn:orders:x", "DetailType": "x"}
        desk.stage.events.put_events(Entries=[{**entry, "Detail": json.dumps(event)}])

    desk.stage.session.events.register("after-call.events.PutTargets", put)


def do_not_wait(params: dict[str, Any], **_: object) -> None:
    params["WaitTimeSeconds"] = 0


def _put_orders(desk: Desk, texts: Sequence[str]) -> None:
    """Record orders: accepted, an exact duplicate, a conflict, rejected, and one without object."""
    all_texts = {"note": list(texts), **{text: [text, {"deep": text}] for text in texts}}
    accepted = json.dumps(json.loads(order_text(ACCEPTED)) | all_texts)
    conflict = order_text(ACCEPTED, amount="1.00", note=texts[0])
    rejected = order_text(REJECTED, amount="", channel=texts[0], **all_texts)
    for body in (accepted, accepted, conflict):
        _record(desk, body, texts[0])
    _record(desk, rejected, texts[0], SUBMISSION)
    lost = _record(desk, order_text(LOST), texts[0])
    desk.stage.s3.delete_object(Bucket=desk.stage.settings.bucket, Key=lost.archive_key)
    for text in texts:
        # With a comma it is no amount: one that is one is shown as an amount is.
        wrong = {"amount": f"{text},", "channel": text, "fromAccount": text, "toAccount": [text]}
        _record(desk, order_text(REJECTED, **wrong), text)
        _record(desk, order_text(ACCEPTED), text)


def _record(desk: Desk, body: str, text: str, submission_id: str | None = None) -> Submission:
    submission = Submission(
        parse_order(body),
        submission_id or well_formed_submission_id(f"{text}-{next(_numbers)}"),
        now().replace(microsecond=0),
        text,
    )
    if submission.order.valid:
        OrderArchive(desk.stage.s3, desk.stage.settings.bucket).keep(submission)
    settle(submission, desk.records.take, now())
    return submission


def _put_letters(desk: Desk, text: str, number: int) -> None:
    """Put two letters: one that can be read, and one that can't, of the next kind of them."""
    own = {"submissionId": text, "submittedBy": text, "channel": text, "note": text}
    body = order_text(GIVEN_UP, note=text, fromAccount=text, **{text: text})
    _letter(desk, body, {**own, "requestId": text})
    quoted = sentence("id.bad", got=json.dumps(text), most=text, size=text)
    forged = Sentence(text, {text: text})
    details = (text, *(json.dumps(sentence_to_json(each)) for each in (quoted, forged)))
    bodies = (
        body[:-3],
        text,
        b64encode(body.encode()).decode(),
        _spelt(body),
        f"{{'to account': '{text}'}}",
    )
    reason = {"unreadableReason": text[:200], "unreadableDetail": details[number % len(details)]}
    _letter(desk, bodies[number % len(bodies)], own | reason)


def _letter(desk: Desk, body: str, attributes: Mapping[str, str]) -> None:
    given: dict[str, Any] = {
        name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
    }
    text = attributes.get("note", "")
    if ATTRIBUTE_NAME.fullmatch(text):
        given[text] = {"DataType": "String", "StringValue": text}
    if text:
        given["bytes"] = {"DataType": "Binary", "BinaryValue": text.encode()}
    desk.stage.sqs.send_message(
        QueueUrl=desk.stage.settings.dead_letter_queue_url,
        MessageBody=body,
        MessageAttributes=given,
    )


def _put_seals(desk: Desk, texts: Sequence[str]) -> None:
    """Seal a day before today for each text, under the name of a key that signed nothing."""
    today = now().date()
    days = [today - timedelta(days=number) for number in range(len(texts), 0, -1)]
    for text, seal in zip(texts, desk.sealing.seal(days), strict=True):
        forged = seal._replace(key_id=text, signature=b"")
        desk.stage.s3.put_object(
            Bucket=desk.stage.settings.bucket,
            Key=seal_key(seal.statement.day),
            Body=forged.to_json(),
        )


def _put_objects(desk: Desk, text: str) -> None:
    for key in (f"orders/{text}/x", text, f"orders/{ACCEPTED}/{text}.json"):
        desk.stage.s3.put_object(Bucket=desk.stage.settings.bucket, Key=key, Body=text.encode())
    name = well_formed_submission_id(text)
    orphan = Submission(parse_order(order_text("order-o", note=text)), name, now())
    OrderArchive(desk.stage.s3, desk.stage.settings.bucket).keep(orphan)


def _spelt(text: str) -> str:
    """Write a text with each character as an escape of JSON, cut off at its end."""
    return '{"x": "' + "".join(f"\\u{ord(character):04x}" for character in text)
