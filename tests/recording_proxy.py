"""A proxy of a company's network that leads nowhere, and records who wanted to go where."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from ops.ports import LOOPBACK

VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
REFUSAL = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class RecordingProxy(socketserver.ThreadingTCPServer):
    """`calls` are the method and target of all requests, in the order in which they came."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__((LOOPBACK, 0), _Refusing)
        self.calls: list[str] = []

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.server_address[1]}"

    @property
    def variables(self) -> dict[str, str]:
        """Variables that lead every program to this proxy, with no host exempt."""
        return {
            name: value
            for each, value in (*dict.fromkeys(VARIABLES, self.url).items(), ("NO_PROXY", ""))
            # Some programs read small letters only.
            for name in (each, each.lower())
        }


class _Refusing(socketserver.StreamRequestHandler):
    server: RecordingProxy

    def handle(self) -> None:
        # A connection counts, even if nothing is asked for.
        method_and_target = self.rfile.readline().decode("latin-1").split()[:2]
        self.server.calls.append(" ".join(method_and_target))
        self.wfile.write(REFUSAL)


@contextmanager
def recording_proxy() -> Iterator[RecordingProxy]:
    """Run a proxy for as long as the `with` block lasts."""
    with RecordingProxy() as proxy:
        threading.Thread(target=proxy.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield proxy
        finally:
            proxy.shutdown()
