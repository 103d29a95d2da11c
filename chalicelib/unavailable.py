"""The one failure that the services know of: AWS did not do what it was asked."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError


class StoreUnavailable(Exception):
    """
    A queue, a bucket or a table could not be reached, or refused: try again later.

    Nothing is known to be written, but it may be: a time-out can hide a success. The message names
    the operation and AWS's error code, nothing of what was sent.
    """


@contextmanager
def unavailable_on_failure(operation: str) -> Iterator[None]:
    """Translate whatever AWS or the way to it makes of one operation into `StoreUnavailable`."""
    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "unknown")
        raise StoreUnavailable(f"{operation}: {code}") from error
    except BotoCoreError as error:
        raise StoreUnavailable(f"{operation}: {type(error).__name__}") from error


def raise_if_refused(operation: str, codes: set[str]) -> None:
    """
    What AWS answers well but for some entries of a call is a failure of the call.

    Raises:
        StoreUnavailable: there is a code.
    """
    if codes:
        raise StoreUnavailable(f"{operation}: {', '.join(sorted(codes))}")
