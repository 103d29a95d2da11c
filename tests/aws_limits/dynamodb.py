"""
DynamoDB: what it refuses of statements, batches, expressions and values.

Each limit was tried on DynamoDB Local besides, which is AWS's own engine.
"""

from collections.abc import Callable

from tests.aws_limits.dynamodb_calls import (
    ALL,
    BATCHED_STATEMENTS,
    BATCHES,
    BATCHING,
    CONSTRAINTS,
    QUERIES,
    REFERENCE,
    REFUSED,
)
from tests.aws_limits.dynamodb_keys import RULES as KEY_RULES
from tests.aws_limits.dynamodb_requests import keys_of, reads, statements_of, values_of
from tests.aws_limits.dynamodb_values import (
    MOST_CONTAINERS,
    Value,
    number_problem,
    numbers_of,
    type_problem,
)
from tests.aws_limits.rule import Call, Check, Rule, first

MOST_BYTES_OF_EXPRESSION = 4_096
MOST_CHARACTERS_OF_STATEMENT = 8_192
MOST_STATEMENTS = 25
MOST_KEYS = 100


def _statement_too_long(call: Call) -> str | None:
    lengths = [len(statement.get("Statement", "")) for statement in statements_of(call)]
    longest = max(lengths, default=0)
    return f"{longest} characters" if longest > MOST_CHARACTERS_OF_STATEMENT else None


def _too_many_statements(call: Call) -> str | None:
    count = len(statements_of(call))
    return None if 0 < count <= MOST_STATEMENTS else f"{count} statements"


def _reads_and_writes(call: Call) -> str | None:
    kinds = {reads(statement) for statement in statements_of(call)}
    return "reads and writes" if len(kinds) > 1 else None


def _batch_too_large(call: Call) -> str | None:
    count = len(keys_of(call))
    return None if 0 < count <= MOST_KEYS else f"{count} keys"


def _expression_too_long(call: Call) -> str | None:
    for name, expression in call.parameters.items():
        if name.endswith("Expression") and len(expression.encode()) > MOST_BYTES_OF_EXPRESSION:
            return f"{name} has {len(expression.encode())} bytes"
    return None


def _of_each_value(problem: Callable[[Value, int], str | None]) -> Check:
    """Check each value of a call, and those within it, with their depth."""
    return lambda call: first(problem(*each) for each in values_of(call))


def _not_a_number(value: Value, _depth: int) -> str | None:
    return first(map(number_problem, numbers_of(value)))


def _too_deep(_value: Value, depth: int) -> str | None:
    return f"{depth} lists and maps in one another" if depth > MOST_CONTAINERS else None


def _without_type(value: Value, _depth: int) -> str | None:
    return type_problem(value)


def _limit_of_nothing(call: Call) -> str | None:
    limit = call.parameters.get("Limit", 1)
    return None if limit >= 1 else f"a limit of {limit}"


RULES = (
    *KEY_RULES,
    Rule(
        "DynamoDB: a statement has at most 8,192 characters",
        f"{REFERENCE}/API_BatchStatementRequest.html",
        BATCHED_STATEMENTS,
        _statement_too_long,
        REFUSED,
    ),
    Rule(
        "DynamoDB: a batch has 1 to 25 statements",
        BATCHING,
        BATCHED_STATEMENTS,
        _too_many_statements,
        REFUSED,
    ),
    Rule(
        "DynamoDB: a batch of statements reads or writes",
        BATCHING,
        BATCHED_STATEMENTS,
        _reads_and_writes,
        REFUSED,
    ),
    Rule(
        "DynamoDB: a batch has 1 to 100 keys",
        f"{REFERENCE}/API_BatchGetItem.html",
        BATCHES,
        _batch_too_large,
        REFUSED,
    ),
    Rule(
        "DynamoDB: an expression has at most 4 KB",
        f"{CONSTRAINTS}#limits-expression-parameters",
        ALL,
        _expression_too_long,
        REFUSED,
    ),
    Rule(
        "DynamoDB: a number has at most 38 digits, and a size",
        f"{CONSTRAINTS}#limits-data-types",
        ALL,
        _of_each_value(_not_a_number),
        REFUSED,
    ),
    Rule(
        "DynamoDB: values are nested at most 32 levels deep",
        f"{CONSTRAINTS}#limits-attributes",
        ALL,
        _of_each_value(_too_deep),
        REFUSED,
    ),
    Rule(
        "DynamoDB: a value has one type and its content",
        f"{REFERENCE}/API_AttributeValue.html",
        ALL,
        _of_each_value(_without_type),
        REFUSED,
    ),
    Rule(
        "DynamoDB: a limit is at least 1",
        f"{REFERENCE}/API_Query.html",
        QUERIES,
        _limit_of_nothing,
        REFUSED,
    ),
)
