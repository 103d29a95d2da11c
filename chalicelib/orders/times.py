"""Moments as text: UTC, ISO 8601 to the millisecond, with `Z`."""

import re
from datetime import UTC, datetime

# Hours to 23: some Pythons read hour 24 too, as the next day's first.
AS_WRITTEN = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}\.[0-9]{3}Z"
)


def now() -> datetime:
    """Read the time in UTC, to the millisecond: a record keeps no more of it."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def iso(moment: datetime) -> str:
    """Write a moment as text that sorts in order of time."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def parse_iso(text: str | None) -> datetime | None:
    """Read the moment that `iso` wrote; None if the text is anything else."""
    # ISO 8601 has many more ways to write it.
    if text is None or not AS_WRITTEN.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
