"""Behind a company's proxy, no command asks it for this machine."""

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from shutil import copy, copytree
from urllib.request import getproxies

import pytest

from ops.local.emulator import Emulator
from ops.local.stack import LocalStack
from ops.ports import LOOPBACK, free_port
from ops.project import PROJECT_ROOT
from tests.builders import order_text
from tests.e2e.client import eventually
from tests.project import copy_project
from tests.recording_proxy import RecordingProxy, recording_proxy
from tests.unit.test_ops_commands import (
    ARGUMENTS,
    ONLY_DEPLOYED,
    ONLY_LOCAL,
    OUT_OF_REACH,
    every_command_over_a_stage,
)

# A machine that is busy with other tests takes its time.
pytestmark = pytest.mark.timeout(300)
LIMIT_SECONDS = 100
# A command that never ends has called what it calls by then.
ENDLESS_SECONDS = 10
STARTING = ONLY_LOCAL | {"console"}
READING = sorted(set(every_command_over_a_stage()) - ONLY_DEPLOYED - STARTING)
# A command that fails at its arguments makes no call.
REAL = {
    "orders submit": [order_text("behind-a-proxy")],
    "orders tail": ["--count", "1", "--since", "1h"],
    "reconcile": ["--from", "2020-01-01", "--to", "2020-01-01"],
    "replay": ["--into", "behind-a-proxy", "--create", "--yes", "--why", "a test"],
}
DEPLOYING = (
    "resources up --yes",
    "deploy",
    "resources show",
    "lint",
    "verify --only health --only order --yes",
    "orders list",
    "destroy --yes",
    "resources down --yes",
)


@pytest.fixture(scope="module")
def proxy() -> Iterator[RecordingProxy]:
    with recording_proxy() as proxy:
        yield proxy


@contextmanager
def behind(proxy: RecordingProxy) -> Iterator[None]:
    """Name the proxy to every process that is started here."""
    with pytest.MonkeyPatch.context() as environment:
        for name, value in proxy.variables.items():
            environment.setenv(name, value)
        assert getproxies()["http"] == getproxies()["https"] == proxy.url
        yield


@pytest.fixture
def nobody_calls(proxy: RecordingProxy) -> Iterator[None]:
    """Run a test behind the proxy, and see afterwards that nobody called it."""
    del proxy.calls[:]
    with behind(proxy):
        yield
    assert proxy.calls == []


@pytest.fixture(scope="module")
def stack(proxy: RecordingProxy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """Start all that `make run` starts."""
    log = tmp_path_factory.mktemp("stack") / "log"
    with ExitStack() as running:
        with behind(proxy):
            stack = running.enter_context(
                LocalStack(log_file=log, console_port=free_port(), events="eventbridge")
            )
        yield stack


def ops(
    *words: str, directory: Path = PROJECT_ROOT, limit_seconds: float = LIMIT_SECONDS, **given: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ops", *words],
        cwd=directory,
        env={**os.environ, **given},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=limit_seconds,
        check=False,
    )


def answer(port: int, method: str, path: str, body: str | None = None) -> tuple[int, str]:
    """Ask by a client that knows no proxies; 0 if there is no answer."""
    connection = HTTPConnection(LOOPBACK, port, timeout=LIMIT_SECONDS)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, response.read().decode()
    except ConnectionError:
        return 0, ""
    finally:
        connection.close()


@pytest.mark.usefixtures("nobody_calls")
def test_the_system_on_this_machine_asks_no_proxy_for_itself(stack: LocalStack) -> None:
    posted = answer(stack.api_port, "POST", "/orders", order_text("behind"))
    assert posted[0] == 202, posted

    eventually(lambda: '"ACCEPTED"' in answer(stack.api_port, "GET", "/orders/behind")[1])
    eventually(lambda: "behind" in answer(stack.console_port or 0, "GET", "/orders/behind")[1])
    assert '"status":"pass"' in answer(stack.api_port, "GET", "/health")[1].replace(" ", "")


@pytest.mark.usefixtures("nobody_calls")
def test_no_command_over_the_local_stage_asks_the_proxy(stack: LocalStack) -> None:
    def typed(name: str) -> tuple[str, int | None, str]:
        given = ["--aws-port", str(stack.aws_port)]
        given += ["--api-url", stack.api_url, "--only", "health"] if name == "verify" else []
        words = (*name.split(), *REAL.get(name, ARGUMENTS.get(name, ())), *given)
        endless = name.endswith("tail")
        try:
            ended = ops(*words, limit_seconds=ENDLESS_SECONDS if endless else LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            assert endless, name
            return name, None, ""
        return name, ended.returncode, ended.stdout

    with ThreadPoolExecutor(4) as at_once:
        ended = list(at_once.map(typed, READING))

    for name, code, said in ended:
        # What isn't found, or was asked wrongly, still has been asked for.
        assert code != OUT_OF_REACH, (name, said)
        assert "Traceback" not in said, (name, said)
    assert {name for name, code, _ in ended if code == 0} >= {"health", "orders list", "verify"}


# The wheels come first: whatever isn't kept is downloaded, and that by the proxy.
@pytest.mark.usefixtures("deployments", "nobody_calls")
def test_a_stage_on_an_emulator_is_deployed_past_the_proxy(
    deployments: Path, tmp_path: Path
) -> None:
    project = copy_project(tmp_path / "project", deployments)
    copytree(PROJECT_ROOT / "ops", project / "ops")
    copy(PROJECT_ROOT / "requirements-ops.txt", project)
    emulator = Emulator(free_port(), tmp_path)
    emulator.start()
    try:
        ended = [(words, _deployed(words, project, emulator.url)) for words in DEPLOYING]
    finally:
        emulator.stop()

    failed = {words: done.stdout for words, done in ended if done.returncode}
    assert not failed, "\n".join(failed.values())


def _deployed(words: str, project: Path, url: str) -> subprocess.CompletedProcess[str]:
    return ops(*words.split(), "--stage", "dev", directory=project, AWS_ENDPOINT_URL=url)
