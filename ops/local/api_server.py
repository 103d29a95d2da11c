"""Chalice's own local server, made fit to be shown: one log line a request, problems for errors."""

from __future__ import annotations

import contextlib
import functools
import json
import threading
import time
import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from chalice.config import Config
from chalice.local import (
    ChaliceRequestHandler,
    ForbiddenError,
    LocalGateway,
    LocalGatewayException,
    RouteMatcher,
    create_local_server,
)

from chalicelib.orders.submission import is_well_formed_id
from chalicelib.texts import preferred_language, texts_in
from ops.local.refusals import RequestRefused, refused, unknown_path, unreadable_line
from ops.local.request_body import read_body
from ops.ports import LOOPBACK
from ops.stage_names import LOCAL_STAGE

if TYPE_CHECKING:
    from chalice.app import Chalice
    from chalice.local import LocalDevServer

    from chalicelib.http.problems import Problem
    from chalicelib.http.responses import Reporter

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


class ApiRequestHandler(ChaliceRequestHandler):
    """One connection to the API."""

    # Headers and body are written apart; Nagle's algorithm would hold the body back for 40 ms.
    disable_nagle_algorithm = True

    def __init__(
        self,
        request: Any,
        client: Any,
        server: Any,
        *,
        gateway: tuple[Chalice, Config],
        reporter: Reporter | None,
    ) -> None:
        app, config = gateway
        self._routes = RouteMatcher(list(app.routes))
        self._reporter = reporter
        self.local_gateway = ApiGateway(app, config)
        # Not Chalice's, which makes its own gateway. It answers all requests of the connection.
        super(ChaliceRequestHandler, self).__init__(request, client, server)

    def log_message(self, *_: object) -> None:
        """Log nothing: the app logs each request itself, with its ids and its duration."""

    def handle(self) -> None:
        """Answer requests until the connection ends; a client that breaks it off is no error."""
        with contextlib.suppress(ConnectionError):
            super().handle()

    def handle_one_request(self) -> None:
        """Answer a request, which may not get as far as to have a path, headers and a beginning."""
        self.path = ""
        self.headers = self.MessageClass()
        self._started: float | None = None
        super().handle_one_request()

    def parse_request(self) -> bool:
        """Read a request, which begins here: until now the server has waited for it."""
        self._started = time.monotonic()
        read: bool = super().parse_request()
        return read

    def _parse_payload(self) -> tuple[dict[str, str], bytes | None]:
        try:
            return dict(self.headers), read_body(self.headers, self.rfile)
        except RequestRefused:
            # The rest of the body would be taken for the next request.
            self.close_connection = True
            raise

    def _generic_handle(self) -> None:
        try:
            super()._generic_handle()
        except RequestRefused as refusal:
            self._send_problem(refusal.problem)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _generic_handle  # noqa: N815
    do_PATCH = do_OPTIONS = do_TRACE = do_QUERY = _generic_handle  # noqa: N815

    def _send_error_response(self, error: LocalGatewayException) -> None:
        if isinstance(error, ForbiddenError):
            # Chalice copies API Gateway's 403 for a path that no route has.
            self._send_problem(unknown_path(self.path.partition("?")[0]))
        else:
            super()._send_error_response(error)

    def send_error(self, code: int, message: str | None = None, *_: object) -> None:
        """Refuse a method or a request line that Python's server can't read."""
        self.close_connection = True
        # Python answers a line that it can't read as HTTP 0.9, which has no status and no headers.
        self.request_version = self.protocol_version
        status = HTTPStatus(code)
        self._send_problem(
            unreadable_line(self.requestline)
            if status is HTTPStatus.BAD_REQUEST
            else refused(status, message or status.phrase)
        )

    def _send_problem(self, problem: Problem) -> None:
        texts = texts_in(preferred_language(self.headers.get("Accept-Language", "")))
        headers = {
            **problem.headers_in(texts.language),
            "Content-Type": "application/problem+json",
            "X-Request-Id": request_id(self.headers.get("X-Request-Id")),
        }
        self._report(problem, headers["X-Request-Id"])
        self._send_http_response(problem.status.value, headers, json.dumps(problem.body(texts)))

    def _report(self, problem: Problem, request_id: str) -> None:
        if self._reporter is None:
            return
        started = self._started
        self._reporter.answered(
            # The caller may have made up anything: only known methods are logged.
            method=self.command if hasattr(self, f"do_{self.command}") else NO_METHOD,
            route=self._route(),
            status=problem.status.value,
            duration_ms=int((time.monotonic() - started) * 1000) if started else 0,
            request_id=request_id,
            fields=problem.log_keys(),
        )

    def _route(self) -> str:
        try:
            route: str = self._routes.match_route(self.path).route
        except ValueError:
            return NO_ROUTE
        return route

    def _send_http_response(
        self, code: int, headers: dict[str, Any], body: str | bytes | None
    ) -> None:
        # Chalice's server sends a body to HEAD too, which the client takes for the next answer.
        super()._send_http_response(code, headers, None if self.command == "HEAD" else body)


class ApiServer:
    """
    The HTTP API of an app on 127.0.0.1.

    The app reports what it answers by itself. What the server refuses before that, `reporter` is
    told of.
    """

    def __init__(self, app: Chalice, port: int, reporter: Reporter | None = None) -> None:
        config = Config.create(
            chalice_stage=LOCAL_STAGE,
            app_name=app.app_name,
            lambda_timeout=FUNCTION_TIMEOUT_SECONDS,
        )
        self._local: LocalDevServer = create_local_server(app, config, LOOPBACK, port)
        # Its own five make a burst of connections wait for a second.
        self._local.server.socket.listen(WAITING_CONNECTIONS)
        self._local.server.RequestHandlerClass = functools.partial(
            ApiRequestHandler, gateway=(app, config), reporter=reporter
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


def request_id(candidate: str | None) -> str:
    """Return the caller's request id if it is well formed, else a new one."""
    if candidate is not None and is_well_formed_id(candidate):
        return candidate
    return str(uuid.uuid4())
