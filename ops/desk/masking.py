"""Accounts as they are shown to whoever has not asked to see them: `****1111`."""

import json
import re
from typing import Any

from chalicelib.orders import JsonNumber
from chalicelib.submissions import Record

SHOWN_DIGITS = 4
ACCOUNT_FIELDS = {"fromAccount", "toAccount"}
# In text that may not even be JSON: every longer run of digits, and whatever an account field has.
ACCOUNT_FIELD = re.compile(r'("(?:from|to)Account"\s*:\s*)("(?:[^"\\]|\\.)*"?|[^,}\s]+)')
LONG_NUMBER = re.compile(r"[0-9]{5,}")


def masked(account: str | None) -> str | None:
    """Show only the last four digits, if there are more than those."""
    if account is None:
        return None
    return "****" + (account[-SHOWN_DIGITS:] if len(account) > SHOWN_DIGITS else "")


def masked_record(record: Record) -> Record:
    """Mask a record's accounts, in the payload of an invalid order too."""
    return record._replace(
        from_account=masked(record.from_account),
        to_account=masked(record.to_account),
        payload=None if record.payload is None else masked_text(record.payload),
    )


def masked_text(text: str) -> str:
    """
    Mask everything in the text of an order that could be an account.

    Any run of five digits or more is, whatever field it is in, since channels misname fields.
    """
    without_fields = ACCOUNT_FIELD.sub(lambda match: match[1] + _masked_value(match[2]), text)
    return _masked_numbers(without_fields)


def masked_json(text: str) -> str:
    """Mask a JSON text, which stays one: a number that is masked becomes a string."""
    return _masked_json(json.loads(text, parse_int=JsonNumber, parse_float=JsonNumber))


def _masked_json(value: Any, *, is_account: bool = False) -> str:
    match value:
        case dict():
            fields = (
                f"{_masked_json(name)}: "
                f"{_masked_json(each, is_account=is_account or name in ACCOUNT_FIELDS)}"
                for name, each in value.items()
            )
            return f"{{{', '.join(fields)}}}"
        case list():
            return f"[{', '.join(_masked_json(each, is_account=is_account) for each in value)}]"
        case JsonNumber(text):
            shown = _masked_string(text, is_account=is_account)
            return text if shown == text else json.dumps(shown)
        case str():
            return json.dumps(_masked_string(value, is_account=is_account))
        case _:
            return json.dumps(value)


def _masked_string(text: str, *, is_account: bool) -> str:
    return (masked(text) or "") if is_account else _masked_numbers(text)


def _masked_numbers(text: str) -> str:
    return LONG_NUMBER.sub(lambda match: masked(match[0]) or "", text)


def _masked_value(value: str) -> str:
    quote = '"' if value.startswith('"') else ""
    return f"{quote}{masked(value.strip(chr(34)))}{quote}"
