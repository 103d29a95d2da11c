"""Pages of a long answer of AWS, read one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from chalicelib.aws.failures import unavailable_on_failure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Page = TypeVar("Page")


def each_page(pages: Iterable[Page], operation: str) -> Iterator[Page]:
    """
    Yield the pages that one of boto3's paginators reads.

    Raises:
        StoreUnavailable: a page could not be read. The failures of whoever gets them are their own.
    """
    iterator = iter(pages)
    while True:
        with unavailable_on_failure(operation):
            page = next(iterator, None)
        if page is None:
            return
        yield page
