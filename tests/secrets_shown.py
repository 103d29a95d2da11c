"""Account numbers as senders may spell them, and a look for them in whatever people are shown."""

from base64 import b64encode
from functools import lru_cache
from unicodedata import digit, normalize

from ops.desk.escapes import unescaped

ENGLISH_DIGITS = "0123456789"
FULL_WIDTH = str.maketrans(ENGLISH_DIGITS, "０１２３４５６７８９")  # noqa: RUF001 (they are meant)
ARABIC = str.maketrans(ENGLISH_DIGITS, "٠١٢٣٤٥٦٧٨٩")
BOLD = {ord(each): chr(0x1D7CE + int(each)) for each in ENGLISH_DIGITS}

SECRETS = {
    "digits": "9121000418450200051332",
    "seven digits": "7463520",
    "an IBAN": "GB29NWBK60161331926819",
    "a small IBAN": "de75512108001245126199",
    "blanks": "ES91 2100 0418 4502 0005 1332",
    "dashes": "DE89-3704-0044-0532-0130-00",
    "two groups": "8888 8839",
    "dots": "6371.0052.9981",
    "slashes": "6372/0053/9982",
    "underscores": "6373_0054_9983",
    "no-break blanks": "6374\u00a00055\u00a09984",
    "thin blanks": "6375\u20090056\u20099985",
    "en dashes": "6376\u20130057\u20139986",
    "joined by nothing": "6\u200b3\u200b7\u200b7\u200b0\u200b0\u200b5\u200b8",
    "full-width digits": "6378005999".translate(FULL_WIDTH),
    "digits of another script": "6379006099".translate(ARABIC),
    "mathematical digits": "6380006199".translate(BOLD),
    "escapes": r"\u0036\u0033\u0038\u0031\u0030\u0030\u0036\u0032\u0039",
    "escapes of a URL": "%36%33%38%32%30%30%36%33%39",
    "escapes of HTML": "&#54;&#51;&#56;&#51;&#48;&#48;&#54;&#52;",
    "base64": b64encode(b"6384006599").decode(),
    "base64 of UTF-16": b64encode("6385006699".encode("utf-16")).decode(),
}
"""Each under what is special about it."""


def is_shown(secret: str, text: str) -> bool:
    """Tell whether a text shows a secret: as it is, escaped, or its digits with others between."""
    return secret in text or any(
        _bare(plain) in shown for plain in {secret, unescaped(secret)} for shown in _both_bare(text)
    )


@lru_cache
def _both_bare(text: str) -> tuple[str, str]:
    return _bare(text), _bare(unescaped(text))


def _bare(text: str) -> str:
    made = (
        str(digit(each)) if digit(each, None) is not None else each
        for each in normalize("NFKC", text)
    )
    return "".join(filter(str.isalnum, made)).casefold()
