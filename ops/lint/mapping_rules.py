"""Rules of the event source mapping between the queue and the processor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops.lint.rule import LAMBDA_DOCS, rule
from ops.next_command import ops_command

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ops.lint.stage import StageSettings

LARGEST_BATCH_WITHOUT_WINDOW = 10
LARGEST_BATCH = 10_000
FEWEST_CONCURRENT, MOST_CONCURRENT = 2, 1000


@rule(
    "mapping-source",
    "Each stage is fed by its own queue.",
    f"{LAMBDA_DOCS}/services-sqs-configure.html",
)
def _mapping_source(stage: StageSettings) -> Iterable[str]:
    if stage.mapping.queue_arn != stage.queue.arn:
        yield f"the processor is fed by {stage.mapping.queue_arn}, not by {stage.queue.arn}"


@rule(
    "processing-on",
    "Lambda polls the queue. What waits is deleted when the queue's retention ends.",
    f"{LAMBDA_DOCS}/invocation-eventsourcemapping.html",
)
def _processing_on(stage: StageSettings) -> Iterable[str]:
    if not stage.mapping.polls:
        health, resume = (ops_command(each, stage=stage.stage) for each in ("health", "resume"))
        yield (
            f"the processing is paused, and OrdersQueue keeps an order for "
            f"{stage.queue.retention_seconds} s: `{health}` says by whom, `{resume}` goes on"
        )


@rule(
    "batch-and-window",
    "A batch over 10 needs a batching window of at least 1 second.",
    f"{LAMBDA_DOCS}/services-sqs-parameters.html",
)
def _batch_and_window(stage: StageSettings) -> Iterable[str]:
    size, window = stage.mapping.batch_size, stage.mapping.window_seconds
    if size > LARGEST_BATCH_WITHOUT_WINDOW and window < 1:
        yield (
            f"a batch of {size} needs a window of at least 1 s: it has {window} s "
            "(ORDERS_BATCH_WINDOW_SECONDS)"
        )
    if not 1 <= size <= LARGEST_BATCH:
        yield f"a batch of {size} is not 1 to {LARGEST_BATCH}"


@rule(
    "maximum-concurrency",
    "A maximum concurrency of 2 to 1000, and no more than what is reserved for the function.",
    f"{LAMBDA_DOCS}/services-sqs-scaling.html",
)
def _maximum_concurrency(stage: StageSettings) -> Iterable[str]:
    maximum, reserved = stage.mapping.maximum_concurrency, stage.processor.reserved_concurrency
    if maximum is None:
        yield (
            "the mapping has no maximum concurrency: a backlog takes all that the account has "
            "(ORDERS_MAXIMUM_CONCURRENCY)"
        )
    elif not FEWEST_CONCURRENT <= maximum <= MOST_CONCURRENT:
        yield f"maximum concurrency {maximum} is not {FEWEST_CONCURRENT} to {MOST_CONCURRENT}"
    elif reserved is not None and reserved < maximum:
        yield (
            f"{reserved} are reserved for the processor, less than the mapping's {maximum}: "
            "batches beyond are throttled, and each time counts as a receive"
        )


@rule(
    "own-concurrency",
    "The maximum concurrency is the one of the stage's settings. Without it a backlog grows.",
    f"{LAMBDA_DOCS}/services-sqs-scaling.html",
)
def _own_concurrency(stage: StageSettings) -> Iterable[str]:
    now = stage.mapping.maximum_concurrency
    own = stage.processor.variables.get("ORDERS_MAXIMUM_CONCURRENCY")
    # Without any, or with a wrong one, the rule before speaks.
    if now and own and str(now) != own and FEWEST_CONCURRENT <= now <= MOST_CONCURRENT:
        back = ops_command("resume", maximum_concurrency=own, stage=stage.stage)
        yield (
            f"{now} batches are processed at once, and {own} by ORDERS_MAXIMUM_CONCURRENCY. After "
            f"a slow `resume`, `{back}` takes it back"
        )


MAPPING_RULES = (
    _mapping_source,
    _processing_on,
    _batch_and_window,
    _maximum_concurrency,
    _own_concurrency,
)
