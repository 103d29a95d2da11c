"""The curl commands that hand an order in again, and read what became of a submission."""

from __future__ import annotations

import shlex
import uuid
from typing import TYPE_CHECKING

from chalicelib.http.representation import submission_path

if TYPE_CHECKING:
    from chalicelib.orders.record import Record
    from ops.console.view import View


def curl_command(view: View, payload: str) -> str:
    """
    Write a command that hands the same order in once more, as a new submission.

    It has a key of its own: typed again after no answer or a 503, it still counts once.
    """
    api = view.console.api_url or '"$ORDERS_API"'
    lines = [
        f"curl -i {api}/orders",
        "-H 'Content-Type: application/json'",
        f"-H 'Idempotency-Key: {uuid.uuid4()}'",
        *([] if view.console.is_local else [_signing(view)]),
        f"--data-binary {shlex.quote(payload)}",
    ]
    return " \\\n     ".join(lines)


def read_command(view: View, record: Record) -> str:
    """Write a command that reads what became of a submission, as its sender does."""
    api = view.console.api_url or '"$ORDERS_API"'
    path = submission_path(record.order_id, record.submission_id, record.payload_sha256)
    lines = [
        f"curl -i {api}{shlex.quote(path)}",
        *([] if view.console.is_local else [_signing(view)]),
    ]
    return " \\\n     ".join(lines)


def _signing(view: View) -> str:
    region = view.console.region or "us-east-1"
    return (
        f"--aws-sigv4 aws:amz:{region}:execute-api "
        '--user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" '
        '-H "X-Amz-Security-Token: $AWS_SESSION_TOKEN"'
    )
