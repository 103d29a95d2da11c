"""
Accounts, masked for readers who have not asked to see them whole: `****1111`.

All that people are shown of what came from outside goes through here: values are masked as they
are decoded, never as they happen to be spelt. `masked_records.py` masks whole records.
"""

import re
from base64 import b64decode
from contextlib import suppress
from functools import lru_cache, partial
from itertools import islice

from ops.desk.account_shapes import accounts_in
from ops.desk.escapes import unescaped
from ops.desk.masked_json import JsonMask, is_account_field

SHOWN_DIGITS = 4
JSON_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
LOOKS_LIKE_JSON = re.compile(r'\s*(?:[\ufeff\0]\s*)?[\[{"]')
# In text that is no JSON: a name, perhaps in quotes, and its value.
FIELD = re.compile(
    r"""(?P<name>[A-Za-z][A-Za-z0-9_ -]{2,40})(?P<between>["'\s]*[:=>]\s*)
    (?P<value>"(?:[^"\\]|\\.)*"?|'[^']*'?|[\[{][^\]}]*[\]}]?|[^,}<&;\s]+)""",
    re.VERBOSE,
)
BASE64 = re.compile(r"[A-Za-z0-9+/_-]{8,}={0,2}")
# The two forms of base64 are one.
URL_SAFE = str.maketrans("-_", "+/")
ENCODINGS = ("utf-8", "utf-16", "utf-16-be")
LINES = str.maketrans("\t\n\r", "   ")
SLASH = re.compile(r"/")
MOST_STARTS = 8
# Base64 of base64 of base64: what is deeper is hidden unread, for each level costs several looks.
MOST_NESTED = 3
MOST_REMEMBERED = 200
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def mask(account: str) -> str:
    """Show only the last four digits, if there are more than those."""
    return "****" + (account[-SHOWN_DIGITS:] if len(account) > SHOWN_DIGITS else "")


def masked_text(text: str) -> str:
    """
    Mask everything in a text that could be an account.

    JSON stays JSON, and is written anew if anything in it is masked. Other text is masked as it is
    once its escapes are decoded; if there is nothing to mask, it stays as it is.
    """
    # Nearly all ids are one, and a list of a million has two million of them.
    if UUID.fullmatch(text):
        return text
    return _remembered(text) if len(text) <= MOST_REMEMBERED else _masked(text)


def _masked(text: str, nested: int = 0) -> str:
    """Mask a text that stands in so many layers of base64."""
    if LOOKS_LIKE_JSON.match(text):
        with suppress(ValueError, RecursionError):
            rendering, is_masked = _json_mask(nested).rendering(text)
            return rendering if is_masked else text
    return _masked_words(text, nested)


# Callers and ids come again and again in a long list.
_remembered = lru_cache(maxsize=2048)(_masked)


def masked_quotation(text: str) -> str:
    """Mask a value as an error quotes it: JSON that may be cut short."""
    return _json_mask().number(text) if JSON_NUMBER.fullmatch(text) else masked_text(text)


def masked_payload(text: str) -> str:
    """Mask the text of an order, which is written anew if it is JSON, in base64 too."""
    with suppress(ValueError, RecursionError):
        return _json_mask().rendering(_from_base64(text) or text)[0]
    return _masked_words(text)


def _masked_words(text: str, nested: int = 0) -> str:
    """Mask text that is no JSON; without its escapes, if they hide something."""
    decoded = unescaped(text)
    if decoded != text:
        masked = _masked_parts(decoded, nested)
        if masked != decoded:
            return masked
    return _masked_parts(text, nested)


def _masked_parts(text: str, nested: int) -> str:
    text = FIELD.sub(_masked_field, text)
    text = BASE64.sub(partial(_masked_base64, nested=nested), text)
    parts, start = [], 0
    for span in accounts_in(text):
        parts += [text[start : span.start], mask(span.digits)]
        start = span.end
    return "".join([*parts, text[start:]])


def _masked_field(match: re.Match[str]) -> str:
    # Other words may stand before the name.
    words = match["name"].split()
    if not any(is_account_field("".join(words[place:])) for place in range(len(words))):
        return match[0]
    quote = match["value"][0] if match["value"][0] in "\"'" else ""
    value = "".join(filter(str.isalnum, match["value"]))
    return f"{match['name']}{match['between']}{quote}{mask(value)}{quote}"


def _masked_base64(match: re.Match[str], nested: int) -> str:
    """Hide base64 of a text with an account in it: nobody reads it, and anybody can decode it."""
    token = match[0]
    # A slash may be of it, or stand before it, as in a key.
    starts = [0, *(slash.end() for slash in islice(SLASH.finditer(token), MOST_STARTS))]
    read: list[str] = []
    for start in starts:
        decoded = _from_base64(token[start:])
        # What is the end of a text that was read needs no second look.
        if decoded is None or any(text.endswith(decoded) for text in read):
            continue
        read.append(decoded)
        if nested == MOST_NESTED or _masked(decoded, nested + 1) != decoded:
            return f"{token[:start]}****"
    return token


def _from_base64(text: str) -> str | None:
    """Decode base64 of a text, in UTF-8 or UTF-16."""
    compact = "".join(text.split()).rstrip("=").translate(URL_SAFE)
    if not BASE64.fullmatch(compact) or compact.isdecimal():
        return None
    with suppress(ValueError):
        data = b64decode(compact + "=" * (-len(compact) % 4), validate=True)
        for encoding in ENCODINGS:
            with suppress(UnicodeError):
                decoded = data.decode(encoding)
                if decoded.translate(LINES).isprintable():
                    return decoded
    return None


@lru_cache
def _json_mask(nested: int = 0) -> JsonMask:
    return JsonMask(mask, partial(_masked, nested=nested) if nested else masked_text)
