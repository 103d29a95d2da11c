"""A client of docs/clients.md in trouble: the API that it calls is behind a server that fails."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from ops.ports import LOOPBACK, free_port
from tests.e2e.client import eventually
from tests.e2e.client_programs import RUNNERS, kill, run, start
from tests.e2e.faults import Fault, How, Script
from tests.e2e.misbehaving import MisbehavingServer, Reply, Seen
from tests.http.conftest import Api

# 1 is that of a program that breaks off, as on a disk that is full.
RECORDED, REFUSED, UNKNOWN = 0, 65, 75
# No time-out is that of a busy machine, and no wait is longer than the server asks for.
FAST = {"timeout": 30, "longest_wait": 0, "patience": 60}
# With a server that keeps silent a test takes as long as its time-outs.
SHORT = 0.5
# More than any client asks in a second.
MANY = 100_000
TAKEN_UNANSWERED = Fault(How.CLOSE, taken=True)
ORDERS = {
    "bash": {"curl-1": "ACCEPTED", "curl-2": "REJECTED"},
    "python": {"python-1": "ACCEPTED"},
    "javascript": {"javascript-1": "ACCEPTED"},
}
NAMES = {"bash": "curl", "python": "python", "javascript": "javascript"}

every_language = pytest.mark.parametrize("language", RUNNERS)


class Trouble:
    """A client's program in a directory of its own, and the API that it calls."""

    def __init__(self, language: str, directory: Path, api: Api) -> None:
        self.language = language
        self.directory = directory
        self.api = api
        self.seen: list[Seen] = []
        self.stuck = False

    def run(
        self, script: Script, program: str = "", **settings: float
    ) -> subprocess.CompletedProcess[str]:
        """Run the program while the server does as the script says."""
        with self.server(script) as server:
            own = {**FAST, **settings}
            outcome = run(self.language, server.url, self.directory, program, **own)
        self.seen += server.seen
        return outcome

    def run_without_server(self, program: str = "") -> subprocess.CompletedProcess[str]:
        url = f"http://{LOOPBACK}:{free_port()}"
        return run(self.language, url, self.directory, program, **{**FAST, "patience": 1})

    def kill(self, script: Script, posts: int, gets: int) -> None:
        """Run the program, and kill it as soon as the server has so many requests."""
        with self.server(script) as server:
            process = start(self.language, server.url, self.directory, **FAST)
            with process:
                try:
                    eventually(lambda: _counts(server) == (posts, gets))
                finally:
                    kill(process)
        self.seen += server.seen

    def server(self, script: Script) -> MisbehavingServer:
        return MisbehavingServer(self._asked, script)

    def _asked(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        if method == "GET" and not self.stuck:
            self.api.process_queue()
        # Nobody has to wait for the worker here: it has done its work, or is stuck.
        answer = self.api.client.http.request(
            method,
            path.replace("&wait=10", ""),
            headers={k: v for k, v in headers.items() if k in {"Content-Type", "Idempotency-Key"}},
            body=body,
        )
        return Reply(answer.status_code, dict(answer.headers), answer.body)

    def posts(self) -> list[Seen]:
        return [seen for seen in self.seen if seen.method == "POST"]

    def assert_each_order_is_recorded_once(self) -> None:
        self.api.process_queue()
        expected = {order_id: [status] for order_id, status in ORDERS[self.language].items()}
        found = {order_id: self.api.records.of(order_id) for order_id in expected}
        assert {key: [str(each.status) for each in records] for key, records in found.items()} == (
            expected
        )
        assert len({(seen.key, seen.body) for seen in self.posts()}) == len(expected)


def _counts(server: MisbehavingServer) -> tuple[int, int]:
    posts = len(server.posts())
    return posts, len(server.seen) - posts
