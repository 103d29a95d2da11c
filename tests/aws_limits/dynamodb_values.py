"""DynamoDB's attribute values: their sizes, their numbers and their nesting."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

Value = Mapping[str, Any]
Item = Mapping[str, Value]

SCALARS = {"S", "N", "B", "BOOL", "NULL"}
SETS = {"SS", "NS", "BS"}
CONTAINERS = {"L", "M"}
TYPES = SCALARS | SETS | CONTAINERS
MOST_DIGITS = 38
# The exponents of the largest and of the smallest number in scientific notation.
EXPONENTS = (-130, 125)
# Of lists and maps: what the innermost one holds is on level 32.
MOST_CONTAINERS = 31


def size_of_item(item: Item) -> int:
    """
    Count the bytes of an item, as DynamoDB does.

    Source: "DynamoDB item sizes and formats" in its Developer Guide.
    """
    return sum(len(name.encode()) + size_of_value(value) for name, value in item.items())


def size_of_value(value: Value) -> int:
    """Count the bytes of a value without its name."""
    match value:
        case {"S": str(text)}:
            return size_of_text(text)
        case {"N": number}:
            return _size_of_number(number)
        case {"B": content}:
            return len(content)
        case {"SS": texts}:
            return sum(map(size_of_text, texts))
        case {"NS": numbers}:
            return sum(map(_size_of_number, numbers))
        case {"BS": contents}:
            return sum(map(len, contents))
        case {"L": elements}:
            return 3 + sum(1 + size_of_value(element) for element in elements)
        case {"M": members}:
            return 3 + len(members) + size_of_item(members)
        case _:
            return 1


def size_of_text(text: str) -> int:
    return len(text.encode(errors="surrogatepass"))


def _size_of_number(text: str) -> int:
    """
    Count a byte for each pair of digits, a byte besides, and one for a sign.

    The guide gives it approximately. DynamoDB Local counts in pairs from the decimal point on, and
    leaves out the pairs of zeros in front and at the end; zero has a single byte.
    """
    number = _decimal(text) or Decimal(0)
    if not number:
        return 1
    largest = number.adjusted()
    smallest = largest - len(_significant(number)) + 1
    return largest // 2 - smallest // 2 + 2 + number.is_signed()


def _significant(number: Decimal) -> str:
    """Take the digits between the zeros in front and at the end."""
    return "".join(map(str, number.as_tuple().digits)).strip("0") or "0"


def _decimal(text: str) -> Decimal | None:
    if not isinstance(text, str) or "_" in text or text != text.strip():
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def number_problem(text: str) -> str | None:
    """Say why a text is no number of DynamoDB."""
    number = _decimal(text)
    if number is None:
        return f"{text!r} is no number"
    if len(_significant(number)) > MOST_DIGITS:
        return f"{text} has more than {MOST_DIGITS} digits"
    least, most = EXPONENTS
    if number and not least <= number.adjusted() <= most:
        return f"{text} is too large or too small"
    return None


def nested(value: Value) -> Iterator[tuple[Value, int]]:
    """Yield a value and all within it, each with the count of lists and maps down to it."""
    waiting = [(value, 0)]
    while waiting:
        each, outer = waiting.pop()
        depth = outer + (not CONTAINERS.isdisjoint(each))
        yield each, depth
        waiting += [(inner, depth) for inner in each.get("L", ())]
        waiting += [(inner, depth) for inner in each.get("M", {}).values()]


def numbers_of(value: Value) -> Iterator[str]:
    """Yield the numbers of a value, as they are written."""
    if "N" in value:
        yield value["N"]
    yield from value.get("NS", ())


def type_problem(value: Value) -> str | None:
    """Say why a value, its inner ones aside, has no type or not the content of its type."""
    if len(value) != 1 or not TYPES.issuperset(value):
        return f"a value with the types {sorted(value)}"
    ((kind, content),) = value.items()
    if kind in SETS and (not content or _repeats_itself(kind, content)):
        return f"a {kind} that is empty or repeats itself"
    if (kind == "BOOL" and not isinstance(content, bool)) or (kind == "NULL" and not content):
        return f"a {kind} of {content!r}"
    return "an S that is no text" if kind == "S" and not isinstance(content, str) else None


def _repeats_itself(kind: str, content: Sequence[Any]) -> bool:
    """Tell whether a set has a member twice, in two spellings if it is of numbers."""
    values = [_decimal(each) if kind == "NS" else each for each in content]
    return len(set(values)) != len(content)
