"""Names of regions: one that boto3 does not know is likely mistyped."""

from __future__ import annotations

from difflib import SequenceMatcher
from functools import cache

import botocore.session

from ops.alternatives import either

MOST_GUESSES = 3
# Of a name's letters: with less, us-east-1 would be a guess for most that can be typed.
LIKE_ENOUGH = 0.75
# As "us" or "eu".
BEGINNING = 2


def doubts_about(region: str | None) -> str:
    """Say that boto3 does not know a region, and which are meant perhaps; nothing if it does."""
    if not region or region in known_regions():
        return ""
    guesses = nearest_regions(region)
    meant = f": did you mean {either(guesses)}?" if guesses else "."
    return f"The region is {region}, which boto3 does not know{meant} "


def nearest_regions(typed: str) -> list[str]:
    """List the regions that are written most like what was typed, the nearest first."""
    plain = typed.lower().replace("_", "-").replace(" ", "-")
    if plain in known_regions():
        return [plain]
    likeness = {name: SequenceMatcher(None, plain, name).ratio() for name in known_regions()}
    near = [name for name, share in likeness.items() if share >= LIKE_ENOUGH]
    # Whoever mistypes a name mostly has its beginning right.
    begins_right = {name: name[:BEGINNING] == plain[:BEGINNING] for name in near}
    near.sort(key=lambda name: (-likeness[name], not begins_right[name], name))
    return near[:MOST_GUESSES]


@cache
def known_regions() -> tuple[str, ...]:
    """List the regions of all partitions."""
    session = botocore.session.Session()
    return tuple(
        name
        for partition in session.get_available_partitions()
        for name in session.get_available_regions("cloudformation", partition)
    )
