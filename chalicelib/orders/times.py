"""Moments as text: UTC, ISO 8601 to the millisecond, with `Z`."""

from datetime import UTC, datetime


def now() -> datetime:
    """Read the time in UTC, to the millisecond: a record keeps no more of it."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def iso(moment: datetime) -> str:
    """Write a moment as text that sorts in order of time."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def parse_iso(text: str | None) -> datetime | None:
    """Read the moment that `iso` wrote; None if the text is anything else."""
    if text is None or not text.endswith("Z"):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    # ISO 8601 has many more ways to write it.
    return moment if iso(moment) == text else None
