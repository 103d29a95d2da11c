"""Lambda's concurrency in the account: whether the processor leaves enough of it to the API."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from ops.deploy.problems import code_of
from ops.project import CONFIG, MERGE_TEMPLATE
from ops.templates import load_template

if TYPE_CHECKING:
    from ops.deploy.account import Aws
    from ops.deploy.stage_config import StageConfig

# Three times what a request takes (docs/scaling.md): now and then one waits for a cold start.
SECONDS_PER_REQUEST = 0.1
ADVICE = (
    "Ask for more (Service Quotas > AWS Lambda > Concurrent executions, in this region), or lower "
    f"ORDERS_MAXIMUM_CONCURRENCY in {CONFIG}."
)


@dataclass(frozen=True)
class Concurrency:
    """The functions that may run at once: all of the account, and those that nobody reserved."""

    quota: int
    unreserved: int


def concurrency_warning(aws: Aws, config: StageConfig) -> str | None:
    """
    Warn if the processor could take so much that the API is throttled. None: all is well.

    It never stands in the way: where Lambda doesn't say, the warning is that it is not known.
    """
    maximum = config.variables.get("ORDERS_MAXIMUM_CONCURRENCY")
    try:
        found = _read(aws)
    except (BotoCoreError, ClientError, ResponseParserError, KeyError) as error:
        why = code_of(error) if isinstance(error, ClientError) else type(error).__name__
        return (
            f"Lambda did not say how many functions may run at once here ({why}): see that "
            f"ORDERS_MAXIMUM_CONCURRENCY ({maximum or 'not set'}) leaves enough to the API."
        )
    # Packaging refuses what is no number, in words of its own.
    given = int(maximum) if maximum and maximum.isdecimal() else None
    return _judge(found, given, _requests_per_second(config))


def _requests_per_second(config: StageConfig) -> float:
    template = config.project / MERGE_TEMPLATE
    parameters = load_template(template.read_text(encoding="utf-8"))["Parameters"]
    given = config.settings.get("template_parameters", {}).get("ThrottleRate")
    try:
        return float(given)
    except (TypeError, ValueError):
        return float(parameters["ThrottleRate"]["Default"])


def _read(aws: Aws) -> Concurrency:
    limits = aws.awslambda.get_account_settings()["AccountLimit"]
    return Concurrency(limits["ConcurrentExecutions"], limits["UnreservedConcurrentExecutions"])


def _judge(found: Concurrency, maximum: int | None, requests_per_second: float) -> str | None:
    needed = ceil(requests_per_second * SECONDS_PER_REQUEST)
    taken = found.unreserved if maximum is None else min(maximum, found.unreserved)
    left = found.unreserved - taken
    if left >= needed:
        return None
    return (
        f"{found.quota} functions may run at once in this account and region, and "
        f"{found.quota - found.unreserved} of these are reserved. The processor may take {taken} "
        f"(ORDERS_MAXIMUM_CONCURRENCY is {maximum or 'not set'}), which leaves {left} to all "
        f"others; the API alone needs about {needed} for {requests_per_second:g} requests a second "
        f"(ThrottleRate). While a backlog drains, the API would be throttled. {ADVICE}"
    )
