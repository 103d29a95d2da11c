"""Failures of AWS, translated to the one failure that the services know."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from chalicelib.aws.answers import AnswerNotOfAws
from chalicelib.services.unavailable import StoreUnavailable


@contextmanager
def unavailable_on_failure(operation: str) -> Iterator[None]:
    """Translate any failure of AWS, or of the way to it, into `StoreUnavailable`."""
    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "unknown")
        raise StoreUnavailable(f"{operation}: {code}") from error
    except AnswerNotOfAws as error:
        raise StoreUnavailable(f"{operation}: {error}") from error
    except (BotoCoreError, ResponseParserError) as error:
        raise StoreUnavailable(f"{operation}: {type(error).__name__}") from error


def raise_if_unanswered(operation: str, asked: int, answered: int) -> None:
    """
    Make a failure of an answer that leaves out some of a call's entries.

    Raises:
        StoreUnavailable: nothing is known of at least one entry.
    """
    if answered != asked:
        raise StoreUnavailable(f"{operation}: {answered} of {asked} entries were answered")


def raise_if_refused(operation: str, codes: set[str]) -> None:
    """
    Make a failure of a call that AWS answers well, but for some of its entries.

    Raises:
        StoreUnavailable: there is a code.
    """
    if codes:
        raise StoreUnavailable(f"{operation}: {', '.join(sorted(codes))}")
