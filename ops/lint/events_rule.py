"""The rule of events: stack, function and stream agree on the verdicts that are told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from chalicelib.orders.record import Status
from chalicelib.settings import ACCEPTED_ONLY
from ops.lint.rule import LAMBDA_DOCS, rule
from ops.next_command import make_command

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ops.lint.stage import StageSettings


def told_by(setting: str | None) -> frozenset[str]:
    """Return the verdicts of a setting of EventsOf."""
    return frozenset({Status.ACCEPTED} if (setting or ACCEPTED_ONLY) == ACCEPTED_ONLY else Status)


def fed_by(patterns: Sequence[str]) -> frozenset[str] | None:
    """
    Return the verdicts that the filters of an event source let in.

    None: it has no filter, or one of another form, which somebody else has written.
    """
    try:
        found = [json.loads(pattern)["dynamodb"]["NewImage"]["status"]["S"] for pattern in patterns]
    except (LookupError, TypeError, ValueError):
        return None
    return frozenset(status for statuses in found for status in statuses) if found else None


@rule(
    "events-told",
    "Let a filter leave out what the function has no use for: it costs nothing.",
    f"{LAMBDA_DOCS}/invocation-eventfiltering.html",
)
def _events_told(stage: StageSettings) -> Iterable[str]:
    events = stage.events
    if events is None:
        return
    told, fed = told_by(events.function_tells), fed_by(events.patterns)
    if told != told_by(events.stack_tells):
        yield (
            f"the resources have EventsOf={events.stack_tells}, and the function tells "
            f"{events.function_tells or ACCEPTED_ONLY}: type "
            f"`{make_command('deploy', STAGE=stage.stage)}`"
        )
    # After `chalice deploy` there is no filter: the function leaves the others out by itself.
    if fed is not None and told - fed:
        yield f"nobody hears of {', '.join(sorted(told - fed))}: the stream's filter leaves it out"
    if fed is not None and fed - told:
        yield f"the function is fed with {', '.join(sorted(fed - told))}, which it does not tell"


EVENTS_RULES = (_events_told,)
