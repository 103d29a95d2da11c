"""
The shapes of account numbers in plain text, and what looks like one and is none.

An account is an IBAN, a run of five digits or more, or seven digits or more in groups. Digits are
those of every script, and groups are kept apart by blanks, dashes, dots or what can't be seen. Ids
that machines make, times and addresses of machines are none.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

LONGEST_OPEN_RUN = 4
LONGEST_OPEN_GROUPS = 6
SHORTEST_IBAN, LONGEST_IBAN = 15, 34
LEAST_IBAN_DIGITS = 6
LEAST_HASH_LETTERS = 4

NO_ACCOUNT = re.compile(
    r"""(?<![0-9A-Za-z])(?:
      (?i:[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})  # a UUID
    | (?P<hash>[0-9a-f]{64}|[0-9a-f]{40}|[0-9a-f]{32})                              # a digest
    | 00-(?P<trace>[0-9a-f]{32})-(?=[0-9]*[a-f])[0-9a-f]{16}-[0-9a-f]{2}            # a traceparent
    | (?<!-)(?:19|20)[0-9]{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])(?!-?[0-9])  # a time
      (?:[T ][0-2][0-9]:[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,6})?)?
         (?:Z|[+-][01][0-9]:[0-5][0-9])?)?
    | arn:aws[a-z-]*:[a-z0-9-]*:[a-z0-9-]*:[0-9]{12}(?=:)                           # an ARN
    | (?<![.])(?:localhost|(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])                    # a machine
      (?:\.(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])){3})(?::[0-9]{1,5})?(?![.]?[0-9])
    )(?![0-9A-Za-z])""",
    re.VERBOSE,
)
# In a skeleton, in which a blank stands for everything that keeps groups apart.
GROUPS = re.compile(r"[0-9](?:(?: {1,3}|[,:])?[0-9])*")
LONG_RUN = re.compile(rf"[0-9]{{{LONGEST_OPEN_RUN + 1},}}")
IBAN_START = re.compile(
    r"(?<![0-9A-Za-z])[A-Za-z]{2} {0,3}[0-9] {0,3}[0-9](?: {0,3}[0-9A-Za-z]){11,30}"
)
# Without its check digits being right: as a machine or a bank's paper writes one.
IBAN_SHAPE = re.compile(
    r"[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![0-9A-Za-z])"
)
APART = frozenset("./\\_'|~\N{MIDDLE DOT}\N{BULLET}\N{RIGHT SINGLE QUOTATION MARK}")
APART_CATEGORIES = frozenset({"Zs", "Zl", "Zp", "Cc", "Cf", "Pd", "Mn", "Me"})


class Span(NamedTuple):
    """A part of a text that may be an account. `digits` are its own, without what parts them."""

    start: int
    end: int
    digits: str


def accounts_in(text: str) -> Iterator[Span]:
    """Find the parts of a text that may be accounts, from left to right."""
    skeleton = text.translate(_SKELETON)
    start = 0
    for match in NO_ACCOUNT.finditer(text):
        digest = match["hash"] or match["trace"]
        if digest and sum(map(str.isalpha, digest)) < LEAST_HASH_LETTERS:
            continue
        yield from _in_piece(skeleton, start, match.start())
        start = match.end()
    yield from _in_piece(skeleton, start, len(text))


def _in_piece(skeleton: str, start: int, end: int) -> Iterator[Span]:
    place = start
    while match := IBAN_START.search(skeleton, place, end):
        length = _iban_length(match[0])
        if length:
            yield from _groups(skeleton, start, match.start())
            start = match.start() + length
            yield _span(skeleton, match.start(), start)
        place = max(start, match.start() + 1)
    yield from _groups(skeleton, start, end)


def _groups(skeleton: str, start: int, end: int) -> Iterator[Span]:
    for match in GROUPS.finditer(skeleton, start, end):
        span = _span(skeleton, *match.span())
        if len(span.digits) > LONGEST_OPEN_GROUPS or LONG_RUN.search(match[0]):
            yield span


def _span(skeleton: str, start: int, end: int) -> Span:
    return Span(start, end, "".join(filter(str.isalnum, skeleton[start:end])))


def _iban_length(found: str) -> int:
    """Return how many characters of a text are an IBAN, or 0. It begins as one does."""
    ends = [place for place, character in enumerate(found, 1) if character != " "]
    for count in range(min(len(ends), LONGEST_IBAN), SHORTEST_IBAN - 1, -1):
        candidate = found[: ends[count - 1]].replace(" ", "").upper()
        if int("".join(str(int(each, 36)) for each in candidate[4:] + candidate[:4])) % 97 == 1:
            return ends[count - 1]
    shape = IBAN_SHAPE.match(found)
    is_one = shape and sum(map(str.isdigit, shape[0])) >= LEAST_IBAN_DIGITS
    return shape.end() if shape and is_one else 0


class _Skeleton(dict[int, str]):
    """A table for `str.translate` that keeps the length: digits, letters, and what parts groups."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        digit = unicodedata.digit(character, None)
        plain = unicodedata.normalize("NFKC", character)
        if digit is not None:
            made = str(digit)
        elif character in APART or unicodedata.category(character) in APART_CATEGORIES:
            made = " "
        else:
            made = plain if len(plain) == 1 else character
        self[code] = made
        return made


_SKELETON = _Skeleton()
