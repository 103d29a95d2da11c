"""The clients that read a deployed stage, one for each service that is asked for."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from chalicelib.aws.clients import S3_CONFIG, keep_own_endpoint
from ops.aws_session import make_client

if TYPE_CHECKING:
    import boto3


class StageClients:
    """Clients with the operator's credentials, region and endpoints."""

    def __init__(self, session: boto3.session.Session) -> None:
        self._session = session
        self._clients: dict[str, Any] = {}

    def of(self, service: str) -> Any:
        """Make the client of a service, once."""
        if service not in self._clients:
            make = partial(make_client, self._session, service)
            self._clients[service] = (
                keep_own_endpoint(make(config=S3_CONFIG)) if service == "s3" else make()
            )
        return self._clients[service]

    def close(self) -> None:
        """Close the connections that were opened."""
        for client in self._clients.values():
            client.close()
        self._clients.clear()
