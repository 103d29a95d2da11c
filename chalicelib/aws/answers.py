"""
Answers that count: those that AWS gave, by what AWS puts into each.

A status is no proof. A wrong endpoint, an intercepting proxy or a captive portal answers 200 too,
with a page of its own, and botocore reads that as a success without members: an order was "queued"
or "accepted", and nothing was stored.
"""

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError

# Every service of AWS puts one of them into each answer, errors included: S3 the second, all others
# the first ("Common Response Headers" of S3's API reference; "DynamoDB low-level API").
REQUEST_ID_HEADERS = ("x-amzn-requestid", "x-amz-request-id")
# A gateway of AWS has request ids as well. So an answer also has the members that tell that the
# call was done, where its operation has one that is never left out. Each is of no list that may be
# empty, which a service may leave out.
MEMBERS = {
    "BatchExecuteStatement": ("Responses",),
    "BatchGetItem": ("Responses",),
    "GetCallerIdentity": ("Arn",),
    "GetPublicKey": ("PublicKey",),
    "GetQueueAttributes": ("Attributes",),
    "ListObjectVersions": ("IsTruncated",),
    "ListObjectsV2": ("IsTruncated",),
    "PutEvents": ("Entries",),
    "PutObject": ("ETag",),
    "Query": ("Count",),
    "Scan": ("Count",),
    "SendMessage": ("MessageId", "MD5OfMessageBody"),
    "Sign": ("Signature",),
}
FIRST_ERROR = 300
# From here on the network itself may answer. It is a failure in any case, and may be tried again.
FIRST_SERVER_ERROR = 500


class AnswerNotOfAws(BotoCoreError):
    """Something else than AWS answered: nothing is known to be done."""

    fmt = (
        "the answer ({status}) has no {missing}, so it is not AWS's: look for a wrong endpoint, or "
        "a proxy in between"
    )


def count_only_answers_of_aws(events: Any) -> None:
    """Let every client with these events (a session's, or its own) refuse answers of others."""
    # With its wildcards it comes before botocore's own handler for S3, which makes a 500 of a page.
    events.register_first("before-parse.*.*", _require_request_id)
    events.register("after-call", _require_members)


def _require_request_id(response_dict: Mapping[str, Any], **_: Any) -> None:
    """
    Refuse an answer before it is read: botocore's parsers raise whatever a foreign body makes them.

    A foreign 404 or 412 would mean that an object isn't there, or is there.
    """
    headers, status = response_dict["headers"], response_dict["status_code"]
    if status < FIRST_SERVER_ERROR and not any(headers.get(name) for name in REQUEST_ID_HEADERS):
        raise AnswerNotOfAws(status=status, missing="request id")


def _require_members(http_response: Any, parsed: Mapping[str, Any], model: Any, **_: Any) -> None:
    if http_response.status_code >= FIRST_ERROR:
        return
    for member in MEMBERS.get(model.name, ()):
        if member not in parsed:
            raise AnswerNotOfAws(status=http_response.status_code, missing=member)
