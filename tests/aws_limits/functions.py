"""Lambda: the answer of a function to API Gateway, which hands it on as it gets it."""

import json

from tests.aws_limits.rule import Call, Rule

QUOTAS = "https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"
# "6 MB each for request and response (synchronous)". API Gateway takes 10.
MOST_BYTES = 6 * 1024 * 1024


def _too_large(call: Call) -> str | None:
    # The runtime writes it so. The body is a text in it: its quotes and backslashes are escaped.
    size = len(json.dumps(call.parameters))
    return f"{size} bytes" if size > MOST_BYTES else None


RULES = (
    # The caller gets a 502: the function has done its work by then.
    Rule(
        "Lambda: an answer has at most 6 MB",
        QUOTAS,
        ("lambda.Answer",),
        _too_large,
        code=None,
    ),
)
