"""Names of stages in settings and policies: which stages a text names, and other names in it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# As the templates' parameter Stage has it.
_STAGE = r"(?P<stage>[a-z][a-z0-9-]{1,19}?)"
_ALONE = r"(?![\w-])"
# A queue, a topic, a table, a bus, a function, an alias, a log group or a metric's service.
_FUNCTION = "(?:-process_orders|-publish_events|-seal_days)?"
_NAME = rf"orders-(?:events-dlq-|events-|dlq-)?{_STAGE}{_FUNCTION}{_ALONE}"
# A bucket's own name may be any other: only one with an account's number is a stage's.
_ACCOUNT = r"-(?:[?]{12}|[0-9]{12})"
_MENTIONS = (
    re.compile(rf"(?<![\w-])(?<!:s3:::){_NAME}"),
    re.compile(rf"(?<![\w-])orders-{_STAGE}{_ACCOUNT}{_ALONE}"),
    re.compile(rf"(?<![\w-])policy-(?:api|processor|events|seals)-{_STAGE}\.json"),
)


def stages_named_in(text: str) -> set[str]:
    """List the stages whose resources, or policy files, a text names."""
    return {found["stage"] for found in _mentions(text)}


def with_other_stage(text: str, stage: str, other: str) -> str:
    """Write a text with the names of another stage's resources in place of a stage's."""
    ours = {found.span("stage") for found in _mentions(text) if found["stage"] == stage}
    for start, end in sorted(ours, reverse=True):
        text = text[:start] + other + text[end:]
    return text


def _mentions(text: str) -> Iterator[re.Match[str]]:
    for pattern in _MENTIONS:
        yield from pattern.finditer(text)
