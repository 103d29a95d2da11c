"""Hosts of AWS by their names, in every partition: amazonaws.com is the suffix of only two."""

from __future__ import annotations

import re
from functools import cache
from urllib.parse import urlsplit

from botocore.loaders import create_loader

# As us-east-1, us-gov-west-1, eusc-de-east-1. One that AWS doesn't have has the same form.
REGION = re.compile(r"[a-z]+(-[a-z]+)*-\d+")
# Queues' older addresses are REGION.queue.SUFFIX.
OLD_QUEUE_LABEL = "queue"


def is_of_aws(url: str) -> bool:
    """Tell whether an address is one of AWS; an emulator's is not."""
    return _name_before_suffix(url) is not None


def region_of(url: str) -> str | None:
    """Find the region in an address of AWS; None if it is another's, or names no region."""
    name = _name_before_suffix(url)
    labels = name.split(".") if name else []
    if len(labels) < 2:  # noqa: PLR2004 (a service and its region)
        return None
    label = labels[0] if labels[-1] == OLD_QUEUE_LABEL else labels[-1]
    return label if REGION.fullmatch(label) else None


def _name_before_suffix(url: str) -> str | None:
    host = urlsplit(url).hostname or ""
    return next((host.removesuffix(suffix) for suffix in suffixes() if host.endswith(suffix)), None)


@cache
def suffixes() -> tuple[str, ...]:
    """List what hosts of AWS end in, with the dot before it: one or two for each partition."""
    # A session would read the profile too, and fail at one that isn't there.
    data = create_loader().load_data("partitions")
    outputs = [partition["outputs"] for partition in data["partitions"]]
    return tuple(
        f".{each[name]}" for each in outputs for name in ("dnsSuffix", "dualStackDnsSuffix")
    )
