"""Accounts as they are shown to whoever has not asked to see them: `****1111`."""

import re

from chalicelib.submissions import Record

SHOWN_DIGITS = 4
# In text that may not even be JSON: every longer run of digits, and whatever an account field has.
ACCOUNT_FIELD = re.compile(r'("(?:from|to)Account"\s*:\s*)("(?:[^"\\]|\\.)*"?|[^,}\s]+)')
LONG_NUMBER = re.compile(r"[0-9]{5,}")


def masked(account: str | None) -> str | None:
    """The last four digits, if there are more than those."""
    if account is None:
        return None
    return "****" + (account[-SHOWN_DIGITS:] if len(account) > SHOWN_DIGITS else "")


def masked_record(record: Record) -> Record:
    """The record with its accounts masked, in the payload of an invalid order too."""
    return record._replace(
        from_account=masked(record.from_account),
        to_account=masked(record.to_account),
        payload=None if record.payload is None else masked_text(record.payload),
    )


def masked_text(text: str) -> str:
    """
    The text of an order with everything masked that could be an account.

    Any run of five digits or more is, whatever field it is in, since channels misname fields.
    """
    without_fields = ACCOUNT_FIELD.sub(lambda match: match[1] + _masked_value(match[2]), text)
    return LONG_NUMBER.sub(lambda match: masked(match[0]) or "", without_fields)


def _masked_value(value: str) -> str:
    quote = '"' if value.startswith('"') else ""
    return f"{quote}{masked(value.strip(chr(34)))}{quote}"
