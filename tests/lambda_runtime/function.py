"""A packaged function as Lambda runs it: AWS's runtime client under AWS's own emulator."""

import json
import os
import platform
import re
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, Self

from ops.ports import LOOPBACK, accepts_connections, free_port
from tests.aws_parts import LAMBDA_PYTHON

EMULATORS = {"x86_64": "aws-lambda-rie-x86_64", "aarch64": "aws-lambda-rie-arm64"}
INVOCATIONS = "2015-03-31/functions/function/invocations"
START_LIMIT_SECONDS = 10.0
ANSWER_LIMIT_SECONDS = 90.0
# The emulator's own lines between those of the function; on AWS they are platform events.
PLATFORM_LINE = re.compile(r"(START|END|REPORT) RequestId: ")
INIT_REPORT = re.compile(r"INIT REPORT\(durationMs: ([\d.]+)\)")
INVOKE_DONE = re.compile(r"INVOKE RTDONE\(.*duration: ([\d.]+)ms\)")


class Answer(NamedTuple):
    """The answer to an invocation; the emulator gives a failed one 200 or 502, and no header."""

    status: int
    text: str

    @property
    def body(self) -> Any:
        return json.loads(self.text)


class Function:
    """
    A function in its directory of code, for as long as the `with` block lasts.

    Its INIT begins with the first invocation. It listens on 127.0.0.1 only.
    """

    def __init__(
        self,
        code: Path,
        handler: str,
        variables: Mapping[str, str],
        directory: Path,
        *,
        timeout_seconds: int = 60,
        log_level: str = "INFO",
    ) -> None:
        """`directory` is for its logs. `log_level` is Lambda's ApplicationLogLevel."""
        self._code = code
        self._handler = handler
        self._output = directory / "function.log"
        self._emulator_log = directory / "emulator.log"
        given = _environment(code, handler, timeout_seconds, log_level)
        self._environment = {**given, **variables}
        self._ports = self.port, self.runtime_port = free_port(), free_port()

    def __enter__(self) -> Self:
        with self._output.open("wb") as output, self._emulator_log.open("wb") as log:
            self.process = subprocess.Popen(
                [
                    str(_emulator()),
                    *("--runtime-interface-emulator-address", f"{LOOPBACK}:{self.port}"),
                    *("--runtime-api-address", f"{LOOPBACK}:{self.runtime_port}"),
                    *(str(LAMBDA_PYTHON), "-m", "awslambdaric", self._handler),
                ],
                cwd=self._code,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_LIMIT_SECONDS
        # It opens one after the other.
        while not all(accepts_connections(LOOPBACK, port) for port in self._ports):
            assert time.monotonic() < deadline, self._emulator_log.read_text()
            time.sleep(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait()

    def invoke(self, event: Mapping[str, Any]) -> Answer:
        """Invoke it with an event, and wait for its answer."""
        url = f"http://{LOOPBACK}:{self.port}/{INVOCATIONS}"
        request = urllib.request.Request(url, json.dumps(event).encode())
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_LIMIT_SECONDS) as answer:
                return Answer(answer.status, answer.read().decode())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.read().decode())

    @property
    def lines(self) -> list[str]:
        """All that the function has written so far, as CloudWatch gets it, line by line."""
        # A traceback in Lambda's text format is one line: it has carriage returns within.
        written = self._output.read_bytes().decode().removesuffix("\n").split("\n")
        return [line for line in written if not PLATFORM_LINE.match(line)]

    @property
    def log(self) -> list[dict[str, Any]]:
        """The function's lines as JSON: each must be an object."""
        return [json.loads(line) for line in self.lines]

    @property
    def init_ms(self) -> float:
        """The duration of its first INIT, which the emulator's REPORT line counts as zero."""
        return self._durations(INIT_REPORT)[0]

    @property
    def invocations_ms(self) -> list[float]:
        """The durations of its invocations without INIT."""
        return self._durations(INVOKE_DONE)

    def runtime_pid(self) -> int:
        """Find the process that runs the function: the only child of the emulator."""
        (child,) = filter(self._is_parent_of, Path("/proc").glob("[0-9]*"))
        return int(child.name)

    def _is_parent_of(self, process: Path) -> bool:
        try:
            status = (process / "stat").read_text(encoding="utf-8")
        except OSError:
            return False  # it has ended meanwhile
        return int(status.rpartition(")")[2].split()[1]) == self.process.pid

    def _durations(self, pattern: re.Pattern[str]) -> list[float]:
        return [float(text) for text in pattern.findall(self._emulator_log.read_text())]


def _emulator() -> Path:
    """Find the emulator for this machine, in the wheel of aws-sam-cli."""
    name = EMULATORS[platform.machine()]
    (path,) = LAMBDA_PYTHON.parents[1].glob(f"lib/python3*/site-packages/samcli/local/rapid/{name}")
    return path


def _environment(code: Path, handler: str, timeout_seconds: int, log_level: str) -> dict[str, str]:
    """Make the variables that Lambda sets for a function whose log format is JSON."""
    return {
        "PATH": os.environ["PATH"],
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        # On Lambda a package is read-only.
        "PYTHONDONTWRITEBYTECODE": "1",
        "LAMBDA_TASK_ROOT": str(code),
        "_HANDLER": handler,
        "AWS_LAMBDA_FUNCTION_NAME": "orders",
        "AWS_LAMBDA_FUNCTION_TIMEOUT": str(timeout_seconds),
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "AWS_LAMBDA_LOG_FORMAT": "JSON",
        "AWS_LAMBDA_LOG_LEVEL": log_level,
    }
