"""
A caller for a machine without IAM: the header `X-Local-Principal: ARN` plays API Gateway's part.

Only `chalice local` and `make run` load this module, and no function on Lambda: there the caller is
whoever signed the request.
"""

import re
from collections.abc import Callable
from typing import Any

from chalice.app import Chalice, Request, Response

from chalicelib.http.parameters import InvalidParameters, shown_value
from chalicelib.http.problems import problem_of
from chalicelib.http.responses import problem_response
from chalicelib.orders.errors import FieldError, sentence

HEADER = "X-Local-Principal"
# As API Gateway names callers: `userArn` in "API Gateway mapping template reference".
CALLER = re.compile(
    r"arn:aws[a-z-]*:(iam::[0-9]{12}:(user/[\x21-\x7e]{1,512}|root)"
    r"|sts::[0-9]{12}:(assumed-role/[\w+=,.@-]{1,64}/[\w+=,.@-]{2,64}"
    r"|federated-user/[\w+=,.@-]{2,32}))",
    re.ASCII,
)


def play_principals(app: Chalice, *, closed: bool) -> None:
    """Take the header for the caller of a request, unless the app's routes are closed."""
    if not closed:
        app.register_middleware(_play, "http")


def _play(request: Request, get_response: Callable[[Any], Response]) -> Response:
    arn = request.headers.get(HEADER)
    if arn is None:
        return get_response(request)
    if not CALLER.fullmatch(arn):
        why = sentence("parameter.bad", rule=sentence("rule.principal"), got=shown_value(arn))
        refused = InvalidParameters([FieldError(HEADER, "bad_arn", why)])
        return problem_response(problem_of(refused), request)
    request.context.setdefault("identity", {})["userArn"] = arn
    return get_response(request)
