"""
(e) aiobotocore and `BatchExecuteStatement`, with everything right: the best of a specialist.

All clients are tuned as (d) tunes its own: no validation of parameters, no second checksum, and no
question before a body is sent.
"""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from typing import Any

from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from botocore.handlers import add_expect_header

from benchmarks.contenders.statement_batch import Entry, StatementBatch

CONFIG = AioConfig(
    connect_timeout=1,
    read_timeout=2,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=100,
    parameter_validation=False,
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
    user_agent="Botocore",
)
logger = Logger(service="orders")
metrics = Metrics(namespace="Orders", service="orders")


async def make_batch() -> StatementBatch:
    stack, session = AsyncExitStack(), get_session()
    s3 = await stack.enter_async_context(session.create_client("s3", config=CONFIG))
    s3.meta.events.unregister("before-call.s3", add_expect_header)
    dynamodb = await stack.enter_async_context(session.create_client("dynamodb", config=CONFIG))
    return StatementBatch(s3, dynamodb)


loop = asyncio.new_event_loop()
batch = loop.run_until_complete(make_batch())


@metrics.log_metrics
def process(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    entries = loop.run_until_complete(batch.process(event["Records"]))
    for status, count in Counter(map(told, entries)).items():
        metrics.add_metric(f"Orders{status}", MetricUnit.Count, count)
    failed = [each for each in entries if isinstance(each.result, Exception)]
    return {"batchItemFailures": [{"itemIdentifier": each.message["messageId"]} for each in failed]}


def told(entry: Entry) -> str:
    """Log the outcome of a message; return its name."""
    about = {"orderId": entry.order.get("id"), "messageId": entry.message["messageId"]}
    if isinstance(entry.result, Exception):
        logger.error("FAILED", exc_info=entry.result, extra=about)
        return "FAILED"
    logger.info(entry.result, extra=about)
    return str(entry.result)
