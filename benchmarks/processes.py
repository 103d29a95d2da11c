"""The processes of a benchmark: the fake AWS on one core, one contender at a time on the other."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import ssl
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from benchmarks.contender import Outcome, Run
from benchmarks.events import Mix, verdicts

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).resolve().parents[1]


def environment(endpoint: str, **changes: str) -> dict[str, str]:
    """Make every contender's variables: none of them comes from the developer's AWS settings."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "PYTHONHASHSEED": "0",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_LAMBDA_FUNCTION_NAME": "orders",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "_HANDLER": "app.process_orders",
        "LAMBDA_TASK_ROOT": str(ROOT),
        "ORDERS_QUEUE_URL": f"{endpoint}/000000000000/orders",
        "ORDERS_DLQ_URL": f"{endpoint}/000000000000/orders-dlq",
        "ORDERS_BUCKET": "orders",
        "ORDERS_TABLE": "orders",
        # As every stage has it.
        "ORDERS_ARCHIVE": "obstore",
        "ORDERS_BATCH_SIZE": "100",
        "ORDERS_PARTIAL_BATCH": "enabled",
        # Of the events' messages: as if the API had sent them.
        "ORDERS_API_ROLE_ID": "AIDAEXAMPLE",
        **changes,
    }


def cores() -> tuple[set[int], set[int]]:
    """Choose the cores of the fake AWS and of the contenders: the same one if there is no other."""
    available = sorted(os.sched_getaffinity(0))
    return {available[0]}, {available[-1]}


def self_signed(directory: Path) -> Path:
    """Make a certificate for 127.0.0.1, with its key in the same file."""
    file = directory / "fake-aws.pem"
    # It is no authority: rustls, which obstore has, refuses one as a server's own certificate.
    subject = ["-subj", "/CN=fake AWS", "-addext", "subjectAltName=IP:127.0.0.1"]
    subject += ["-addext", "basicConstraints=critical,CA:FALSE"]
    files = ["-keyout", str(file), "-out", str(file)]
    kind = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"]
    program = shutil.which("openssl") or "openssl"
    subprocess.run([program, *kind, *subject, *files], check=True, capture_output=True)
    return file


def run_in_background(process: subprocess.Popen[str], core: set[int]) -> None:
    """Let a process have only the time of a core that no other process wants."""
    os.sched_setaffinity(process.pid, core)
    os.sched_setscheduler(process.pid, os.SCHED_IDLE, os.sched_param(0))


# It ends with its parent, however that ends.
SPIN = """
import os
parent = os.getppid()
while os.getppid() == parent:
    for _ in range(100_000):
        pass
"""


class Awake:
    """
    Idle processes that keep the cores awake for as long as the `with` block lasts.

    A virtual machine gives a core back while it waits, and gets it again late, with cold caches.
    With one order at a time this makes most of the difference between two turns.
    """

    def __enter__(self) -> None:
        self._processes = []
        for core in cores():
            process = subprocess.Popen([sys.executable, "-S", "-c", SPIN], text=True)
            run_in_background(process, core)
            self._processes.append(process)

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.kill()
            process.wait()


class FakeAws:
    """The fake AWS as a process, for as long as the `with` block lasts."""

    def __init__(self, certificate: Path | None = None, *, at_once: bool = False) -> None:
        """With a certificate it speaks TLS; `at_once` it answers without latency."""
        self._certificate = certificate
        arguments = ["--certificate", str(certificate)] if certificate else []
        arguments += ["--at-once"] if at_once else []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.fake_aws", *arguments],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        os.sched_setaffinity(self.process.pid, cores()[0])
        assert self.process.stdout
        self.port = int(self.process.stdout.readline())
        self.url = f"{'https' if certificate else 'http'}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # Its pipes too are closed by this.
        with self.process:
            self.process.terminate()

    def reset(self) -> dict[str, Any]:
        """Get the counts since the last reset, and forget everything stored."""
        connection = self._connection()
        connection.request("DELETE", "/_bench")
        tally: dict[str, Any] = json.loads(connection.getresponse().read())
        connection.close()
        return tally

    def tally_of(self, orders: int, mix: Mix = Mix.VALID) -> dict[str, Any]:
        """
        Get the counts of so many orders, since the last reset.

        Raises:
            RuntimeError: not each of them got its verdict, and each valid one its object, so the
                measured work was something else.
        """
        tally = self.reset()
        wanted = verdicts(mix, orders)
        archived = tally["calls"].get("S3 PutObject", 0)
        if tally["verdicts"] != wanted or archived != orders - wanted.get("REJECTED", 0):
            raise RuntimeError(f"{orders} orders, {mix}: {tally['verdicts']}, {tally['calls']}")
        return tally

    def _connection(self) -> http.client.HTTPConnection:
        if self.url.startswith("http:"):
            return http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        trusting = ssl.create_default_context(cafile=str(self._certificate))
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=10, context=trusting)


class Contender:
    """A contender as a process, for as long as the `with` block lasts."""

    def __init__(self, name: str, given: Mapping[str, str], *, pinned: bool = True) -> None:
        """`name` is its module; `pinned` holds it to the core that is not the fake AWS's."""
        self.name = name
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.contender", name],
            cwd=ROOT,
            env=dict(given),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        if pinned:
            os.sched_setaffinity(self.process.pid, cores()[1])
        try:
            self._answer()
        except BaseException:
            self.stop()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def perform(self, run: Run) -> Outcome:
        assert self.process.stdin
        self.process.stdin.write(json.dumps(asdict(run)) + "\n")
        return Outcome(**json.loads(self._answer()))

    def stop(self) -> None:
        with self.process:
            self.process.kill()

    def _answer(self) -> str:
        assert self.process.stdout
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self.name} ended with exit code {self.process.wait()}")
        return answer
