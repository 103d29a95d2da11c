"""
A submission: one handing-in of an order, and its identity.

The identity is the submission's id together with the SHA-256 of its payload. The id is minted
before the order is sent, so an SDK's resend, SQS's redelivery and a redrive from the dead-letter
queue are all the same submission.
"""

import re
import uuid
from datetime import datetime
from typing import NamedTuple

from chalicelib.orders.order import Order

NAMESPACE = uuid.UUID("5c2b3a2e-6a2f-4f0e-9f6a-0d9d3a1f7b54")
MAX_SUBMISSION_ID_CHARACTERS = 128
# "." and ".." are refused: a client takes them out of a path, however they are encoded.
WELL_FORMED_ID = re.compile(rf"(?!\.{{1,2}}\Z)[A-Za-z0-9._-]{{1,{MAX_SUBMISSION_ID_CHARACTERS}}}")


class Submission(NamedTuple):
    """One handing-in of an order, as it is delivered."""

    order: Order
    submission_id: str
    received_at: datetime
    submitted_by: str | None = None
    receive_count: int = 1
    # The channel by the message's attribute: the sender's word beside the order, and no term of it.
    message_channel: str | None = None
    # The message's attributes that can't be used, by name.
    ignored_attributes: tuple[str, ...] = ()
    # SQS's word for its sender; None if it came through the API.
    sent_by: str | None = None
    # The caller's place in its own traces, in the form of `orders/traceparent.py`.
    traceparent: str | None = None

    @property
    def channel(self) -> str | None:
        """The channel that metrics and logs count the order to: by its own word, if it has one."""
        return self.order.terms.channel or self.message_channel

    @property
    def archive_key(self) -> str:
        """
        The S3 key of this submission's order, and of no other submission's.

        Every part is of characters that can't leave the prefix: an order id, a well-formed
        submission id, hexadecimal digits.
        """
        return f"orders/{self.order.id}/{self.submission_id}-{self.order.payload_sha256}.json"


def submission_id_for(caller: str, idempotency_key: str) -> str:
    """Derive the submission id of a caller's idempotency key: the same for each retry."""
    return str(uuid.uuid5(NAMESPACE, f"idempotency-key\n{caller}\n{idempotency_key}"))


def submission_id_for_line(caller: str, idempotency_key: str, payload_sha256: str) -> str:
    """
    Derive the submission id of a line that was handed in with others under one key.

    It holds the line's bytes, so any of the lines can be sent again, in any company.
    """
    return str(uuid.uuid5(NAMESPACE, f"line\n{caller}\n{idempotency_key}\n{payload_sha256}"))


def well_formed_submission_id(text: str) -> str:
    """
    Make the text a submission id that can stand in a key and in a log line.

    Text that is not well formed is replaced by a UUID derived from it: it stays the same
    submission.
    """
    if is_well_formed_id(text):
        return text
    # A lone surrogate has no UTF-8, and must not make the message fail.
    hashable = text.encode(errors="backslashreplace").decode()
    return str(uuid.uuid5(NAMESPACE, f"submission-id\n{hashable}"))


def is_well_formed_id(text: str) -> bool:
    """
    Say whether text is 1 to 128 of `A-Z a-z 0-9 . _ -`, not `.` or `..`.

    So it is safe in paths, keys, headers and logs.
    """
    return WELL_FORMED_ID.fullmatch(text) is not None
