"""
AWS's answers: a list that is empty may be left out, so nobody takes it for granted.

XML protocols (S3, SNS, CloudFormation) have no way to write an empty list but to leave it out or to
write an empty element, and botocore's parsers add nothing: what isn't there is no key. In JSON
(SQS, DynamoDB, Lambda) a service may leave it out as well. Emulators mostly write it.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from botocore.model import Shape
from botocore.session import Session

CODE = sorted([*Path("chalicelib").rglob("*.py"), *Path("ops").rglob("*.py"), Path("app.py")])
MAKES_A_CLIENT = ("client", "_client", "make", "of")
# Lists that are never empty: without one, an answer means nothing, and a KeyError says so.
NEVER_EMPTY = {
    "Stacks": "DescribeStacks, by name: the stack, or an error",
    "Responses": "BatchExecuteStatement: one for each statement",
    "Entries": "PutEvents: one for each event",
    "KeySchema": "DescribeTable: every table has a key",
    "AttributeDefinitions": "DescribeTable: every table has a key",
    "Shards": "DescribeStream, of the emulator alone: it keeps a stream in one",
}
# Members that are called like a list of an answer, of what is none.
NO_ANSWER = {
    "Resources": "a template's",
    "Parameters": "a template's",
    "Properties": "a resource's, in a template",
    "Events": "a function's, in a template",
    "Records": "an event's, with which Lambda invokes a function",
    "parameters": "an operation's, in the OpenAPI document",
    "L": "a value's, in an item",
    "results": "this API's own answer to many orders, which always has it",
}


def subscripts_of(path: Path) -> Iterator[tuple[str, str, int]]:
    """Yield each member that is read by a subscript: its name, the expression, and the line."""
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Subscript(_, ast.Constant(str(name)), ast.Load()):
                yield name, ast.unparse(node), node.lineno


def services() -> set[str]:
    """Name the services whose clients the code makes."""
    calls = [node for path in CODE for node in ast.walk(ast.parse(path.read_text()))]
    return {
        name
        for node in calls
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).rsplit(".", 1)[-1] in MAKES_A_CLIENT
        and node.args
        for name in [getattr(node.args[0], "value", None)]
        if isinstance(name, str)
    }


@cache
def lists_in_answers() -> frozenset[str]:
    """Name each member of an answer of these services that is a list, at any depth."""
    session = Session()
    found: set[str] = set()
    for service in services():
        model = session.get_service_model(service)
        seen: set[str] = set()
        for operation in model.operation_names:
            found |= _lists(model.operation_model(operation).output_shape, seen)
    return frozenset(found)


def _lists(shape: Shape | None, seen: set[str]) -> set[str]:
    if shape is None or shape.name in seen:
        return set()
    seen.add(shape.name)
    members: dict[str, Shape] = getattr(shape, "members", {})
    inside = [*members.values(), getattr(shape, "member", None), getattr(shape, "value", None)]
    found = {name for name, member in members.items() if member.type_name == "list"}
    return found.union(*(_lists(each, seen) for each in inside))


def test_the_lists_are_those_of_all_clients() -> None:
    assert services() >= {"apigateway", "cloudformation", "cloudwatch", "dynamodb", "events"}
    assert services() >= {"lambda", "logs", "s3", "sns", "sqs", "sts"}
    assert lists_in_answers() >= {"Failed", "Messages", "Contents", "Versions", "items", "item"}


@pytest.mark.parametrize("path", CODE, ids=str)
def test_no_list_of_an_answer_is_taken_for_granted(path: Path) -> None:
    """Write `answer.get("Failed", [])`, or say above why the list is never empty."""
    refused = lists_in_answers() - NEVER_EMPTY.keys() - NO_ANSWER.keys()

    taken = [
        f"{path}:{line}: {text}" for name, text, line in subscripts_of(path) if name in refused
    ]

    assert taken == []


def test_each_exception_is_needed() -> None:
    read = {name for path in CODE for name, _, _ in subscripts_of(path)}

    assert NEVER_EMPTY.keys() | NO_ANSWER.keys() <= read & lists_in_answers()


@pytest.mark.parametrize(
    ("service", "operation", "answer", "left_out"),
    [
        ("s3", "ListObjectsV2", b"<ListBucketResult/>", "Contents"),
        ("s3", "ListObjectVersions", b"<ListVersionsResult/>", "DeleteMarkers"),
        ("sns", "PublishBatch", b"<R><PublishBatchResult/></R>", "Failed"),
        ("cloudformation", "DescribeChangeSet", b"<R><DescribeChangeSetResult/></R>", "Changes"),
        ("sqs", "ReceiveMessage", b"{}", "Messages"),
        ("sqs", "DeleteMessageBatch", b"{}", "Failed"),
        ("apigateway", "GetStages", b"{}", "item"),
    ],
)
def test_botocore_leaves_out_what_an_answer_leaves_out(
    service: str, operation: str, answer: bytes, left_out: str
) -> None:
    """If this ever fails, the rule above has become a matter of taste."""
    model = Session().get_service_model(service)
    parser = Session().get_component("response_parser_factory").create_parser(model.protocol)
    parts: Any = {"status_code": 200, "headers": {}, "body": answer}

    assert left_out not in parser.parse(parts, model.operation_model(operation).output_shape)
