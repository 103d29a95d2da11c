"""
Hostile JSON, in the spirit of JSONTestSuite: parsers disagree about it, or break at it.

Each text has what must become of it: "valid" or "invalid" (recorded as such), or the reason that no
order can be read from it.
"""

import itertools
import json
from base64 import b64decode
from pathlib import Path
from typing import Any

from tests import envelopes

FOUND = Path(__file__).with_name("found.jsonl")
"""Where the fuzzer keeps what it finds, a line each: JSON of the text's base64."""
VALID, INVALID = "valid", "invalid"

_numbers = itertools.count(1)


def _order(more: str = "", amount: str = "1", account: str = '"1"') -> str:
    """Write an order of its own, with JSON text in its places."""
    fields = f'"amount":{amount},"fromAccount":{account},"toAccount":"2"'
    return f'{{"id":"hostile-{next(_numbers)}",{fields}{more}}}'


def _with_id(value: str) -> str:
    return f'{{"id":{value},"amount":1,"fromAccount":"1","toAccount":"2"}}'


def _members(fields: dict[str, Any]) -> str:
    """Write members as they stand in an object, but for an id, which is the order's own."""
    return json.dumps({name: value for name, value in fields.items() if name != "id"})[1:-1]


def _nested(opening: str, closing: str, levels: int) -> str:
    return _order(f',"note":{opening * levels}1{closing * levels}')


DEEP_INTEGER = "9" * 6_000  # more digits than Python converts by default

READABLE: dict[str, tuple[str, str]] = {
    # Amounts
    "an amount with an exponent": (_order(amount="1E+2"), VALID),
    "an amount in a string": (_order(amount='"0002580.10"'), VALID),
    "the largest amount": (_order(amount="9999999999999.99"), VALID),
    "an amount that a float would round": (_order(amount="4503599627370.49"), VALID),
    "one cent too many": (_order(amount="9999999999999.991"), INVALID),
    "an amount beyond a double": (_order(amount="1e400"), INVALID),
    "an amount beyond Decimal": (_order(amount="1e999999999999999999999"), INVALID),
    "an amount beyond Decimal's arithmetic": (_order(amount="1e1000000"), INVALID),
    "an amount below a double": (_order(amount="1e-400"), INVALID),
    "an amount of 6,000 digits": (_order(amount=DEEP_INTEGER), INVALID),
    "an amount of 6,000 decimals": (_order(amount=f"0.{DEEP_INTEGER}"), INVALID),
    "minus nought": (_order(amount="-0"), INVALID),
    "minus nought with decimals": (_order(amount="-0.00e5"), INVALID),
    "true as an amount": (_order(amount="true"), INVALID),
    "NaN in a string": (_order(amount='"NaN"'), INVALID),
    "Infinity in a string": (_order(amount='"Infinity"'), INVALID),
    "an exponent in a string": (_order(amount='"1e3"'), INVALID),
    "hexadecimal in a string": (_order(amount='"0x10"'), INVALID),
    "underscores in a string": (_order(amount='"1_000"'), INVALID),
    "an amount with a space": (_order(amount='" 1"'), INVALID),
    "an amount with a newline": (_order(amount='"1\\n"'), INVALID),
    "an amount in Arabic digits": (_order(amount='"\\u0661"'), INVALID),
    "an object as an amount": (_order(amount='{"$numberDecimal":"1"}'), INVALID),
    # Accounts and channels
    "an account as a number": (_order(account="1"), INVALID),
    "an account in fullwidth digits": (_order(account='"\uff11"'), INVALID),
    "an account with a newline": (_order(account='"1\\n"'), INVALID),
    "an account with NUL": (_order(account='"1\\u0000"'), INVALID),
    "an account with a lone surrogate": (_order(account='"\\ud800"'), INVALID),
    "an account of 35 digits": (_order(account=f'"{"1" * 35}"'), INVALID),
    "a list of accounts": (_order(account='["1"]'), INVALID),
    "a channel in capitals": (_order(',"channel":"WEB"'), INVALID),
    "a channel that is an object": (_order(',"channel":{"web":1}'), INVALID),
    "a channel with a lone surrogate": (_order(',"channel":"web\\udfff"'), INVALID),
    # Fields that are not the order's own, and are kept as they are
    "NUL in a note": (_order(',"note":"a\\u0000b"'), VALID),
    "a lone surrogate in a note": (_order(',"note":"\\ud800"'), VALID),
    "surrogates the wrong way round": (_order(',"note":"\\udc00\\ud800"'), VALID),
    "a noncharacter, escaped": (_order(',"note":"\\uffff\\ufffe"'), VALID),
    "a byte order mark inside": (_order(',"note":"\ufeff"'), VALID),
    "line separators": (_order(',"note":"\u2028\u2029\u0085"'), VALID),
    "text that runs both ways": (_order(',"note":"\u202e\u2066"'), VALID),
    "an emoji of many parts": (_order(',"note":"👩🏽‍🚀"'), VALID),
    "the replacement character, escaped": (_order(',"note":"\\ufffd"'), VALID),
    "DEL": (_order(',"note":"\x7f"'), VALID),
    "a number beyond a double elsewhere": (_order(',"note":-1e9999'), VALID),
    "6,000 digits elsewhere": (_order(f',"note":{DEEP_INTEGER}'), VALID),
    "an empty key": (_order(',"":1'), VALID),
    "keys of other languages": (_order(',"__proto__":{"valid":true},"constructor":1'), VALID),
    "a key with NUL": (_order(',"id\\u0000":"other"'), VALID),
    "a key in capitals": (_order(',"ID":"other","Amount":-1'), VALID),
    "31 levels of lists": (_nested("[", "]", 31), VALID),
    "31 levels of objects": (_nested('{"a":', "}", 31), VALID),
    "brackets in a string": (_order(f',"note":"{"[{" * 200}"'), VALID),
    "white space everywhere": (_order().replace(":", " \r\n\t:\t").replace(",", " ,\n"), VALID),
    "an id in escapes": (_with_id('"hostile\\u002descaped"'), VALID),
    "an id key in escapes": (_with_id('"hostile-key"').replace('"id"', '"\\u0069d"'), VALID),
    # Members of envelopes beside an order's own
    **{
        f"an order that looks like {name}": (_order(f",{_members(fields)}"), VALID)
        for name, fields in envelopes.ENVELOPES.items()
    },
    "200,000 characters": (_order(f',"note":"{"x" * 200_000}"'), VALID),
    "20,000 keys": (_order("".join(f',"{n}":{n}' for n in range(20_000))), VALID),
}

