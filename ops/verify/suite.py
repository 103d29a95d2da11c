"""All checks, and running them: side by side, as most of a check's time is spent waiting."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING

from ops.verify import (
    answers,
    batches,
    deployed,
    messages,
    stores,
    submissions,
    traces,
    verdicts,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ops.verify.check import Check, Outcome
    from ops.verify.run import Run

CHECKS: tuple[Check, ...] = (
    verdicts.order,
    verdicts.duplicates,
    verdicts.correction,
    verdicts.idempotency_key,
    batches.order_batch,
    verdicts.concurrency,
    verdicts.largest_order,
    verdicts.lists,
    submissions.submission,
    submissions.dry_run,
    messages.poison,
    messages.ten_attributes,
    messages.not_utf8,
    stores.download,
    stores.download_host,
    stores.object_closed,
    stores.object_encrypted,
    stores.s3_condition,
    stores.s3_overwrite,
    stores.dynamodb_condition,
    stores.dynamodb_statements,
    stores.plain_http,
    answers.health,
    answers.closed_routes,
    answers.signatures,
    answers.refusals,
    answers.gateway,
    answers.compressed,
    answers.one_api_stage,
    answers.throttle,
    deployed.settings,
    deployed.event_source,
    deployed.roles,
    deployed.alarms,
    traces.logs,
    traces.metrics,
)

# More would only make a small stage slow: each check of many may start one more function.
AT_ONCE = 6


def run_checks(checks: Sequence[Check], run: Run) -> Iterator[tuple[Check, Outcome]]:
    """Yield each check with its outcome as it ends: first those that send, then what looks back."""
    for last in (False, True):
        yield from _side_by_side([check for check in checks if check.last is last], run)


def _side_by_side(checks: Sequence[Check], run: Run) -> Iterator[tuple[Check, Outcome]]:
    done: queue.SimpleQueue[tuple[Check, Outcome]] = queue.SimpleQueue()
    turns = threading.BoundedSemaphore(AT_ONCE)

    def take_turn(check: Check) -> None:
        with turns:
            done.put((check, check.run(run)))

    for check in checks:
        # Daemons: an interrupted run does not wait for an answer that may never come.
        threading.Thread(target=take_turn, args=(check,), daemon=True).start()
    for _ in checks:
        yield done.get()
