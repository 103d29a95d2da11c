"""Alternatives in a sentence."""

from collections.abc import Sequence


def either(names: Sequence[str]) -> str:
    """Write names, one of which is meant: a, b or c."""
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last
