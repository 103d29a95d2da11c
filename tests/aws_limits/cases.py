"""Cases of rules: of each limit, the largest that AWS takes and the smallest that it refuses."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from tests.aws_limits.rule import Call
from tests.aws_limits.rules import BY_CALL, BY_NAME

NOWHERE = "http://127.0.0.1:9"
URL = f"{NOWHERE}/000000000000/queue"
BODY = "SQS: a message has a body"
# It breaks a limit, and goes on as if nothing had happened.
SWALLOWED = f"""
import boto3
from contextlib import suppress
with suppress(Exception):
    boto3.client("sqs", endpoint_url="{NOWHERE}").send_message(QueueUrl="{URL}", MessageBody="")
"""


class Case(NamedTuple):
    """A limit of one call: its parameters on both sides of the limit."""

    rule: str
    call: str
    taken: Mapping[str, Any]
    refused: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.call}-{self.rule}"


def broken_rules(name: str, parameters: Mapping[str, Any]) -> list[str]:
    """List the rules that a call breaks."""
    service, operation = name.split(".")
    call = Call(service, operation, parameters)
    return [rule.name for rule in BY_CALL[name] if rule.check(call)]


def hold(case: Case) -> None:
    """Check a case: the smallest that is refused breaks this rule and no other."""
    assert case.rule in BY_NAME
    assert broken_rules(case.call, case.taken) == []
    assert broken_rules(case.call, case.refused) == [case.rule]
