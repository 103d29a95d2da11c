"""The contenders of `make bench`: each is a module of benchmarks/contenders, and its variables."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class Entrant(NamedTuple):
    """A contender: its name in the tables, its module, and variables of its own."""

    title: str
    module: str
    variables: Mapping[str, str] = {}


BASELINE, BATCH, ASYNC, STATEMENTS = (
    "serial_boto3",
    "powertools_batch",
    "powertools_async",
    "aiobotocore_statements",
)
OURS, OVER_BOTO3, BY_HAND = "ours", "ours_over_boto3", "ours_by_hand"
# In the order of their turns: (d) comes right before its floor, so that both meet the same machine.
LINEUP = {
    BASELINE: Entrant("(a)", BASELINE),
    BATCH: Entrant("(b)", BATCH),
    ASYNC: Entrant("(c)", ASYNC),
    STATEMENTS: Entrant("(e)", STATEMENTS),
    OVER_BOTO3: Entrant("(d) over boto3", OURS, {"ORDERS_ARCHIVE": "boto3"}),
    OURS: Entrant("(d)", OURS),
    BY_HAND: Entrant("(d) by hand", BY_HAND),
}
# They do with a duplicate and an invalid order what another one in the table does.
ONLY_VALID = {BATCH, OVER_BOTO3, BY_HAND}
