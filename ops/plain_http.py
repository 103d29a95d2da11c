"""The statement of a resource policy that refuses requests without TLS, whoever sends them."""

from __future__ import annotations

from typing import Any


def refusing_plain_http(service: str, resource: str | list[str]) -> dict[str, Any]:
    """Write the statement for all actions of a service, such as s3, on these ARNs."""
    return {
        "Sid": "RefusePlainHttp",
        "Effect": "Deny",
        "Principal": "*",
        "Action": f"{service}:*",
        "Resource": resource,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
