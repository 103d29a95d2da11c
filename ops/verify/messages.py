"""Checks of messages that hold no order: set aside at once, whole, and never in another's way."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING

from ops.verify.check import check, require
from ops.verify.run import told

if TYPE_CHECKING:
    from ops.desk.letters import DeadLetter
    from ops.verify.run import Run

PROBLEMS_PAGE, RELIABILITY_PAGE = "docs/problems.md", "docs/reliability.md"
# The most that SQS takes with a message.
MOST_ATTRIBUTES = 10


@check("poison", RELIABILITY_PAGE)
def poison(run: Run) -> str:
    """Set a message without an order aside, and record the nine sent with it."""
    good = [run.order(f"beside-{number}") for number in range(1, 10)]
    bodies = [*map(json.dumps, good[:5]), run.letters.poison("poison"), *map(json.dumps, good[5:])]
    letter = letter_of(run, run.send(bodies)[5])
    for order in good:
        run.records(order["id"])
    require(letter.reason == "not_json", f"the reason of the dead letter is {letter.reason}")
    return "nine are recorded; the tenth became a dead letter, with the reason not_json"


@check("ten-attributes", PROBLEMS_PAGE)
def ten_attributes(run: Run) -> str:
    """Keep all attributes of a dead letter's message, though SQS takes only ten."""
    own = {f"own{number}": f"{run.mark}-{number}" for number in range(1, MOST_ATTRIBUTES + 1)}
    sent = run.stage.sqs.send_message(
        QueueUrl=run.stage.settings.queue_url,
        MessageBody=run.letters.poison("attributes"),
        MessageAttributes={
            name: {"DataType": "String", "StringValue": value} for name, value in own.items()
        },
    )
    message = letter_of(run, sent["MessageId"]).message
    lost = [name for name, value in own.items() if message.attribute(name) != value]
    require(not lost, f"the dead letter has lost {', '.join(lost)}")
    require(message.attribute("unreadableReason"), "the dead letter does not say why it is one")
    return f"all {len(own)} are there, beside the reason"


@check("not-utf8", PROBLEMS_PAGE)
def not_utf8(run: Run) -> str:
    """Refuse bytes that are not UTF-8, and queue nothing."""
    order = run.order("not-utf8", note="?")
    answer = run.post(json.dumps(order).encode().replace(b'"?"', b'"\xff\xfe"'))
    require(answer.status == HTTPStatus.BAD_REQUEST, f"POST /orders got {told(answer)}")
    require(answer.body.get("reason") == "not_utf8", f"POST /orders got {told(answer)}")
    run.let_pass("not-utf8")
    require(not run.recorded(order["id"]), f"{order['id']} is recorded all the same")
    return "400 with the reason not_utf8, and no record"


def letter_of(run: Run, message_id: str) -> DeadLetter:
    """Wait until a message is a dead letter, and take it off that queue."""
    found = run.wait_for(
        lambda: run.letters.find([message_id]), f"message {message_id} became no dead letter"
    )
    return found[message_id]
