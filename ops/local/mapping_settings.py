"""The worker's settings: the same as an event source mapping's, with Lambda's limits."""

from dataclasses import dataclass, field

from ops.stage_names import LOCAL_STAGE, processor_name

# SQS: the most that one call receives or deletes.
SQS_BATCH_LIMIT = 10
# Lambda: the most that a batch of a standard queue holds, given a window.
LARGEST_BATCH = 100


@dataclass(frozen=True)
class Batching:
    """
    The gathering of messages into batches, with Lambda's limits.

    Raises:
        ValueError: Lambda would refuse it too.
    """

    batch_size: int = 10
    window_seconds: float = 0.0
    maximum_concurrency: int = 2

    def __post_init__(self) -> None:
        if not 1 <= self.batch_size <= LARGEST_BATCH:
            raise ValueError(f"A batch holds 1 to {LARGEST_BATCH} messages, not {self.batch_size}.")
        if self.batch_size > SQS_BATCH_LIMIT and self.window_seconds < 1:
            raise ValueError(f"A batch over {SQS_BATCH_LIMIT} needs a window of at least 1 second.")


@dataclass(frozen=True)
class MappingSettings:
    """The settings of an event source mapping and of the function behind it."""

    queue_url: str
    queue_arn: str
    batching: Batching = field(default_factory=Batching)
    report_batch_item_failures: bool = False
    function_name: str = processor_name(LOCAL_STAGE)
    function_timeout_seconds: float = 60.0
    # SQS allows 20. A stop waits for the polls in flight: one given up could have taken messages.
    poll_seconds: int = 1