UNREADABLE: dict[str, tuple[str, str]] = {
    "white space": (" \r\n\t", "empty"),
    "null": ("null", "not_an_object"),
    "a list": (f"[{_order()}]", "not_an_object"),
    "a string": (json.dumps(_order()), "not_an_object"),
    "a number of 6,000 digits": (DEEP_INTEGER, "not_an_object"),
    "two objects": (_order() + _order(), "not_json"),
    "a trailing comma": (_order(","), "not_json"),
    "a comment": (_order("/* */"), "not_json"),
    "single quotes": (_order().replace('"', "'"), "not_json"),
    "no quotes": (_order().replace('"id"', "id"), "not_json"),
    "not closed": (_order()[:-1], "not_json"),
    "closed twice": (_order() + "}", "not_json"),
    "a string that is not closed": ('{"id":"a', "not_json"),
    "a backslash at the end": ('{"id":"a\\', "not_json"),
    "an escape that is none": (_order(',"note":"\\x41"'), "not_json"),
    "an escape that is cut": (_order(',"note":"\\u00"'), "not_json"),
    "NaN": (_order(amount="NaN"), "not_json"),
    "Infinity": (_order(',"note":-Infinity'), "not_json"),
    "a leading nought": (_order(amount="01"), "not_json"),
    "a leading plus": (_order(amount="+1"), "not_json"),
    "a leading point": (_order(amount=".5"), "not_json"),
    "a trailing point": (_order(amount="5."), "not_json"),
    "hexadecimal": (_order(amount="0x1"), "not_json"),
    "True": (_order(',"note":True'), "not_json"),
    "digits of another script": (_order(amount="\u0661"), "not_json"),
    "white space that is none": (_order().replace(":", "\u00a0:"), "not_json"),
    "a byte order mark": ("\ufeff" + _order(), "not_json"),
    "a newline in a string": (_order(',"note":"a\nb"'), "not_json"),
    "a key twice": (_order(',"amount":2'), "repeated_key"),
    "a key twice, once in escapes": (_order(',"\\u0069d":"other"'), "repeated_key"),
    "a key twice, deeper": (_order(',"note":[{"a":1,"a":2}]'), "repeated_key"),
    "32 levels below the order": (_nested("[", "]", 32), "too_deep"),
    "100,000 lists": ("[" * 100_000, "too_deep"),
    "40,000 objects": ('{"a":' * 40_000, "too_deep"),
    "no id": ('{"amount":1,"fromAccount":"1","toAccount":"2"}', "missing_id"),
    "an id of null": (_with_id("null"), "missing_id"),
    "an id that is a number": (_with_id("1"), "bad_id"),
    "an id that is a list": (_with_id('["a"]'), "bad_id"),
    "an empty id": (_with_id('""'), "bad_id"),
    "an id of 65 characters": (_with_id(f'"{"a" * 65}"'), "bad_id"),
    "an id that climbs": (_with_id('"../../etc/passwd"'), "bad_id"),
    "an id of two points": (_with_id('".."'), "bad_id"),
    "an id with a slash": (_with_id('"a/b"'), "bad_id"),
    "an id with a per cent": (_with_id('"a%2fb"'), "bad_id"),
    "an id with a header": (_with_id('"a\\r\\nX-Evil: yes"'), "bad_id"),
    "an id with a newline at its end": (_with_id('"a\\n"'), "bad_id"),
    "an id with NUL": (_with_id('"a\\u0000"'), "bad_id"),
    "an id with a lone surrogate": (_with_id('"a\\ud800"'), "bad_id"),
    "an id that looks like another": (_with_id('"\u0430bc"'), "bad_id"),
    **{name: (text, "foreign_envelope") for name, text in envelopes.texts().items()},
}

