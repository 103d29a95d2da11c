"""
A caller's `traceparent` (W3C Trace Context, level 1), which tells its request apart in its traces.

It goes with an order, and is no part of it: no identity, no verdict and no answer depends on it.
"""

import re

TRACEPARENT = "traceparent"
# Version, trace id, parent id, flags: of lower-case hexadecimal digits, and no id is all zeros. A
# later version may have more after a hyphen. There is no version ff.
FORM = re.compile(
    r"(?P<version>(?!ff)[0-9a-f]{2})-(?P<trace>(?!0{32})[0-9a-f]{32})"
    r"-(?P<parent>(?!0{16})[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})(?P<more>-.*)?",
    re.DOTALL,
)
KNOWN_VERSION = "00"
SAMPLED = 0x01


def well_formed_traceparent(text: str) -> str | None:
    """
    Return a `traceparent` that can be carried on; None where the text is none.

    What a later version says is written in the known version, as the standard asks for: its ids,
    and of its flags the one that is known.
    """
    found = FORM.fullmatch(text)
    if not found:
        return None
    if found["version"] == KNOWN_VERSION:
        return None if found["more"] else text
    flags = int(found["flags"], 16) & SAMPLED
    return f"{KNOWN_VERSION}-{found['trace']}-{found['parent']}-{flags:02x}"


def trace_id_of(traceparent: str) -> str:
    """Return the trace id of a well-formed `traceparent`: 32 hexadecimal digits."""
    return traceparent[3:35]
