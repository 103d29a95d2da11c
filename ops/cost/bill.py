"""The bill for a number of orders, per component."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DIRECTORY = Path(__file__).parent
FUNCTION_GB = 0.5
BYTES_PER_GB = 2**30
# The most messages of one receive and of one delete. Lambda's poller makes these calls, which can't
# be measured here: it is taken at its best, with full batches of at most 64 KiB (each 64 KiB begun
# is a request) and no empty receive.
SQS_BATCH_LIMIT = 10
# An eventually consistent read of up to 4 KiB, as query-then-put makes it.
READ_UNITS_PER_QUERY = 0.5


class NotMeasured(LookupError):
    """The benchmark has no such figures: the message says which ones it has."""


@dataclass(frozen=True)
class Design:
    """One order's share of calls, units, bytes and time in a design, as the benchmark counted."""

    name: str
    batch_size: int
    calls_per_order: dict[str, float]
    write_units_per_order: float
    item_bytes_per_order: float
    object_bytes_per_order: float
    log_bytes_per_order: float
    ms_per_order: float
    intake_ms_per_order: float

    def calls(self, name: str) -> float:
        return self.calls_per_order.get(name, 0.0)


def measured_design(contender: str, batch_size: int, directory: Path = DIRECTORY) -> Design:
    """
    Read a design's figures, which `make bench` left.

    Raises:
        NotMeasured: it was not run with this batch size.
    """
    measured = _read(directory / "measured.json")
    sizes = measured["contenders"][contender]
    if str(batch_size) not in sizes:
        raise NotMeasured(f"measured is a batch of {', '.join(sizes)}, not of {batch_size}")
    intake = measured["intake_ms_per_order"]
    return Design(contender, batch_size, **sizes[str(batch_size)], intake_ms_per_order=intake)


def prices(directory: Path = DIRECTORY) -> dict[str, Any]:
    """Read the price list, with its date and source."""
    return _read(directory / "prices.json")


def when_measured(directory: Path = DIRECTORY) -> str:
    """Read the date and the machine of the figures."""
    text: str = _read(directory / "measured.json")["measured"]
    return text


def bill(design: Design, orders: int, price: dict[str, Any]) -> dict[str, float]:
    """Compute the cost of each component for so many orders, storage for their first month."""
    polls = 2 / min(design.batch_size, SQS_BATCH_LIMIT)
    gb_seconds = FUNCTION_GB / 1000
    per_order = {
        "API Gateway, requests": price["api_gateway_rest_request"],
        "Lambda, API function": price["lambda_request"]
        + design.intake_ms_per_order * gb_seconds * price["lambda_arm64_gb_second"],
        "SQS, send, receive and delete": (1 + polls) * price["sqs_standard_request"],
        "Lambda, processor": price["lambda_request"] / design.batch_size
        + design.ms_per_order * gb_seconds * price["lambda_arm64_gb_second"],
        "S3, puts": design.calls("S3 PutObject") * price["s3_standard_put"],
        "DynamoDB, writes": design.write_units_per_order * price["dynamodb_on_demand_write_unit"],
        "DynamoDB, reads": design.calls("DynamoDB Query")
        * READ_UNITS_PER_QUERY
        * price["dynamodb_on_demand_read_unit"],
        "CloudWatch Logs, processor": design.log_bytes_per_order
        / BYTES_PER_GB
        * price["cloudwatch_logs_gb"],
        "Storage, first month": (
            design.object_bytes_per_order * price["s3_standard_gb_month"]
            + design.item_bytes_per_order * price["dynamodb_standard_gb_month"]
        )
        / BYTES_PER_GB,
    }
    return {component: orders * cost for component, cost in per_order.items()}


def keys_bill(orders: int, price: dict[str, Any]) -> float:
    """Compute what Idempotency-Keys add for so many orders: one write of a small item each."""
    per_write: float = price["dynamodb_on_demand_write_unit"]
    return orders * per_write


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content
