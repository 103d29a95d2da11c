"""
The HTTP API on this machine: Chalice's local gateway to the app, behind h11.

Chalice's own server takes half a request for a whole one, and what is left of a body for the next
request. This one also answers with problems, and logs the requests that the app doesn't see.
"""

from __future__ import annotations

import contextlib
import functools
import json
import socketserver
import threading
import time
import uuid
from typing import TYPE_CHECKING, Any

from chalice.config import Config
from chalice.local import LocalGateway, RouteMatcher, create_local_server

from chalicelib.http.responses import UNCACHED
from chalicelib.orders.submission import is_well_formed_id
from chalicelib.texts import preferred_language, texts_in
from ops.local.http_connection import HttpConnection, Patience
from ops.local.http_head import METHODS
from ops.local.refusals import RequestRefused, unknown_path
from ops.ports import LOOPBACK
from ops.stage_names import LOCAL_STAGE

if TYPE_CHECKING:
    from chalice.app import Chalice
    from chalice.local import LocalDevServer

    from chalicelib.http.problem import Problem
    from chalicelib.http.responses import Reporter
    from ops.local.http_head import Head

# API Gateway's: nobody gets the answer of a longer call.
FUNCTION_TIMEOUT_SECONDS = 29
WAITING_CONNECTIONS = 128
# A log line has these where the server knows no better.
NO_METHOD, NO_ROUTE = "(no method)", "(no route)"


class ApiGateway(LocalGateway):
    """Chalice's, in which OPTIONS is a method like others: no route is for other origins (CORS)."""

    def _has_user_defined_options_method(self, lambda_event: dict[str, Any]) -> bool:  # noqa: ARG002
        # Else Chalice would answer by itself, and the app would neither see nor log it.
        return True


class ApiRequestHandler(socketserver.StreamRequestHandler):
    """One connection to the API."""

    # Else Nagle's algorithm may hold an answer back for 40 ms.
    disable_nagle_algorithm = True

    def __init__(self, *connection: Any, api: Api) -> None:
        self._api = api
        # It answers all requests of the connection.
        super().__init__(*connection)

    def handle(self) -> None:
        """Answer requests until the connection ends; a client that breaks it off is no error."""
        self._connection = HttpConnection(self.connection, self._api.patience)
        with contextlib.suppress(ConnectionError, TimeoutError):
            while self._answer_one() and self._connection.goes_on():
                pass
        self._connection.close()

    def _answer_one(self) -> bool:
        """Answer a request. Return whether there was one."""
        try:
            if not self._connection.read_head():
                return False
            self._answer(self._connection.head, self._connection.read_body())
        except RequestRefused as refusal:
            self._refuse(refusal.problem)
        return True

    def _answer(self, head: Head, body: bytes) -> None:
        if self._api.route_of(head) is None:
            # Chalice copies API Gateway's 403.
            raise RequestRefused(unknown_path(head.path.partition("?")[0]))
        answer = self._api.gateway.handle_request(
            method=head.method,
            path=_whole(head.path),
            headers=dict(head.headers),
            body=body or None,
        )
        headers = {**answer["headers"], **answer["multiValueHeaders"]}
        self._connection.answer(answer["statusCode"], headers, answer["body"].encode())

    def _refuse(self, problem: Problem) -> None:
        given = self._connection.head.headers
        texts = texts_in(preferred_language(given.get("accept-language", "")))
        headers = {
            **problem.headers_in(texts.language),
            "Content-Type": "application/problem+json",
            **UNCACHED,
            "X-Request-Id": request_id(given.get("x-request-id")),
        }
        self._report(problem, headers["X-Request-Id"])
        body = json.dumps(problem.body(texts)).encode()
        self._connection.answer(problem.status.value, headers, body)

    def _report(self, problem: Problem, request_id: str) -> None:
        if self._api.reporter is None:
            return
        head = self._connection.head
        started = self._connection.started or time.monotonic()
        self._api.reporter.answered(
            # The caller may have made up anything: only known methods are logged.
            method=head.method if head.method in METHODS else NO_METHOD,
            route=self._api.route_of(head) or NO_ROUTE,
            status=problem.status.value,
            duration_ms=int((time.monotonic() - started) * 1000),
            request_id=request_id,
            fields=problem.log_keys(),
        )


class Api:
    """The app behind the connections, and the log of what never gets as far as the app."""

    def __init__(
        self, app: Chalice, config: Config, reporter: Reporter | None, patience: Patience
    ) -> None:
        self.gateway = ApiGateway(app, config)
        self.reporter = reporter
        self.patience = patience
        self._routes = RouteMatcher(list(app.routes))

    def route_of(self, head: Head) -> str | None:
        """Find the route of a path, if there is one."""
        if head.path.startswith("//"):
            # Chalice would take what follows for a host, and the app would answer with links to it.
            return None
        try:
            route: str = self._routes.match_route(_whole(head.path)).route
        except ValueError:
            return None
        return route


class ApiServer:
    """
    The HTTP API of an app on 127.0.0.1.

    The app reports what it answers by itself. What the server refuses before that, `reporter` is
    told of.
    """

    def __init__(
        self,
        app: Chalice,
        port: int,
        reporter: Reporter | None = None,
        patience: Patience | None = None,
    ) -> None:
        config = Config.create(
            chalice_stage=LOCAL_STAGE,
            app_name=app.app_name,
            lambda_timeout=FUNCTION_TIMEOUT_SECONDS,
        )
        self._local: LocalDevServer = create_local_server(app, config, LOOPBACK, port)
        # Its own five make a burst of connections wait for a second.
        self._local.server.socket.listen(WAITING_CONNECTIONS)
        self._local.server.RequestHandlerClass = functools.partial(
            ApiRequestHandler, api=Api(app, config, reporter, patience or Patience())
        )

    def run(self) -> None:
        """Serve until `stop` is called."""
        # Not Chalice's serve_forever, which prints a line of its own.
        self._local.server.serve_forever(poll_interval=0.05)
        self._local.server.server_close()

    def stop(self) -> None:
        """Stop serving. Returns at once; a signal handler may call it."""
        # The server's shutdown waits for its loop, and a signal handler interrupts that loop.
        threading.Thread(target=self._local.shutdown, daemon=True).start()


def _whole(path: str) -> str:
    """Write a path so that Chalice leaves it whole: it would cut the last part off at a `;`."""
    before, mark, query = path.partition("?")
    return f"{before.replace(';', '%3B')}{mark}{query}"


def request_id(candidate: str | None) -> str:
    """Return the caller's request id if it is well formed, else a new one."""
    if candidate is not None and is_well_formed_id(candidate):
        return candidate
    return str(uuid.uuid4())
