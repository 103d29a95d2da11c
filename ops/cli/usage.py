"""The messages of wrong arguments: click quotes what was typed, and that may be an account."""

import re

from ops.desk.masking import masked_text

# Click's own words before the numbers that it would take.
RANGE = " is not in the range "
NUMBER = re.compile(r"[0-9]+")


def masked_usage(message: str) -> str:
    """
    Mask what the message of a usage error quotes.

    A number that is as short as its limit, such as a port of 99999, is no account.
    """
    quotation, *rest = message.partition(RANGE)
    limits = NUMBER.findall("".join(rest))
    if NUMBER.fullmatch(quotation) and len(quotation) <= max(map(len, limits), default=0):
        return message
    return "".join([masked_text(quotation), *rest])
