"""
Failures of obstore, by the names that botocore's have.

obstore tells them in text alone: the answer's status and body, or the kind of what broke the call.
The text quotes the object's key and the bucket, whose name holds the account's number, so none of
it goes on but AWS's code.
"""

import re
from typing import NamedTuple

from obstore.exceptions import BaseError

from chalicelib.aws.answers import FIRST_SERVER_ERROR, AnswerNotOfAws

FAILURES = (BaseError, FileNotFoundError, ValueError)
# What a panic in Rust raises: no `Exception`, and its class can't be imported.
PANIC = "PanicException"
STATUS = re.compile(r"Server returned non-2xx status code: (\d{3})")
CODE = re.compile(r"<Code>([A-Za-z0-9.]{1,64})</Code>")
KIND = re.compile(r"HttpError \{\s+kind: (\w+)")
BAD_CERTIFICATE = "error: InvalidCertificate("
# obstore says this of a put with a good status.
NO_ETAG = "ETag Header missing"
# And this where S3 sends to another region, without a status and S3's own words.
NO_LOCATION = "Received redirect without LOCATION"
BROKEN = {"Timeout": "ReadTimeoutError", "Connect": "EndpointConnectionError"}
# What a botocore client in its standard mode tries again, beside a status of 500 or more.
PASSING_CODES = {"RequestTimeout", "SlowDown", "Throttling", "ThrottlingException"}


class Failure(NamedTuple):
    """The name of a failure: a code of AWS, or a class of botocore's. It may pass by itself."""

    name: str
    may_pass: bool


def is_failure(error: BaseException) -> bool:
    """Tell whether obstore has failed; whatever else ends a call is not its own."""
    return isinstance(error, FAILURES) or type(error).__name__ == PANIC


def failure_of(error: BaseException) -> Failure:
    """Tell what made a call fail."""
    text = str(error)
    status, code, kind = (found and found[1] for found in _search(text))
    if status and int(status) < FIRST_SERVER_ERROR:
        # Something else than AWS may give any status: its errors have no code of AWS.
        return Failure(code or not_of_aws(status, "code"), code in PASSING_CODES)
    if status:
        return Failure(code or status, may_pass=True)
    if kind:
        return Failure(_broken(kind, text), may_pass=True)
    if NO_LOCATION in text:
        return Failure("PermanentRedirect", may_pass=False)
    if NO_ETAG in text:
        return Failure(not_of_aws("200", "ETag"), may_pass=False)
    return Failure(type(error).__name__, may_pass=False)


def not_of_aws(status: str, missing: str) -> str:
    """Say that something else than AWS has answered, and what its answer lacks."""
    return str(AnswerNotOfAws(status=status, missing=missing))


def _search(text: str) -> tuple[re.Match[str] | None, ...]:
    return STATUS.search(text), CODE.search(text), KIND.search(text)


def _broken(kind: str, text: str) -> str:
    if BAD_CERTIFICATE in text:
        return "SSLError"
    return BROKEN.get(kind, "ConnectionClosedError")