# Texts that can only come by HTTP: SQS refuses such a message.
BY_HTTP_ONLY: dict[str, bytes] = {
    "nothing": b"",
    "UTF-16": _order().encode("utf-16"),
    "UTF-32": _order().encode("utf-32-le"),
    "Latin-1": _order(',"note":"\u00e9"').encode("latin-1"),
    "an overlong slash": _order(',"note":"?"').encode().replace(b"?", b"\xc0\xaf"),
    "a surrogate in three bytes": _order(',"note":"?"').encode().replace(b"?", b"\xed\xa0\x80"),
    "a character that is cut": _order(',"note":"?"').encode().replace(b'?"', b"\xe2\x82"),
    "beyond Unicode": _order(',"note":"?"').encode().replace(b"?", b"\xf5\x80\x80\x80"),
    "NUL": _order(',"note":"?"').encode().replace(b"?", b"\x00"),
    "NUL at the end": _order().encode() + b"\x00",
    "a control character": _order(',"note":"?"').encode().replace(b"?", b"\x1b"),
    "a noncharacter": _order(',"note":"\uffff"').encode(),
    # API Gateway puts this one in the place of bytes that are not UTF-8.
    "the replacement character": _order(',"note":"\ufffd"').encode(),
    "compressed": b"\x1f\x8b\x08\x00\x00\x00\x00\x00",
    "MessagePack": b"\x81\xa2id\xa1a",
}

# Texts that are refused by HTTP, where nobody can tell what they were.
BY_QUEUE_ONLY: dict[str, tuple[str, str]] = {
    "the replacement character": (_order(',"note":"\ufffd"'), VALID),
}


def found() -> list[bytes]:
    """Read the texts by which the fuzzer reached code that no others reach."""
    lines = FOUND.read_text("ascii").splitlines() if FOUND.exists() else []
    return [b64decode(json.loads(line)) for line in lines]
