"""The values that a template's parameter takes: CloudFormation looks only when it deploys."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from ops.alternatives import either

if TYPE_CHECKING:
    from collections.abc import Mapping


def unmet_need(parameter: Mapping[str, Any], value: object) -> str | None:
    """Say what a value would have to be, where the parameter doesn't take it; None if it does."""
    text = str(value)
    pattern = parameter.get("AllowedPattern")
    if pattern is not None and not re.fullmatch(pattern, text):
        return str(parameter.get("ConstraintDescription", f"a text like {pattern}"))
    allowed = [str(each) for each in parameter.get("AllowedValues", [text])]
    if text not in allowed:
        return either(allowed)
    least, most = parameter.get("MinValue"), parameter.get("MaxValue")
    if least is not None and not _is_between(least, most, text):
        return f"a number of at least {least}" + (f" and at most {most}" if most else "")
    return None


def _is_between(least: int, most: int | None, text: str) -> bool:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return False
    return number.is_finite() and number >= least and (most is None or number <= most)
