"""The outcome of one message, for the log, the metrics and the answer for its batch."""

from datetime import datetime
from typing import NamedTuple

from chalicelib.orders.errors import UnreadableOrder
from chalicelib.orders.settle import Verdict
from chalicelib.orders.submission import Submission, is_well_formed_id, well_formed_submission_id
from chalicelib.orders.times import parse_iso
from chalicelib.orders.traceparent import TRACEPARENT, trace_id_of, well_formed_traceparent
from chalicelib.services.message import Message


class Processed(NamedTuple):
    """
    The outcome of one message in one delivery.

    `result` is the verdict if it was recorded, an UnreadableOrder if it was passed to the
    dead-letter queue, and any other exception if it failed and stays on the queue.
    """

    message: Message
    submission: Submission | None
    result: Verdict | Exception
    finished_at: datetime

    @property
    def verdict(self) -> Verdict | None:
        return self.result if isinstance(self.result, Verdict) else None

    @property
    def failure(self) -> Exception | None:
        return None if isinstance(self.result, Verdict | UnreadableOrder) else self.result

    @property
    def submission_id(self) -> str:
        return submission_id_of(self.message)

    @property
    def request_id(self) -> str:
        """The request that brought the message; the message itself if no request did."""
        request_id = self.message.attribute("requestId")
        return (
            request_id if request_id and is_well_formed_id(request_id) else self.message.message_id
        )

    @property
    def trace_id(self) -> str | None:
        """The caller's trace, where the message carries one that can be used."""
        carried = well_formed_traceparent(self.message.attribute(TRACEPARENT) or "")
        return carried and trace_id_of(carried)

    @property
    def age_ms(self) -> int | None:
        """Milliseconds since the order was handed in, where that can be known."""
        since = self.submission.received_at if self.submission else self.message.sent_at
        return int((self.finished_at - since).total_seconds() * 1000) if since else None


def submission_id_of(message: Message) -> str:
    """Return the submission id that a message carries, or one derived from its message id."""
    return well_formed_submission_id(message.attribute("submissionId") or message.message_id)


def received_at_of(message: Message) -> datetime | None:
    """Return when a message's order was handed in: as it carries, or when SQS took it."""
    return parse_iso(message.attribute("receivedAt")) or message.sent_at
