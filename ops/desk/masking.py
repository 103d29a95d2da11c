"""Masked accounts, for readers who have not asked to see them whole: `****1111`."""

import json
import re
from collections.abc import Callable
from typing import Any

from chalicelib.orders.errors import FieldError, Parameter, Sentence
from chalicelib.orders.record import Record
from chalicelib.orders.terms import TERMS, JsonNumber

SHOWN_DIGITS = 4
# In text that may not even be JSON: the name of a field, its value, and every longer run of digits.
FIELD = r'("(?:{names})"\s*:\s*)("(?:[^"\\]|\\.)*"?|[^,}}\s]+)'
LONG_NUMBER = re.compile(r"[0-9]{5,}")
# Parameters of sentences that are the system's own. Any other may quote an order.
OWN_PARAMETERS = frozenset({"most", "size", "count", "position", "line", "column"})


def mask(account: str) -> str:
    """Show only the last four digits, if there are more than those."""
    return "****" + (account[-SHOWN_DIGITS:] if len(account) > SHOWN_DIGITS else "")


def masked_record(record: Record) -> Record:
    """Mask a record's accounts, in its errors and an invalid order's payload too."""
    return record._replace(
        terms=record.terms.masked(mask),
        errors=tuple(map(masked_error, record.errors)),
        payload=None if record.payload is None else masked_text(record.payload),
    )


def masked_error(error: FieldError) -> FieldError:
    """Mask accounts that an error's sentence quotes: of a masked field the whole value."""
    hide = mask if _is_masked(error.field) else _masked_numbers
    return error._replace(sentence=masked_sentence(error.sentence, hide))


def masked_sentence(sentence: Sentence, hide: Callable[[str], str] | None = None) -> Sentence:
    """Put a sentence's quotations through `hide`, which masks longer runs of digits."""
    hide = hide or _masked_numbers
    return Sentence(
        sentence.key,
        {
            name: value if name in OWN_PARAMETERS else _masked_parameter(value, hide)
            for name, value in sentence.parameters.items()
        },
    )


def masked_text(text: str) -> str:
    """
    Mask everything in the text of an order that could be an account.

    Any run of five digits or more is, whatever field it is in, since channels misname fields.
    """
    names = "|".join(re.escape(name) for name, term in TERMS.items() if term.masked)
    without_fields = re.sub(
        FIELD.format(names=names), lambda match: match[1] + _masked_value(match[2]), text
    )
    return _masked_numbers(without_fields)


def masked_json(text: str) -> str:
    """Mask a JSON text, which stays one: a number that is masked becomes a string."""
    return _masked_json(json.loads(text, parse_int=JsonNumber, parse_float=JsonNumber))


def _masked_json(value: Any, *, is_account: bool = False) -> str:
    match value:
        case dict():
            fields = (
                f"{_masked_json(name)}: "
                f"{_masked_json(each, is_account=is_account or _is_masked(name))}"
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


def _masked_parameter(value: Parameter, hide: Callable[[str], str]) -> Parameter:
    return masked_sentence(value, hide) if isinstance(value, Sentence) else hide(value)


def _is_masked(name: str) -> bool:
    return name in TERMS and TERMS[name].masked


def _masked_string(text: str, *, is_account: bool) -> str:
    return mask(text) if is_account else _masked_numbers(text)


def _masked_numbers(text: str) -> str:
    return LONG_NUMBER.sub(lambda match: mask(match[0]), text)


def _masked_value(value: str) -> str:
    quote = '"' if value.startswith('"') else ""
    return f"{quote}{mask(value.strip(chr(34)))}{quote}"
