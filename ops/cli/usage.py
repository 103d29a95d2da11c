"""The messages of wrong arguments: click quotes what was typed, and that may be an account."""

from ops.desk.masking import masked_text

# Click's own words before the numbers that it would take.
RANGE = " is not in the range "


def masked_usage(message: str) -> str:
    """Mask what the message of a usage error quotes."""
    quotation, *rest = message.partition(RANGE)
    return "".join([masked_text(quotation), *rest])
