"""`make run`, as typed: it comes up, does its work, and leaves no process behind."""

# ruff: noqa: S607 (make and ps are found as a user's shell finds them)

import http.client
import json
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ops.local.kept_folder import KeptFolder
from ops.local.scratch_folder import PREFIX
from ops.ports import LOOPBACK, accepts_connections, free_port

ROOT = Path(__file__).resolve().parents[2]
ORDER = {"id": "order-001", "amount": 2580, "fromAccount": "1111111", "toAccount": "7777777"}
# A machine that is busy with other tests takes its time; `make run` by itself takes 2 seconds.
LIMIT_SECONDS = 60.0
# The kernel's notation in /proc/net/tcp.
ON_LINUX = Path("/proc/net/tcp").exists()
LISTENING, LOOPBACK_IN_HEX = "0A", "0100007F"


class Run:
    """One `make run`."""

    def __init__(
        self,
        log_file: Path,
        port: int,
        aws_port: int,
        console_port: int | None = None,
        options: str = "",
    ) -> None:
        """Start it. It keeps its state beside the log file, not in the checkout."""
        self.log_file = log_file
        self.port = port
        self.folder = log_file.parent / "kept"
        console = [f"CONSOLE_PORT={console_port}"] if console_port else []
        options += f" --folder '{self.folder}'" + ("" if console_port else " --no-console")
        with log_file.open("wb") as log:
            self.process = subprocess.Popen(
                [
                    "make",
                    "run",
                    f"PORT={port}",
                    f"AWS_PORT={aws_port}",
                    *console,
                    f"OPTIONS={options}",
                ],
                cwd=ROOT,
                env=os.environ | {"TMPDIR": str(log_file.parent)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    @property
    def log(self) -> str:
        return self.log_file.read_text()

    def wait_until_ready(self) -> None:
        wait_for(lambda: "Ready after" in self.log or self.process.poll() is not None)
        assert self.process.poll() is None, self.log

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(LIMIT_SECONDS)

    def request(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=10)
        try:
            headers = {"Content-Type": "application/json"} if body else {}
            connection.request(method, path, json.dumps(body) if body else None, headers)
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LIMIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


@contextmanager
def make_run(
    log_file: Path,
    port: int,
    aws_port: int,
    console_port: int | None = None,
    options: str = "",
) -> Iterator[Run]:
    run = Run(log_file, port, aws_port, console_port, options)
    try:
        run.wait_until_ready()
        yield run
    finally:
        run.stop()


def descendants(pid: int) -> set[int]:
    """Find the processes that this one has started, and in turn the ones that they have started."""
    table = subprocess.run(["ps", "-axo", "pid=,ppid="], capture_output=True, text=True, check=True)
    parents = [[int(field) for field in line.split()] for line in table.stdout.splitlines()]
    found, before = {pid}, 0
    while len(found) != before:
        before = len(found)
        found |= {child for child, parent in parents if parent in found}
    return found - {pid}


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def listening_addresses(pids: set[int]) -> list[str]:
    """List the addresses that the processes listen on, in the kernel's hexadecimal notation."""
    sockets = set()
    for link in (link for pid in pids for link in Path(f"/proc/{pid}/fd").iterdir()):
        # A file that is closed meanwhile, as a connection may be, does not listen.
        with suppress(FileNotFoundError):
            if match := re.fullmatch(r"socket:\[(\d+)\]", str(link.readlink())):
                sockets.add(match[1])
    rows = [
        line.split()
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
    ]
    return [row[1].split(":")[0] for row in rows if row[3] == LISTENING and row[9] in sockets]


def leave_a_damaged_state(folder: Path) -> None:
    with KeptFolder(folder) as kept:
        kept.state_file.write_text("damaged", encoding="utf-8")
        kept.mark_ready()


def test_an_order_goes_in_and_comes_back_and_a_stop_leaves_no_process(tmp_path: Path) -> None:
    port, aws_port, console_port = free_port(), free_port(), free_port()
    leave_a_damaged_state(tmp_path / "kept")

    with make_run(tmp_path / "run.log", port, aws_port, console_port, "--fresh") as run:
        submitted, receipt = run.request("POST", "/orders", ORDER)
        wait_for(lambda: run.request("GET", "/orders/order-001")[0] == 200)
        _, answer = run.request("GET", "/orders/order-001")
        healthy, _ = run.request("GET", "/health")
        _, problem = run.request("GET", "/nowhere")
        wait_for(lambda: accepts_connections(LOOPBACK, console_port))
        started = descendants(run.process.pid)
        if ON_LINUX:
            assert listening_addresses(started) == [LOOPBACK_IN_HEX] * 3

    assert (submitted, receipt["status"]) == (202, "QUEUED")
    assert answer["order"]["status"] == "ACCEPTED"
    assert healthy == 200
    assert problem["type"] == "urn:orders:problem:unknown-path"
    # The runner, the emulator, the worker, the API and the console.
    assert len(started) >= 5
    assert not [pid for pid in started if is_running(pid)]
    assert "\nStopped.\n" in run.log
    assert "Traceback" not in run.log
    assert not list(tmp_path.glob(f"{PREFIX}*"))
    assert f"http://127.0.0.1:{port}/orders/order-001" in run.log


def the_one_running(pids: set[int], command: str) -> int:
    table = subprocess.run(
        ["ps", "-axwwo", "pid=,args="], capture_output=True, text=True, check=True
    )
    rows = [line.strip().split(maxsplit=1) for line in table.stdout.splitlines()]
    (pid,) = [int(row[0]) for row in rows if int(row[0]) in pids and command in row[1]]
    return pid
