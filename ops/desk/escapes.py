"""Text without its escapes: those of JSON, of URLs and of HTML may spell an account."""

import html
import re
from urllib.parse import unquote

# A text may be escaped again, and once more.
MOST_ROUNDS = 4
CODE = re.compile(
    r"\\u\{([0-9a-fA-F]{1,6})\}|\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})|\\x([0-9a-fA-F]{2})"
)
# Between the characters of an escape they would hide it: the zeros of UTF-16 do.
UNSEEN = dict.fromkeys(map(ord, "\0\u00ad\u200b\u200c\u200d\u2060\ufeff"))
# They would end a string that they only stand in.
STRUCTURE = {'"': '\\"', "\\": "\\\\"}


def unescaped(text: str) -> str:
    """Return a text with the characters that its escapes stand for, and without unseen ones."""
    text = text.translate(UNSEEN)
    for _ in range(MOST_ROUNDS):
        decoded = _once(text)
        if decoded == text:
            break
        text = decoded
    return text


def _once(text: str) -> str:
    if "\\" in text:
        text = _joined(CODE.sub(_character, text))
    if "%" in text:
        text = unquote(text)
    return html.unescape(text) if "&" in text else text


def _character(match: re.Match[str]) -> str:
    code = int(next(filter(None, match.groups())), 16)
    if code > 0x10FFFF:  # noqa: PLR2004 (the last code point of Unicode)
        return match[0]
    return STRUCTURE.get(chr(code), chr(code))


def _joined(text: str) -> str:
    """Make one character of two halves of it, as JSON writes those beyond U+FFFF."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
