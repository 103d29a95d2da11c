"""The curl command that hands an order in again."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ops.console.view import View


def curl_command(view: View, payload: str) -> str:
    """Write a command that hands the same order in once more, as a new submission."""
    api = view.console.api_url or '"$ORDERS_API"'
    lines = [
        f"curl -i {api}/orders",
        "-H 'Content-Type: application/json'",
        *([] if view.console.is_local else [_signing(view)]),
        f"--data-binary {shlex.quote(payload)}",
    ]
    return " \\\n     ".join(lines)


def _signing(view: View) -> str:
    region = view.console.region or "us-east-1"
    return (
        f"--aws-sigv4 aws:amz:{region}:execute-api "
        '--user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" '
        '-H "X-Amz-Security-Token: $AWS_SESSION_TOKEN"'
    )
