"""JSON for people to read."""

import json


class _Number(str):
    """A JSON number as it was written."""

    __slots__ = ()


def pretty(text: str) -> str:
    """Write a JSON object with a field a line; leave any other text as it is."""
    try:
        return _pretty(text)
    # A dead letter may be nested so deeply that the parser or the writer gives up.
    except (ValueError, RecursionError):
        return text


def _pretty(text: str) -> str:
    fields = json.loads(text, parse_float=_Number, parse_int=_Number)
    if not isinstance(fields, dict):
        return text
    lines = [
        f"  {json.dumps(name, ensure_ascii=False)}: {_value(value)}"
        for name, value in fields.items()
    ]
    return "{\n" + ",\n".join(lines) + "\n}"


def _value(value: object) -> str:
    return value if isinstance(value, _Number) else json.dumps(value, ensure_ascii=False)
