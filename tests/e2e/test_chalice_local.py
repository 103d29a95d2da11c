"""`chalice local` by itself, as the README shows it: HTTP only, over a running system."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.local.environment import without_aws_settings
from ops.local.stack import LocalStack
from ops.ports import free_port
from ops.project import PROJECT_ROOT
from tests.builders import order_text
from tests.configuration.own import write_configuration
from tests.e2e.client import ApiClient, eventually
from tests.e2e.reading import assert_reads_are_taken
from tests.recording_proxy import RecordingProxy, recording_proxy

COMMAND = "chalice local --stage local --port 8080"
CHALICE = Path(sys.executable).with_name("chalice")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    with LocalStack(log_file=tmp_path_factory.mktemp("stack") / "log") as stack:
        yield stack


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the project with the stage `local` of the tests."""
    directory = tmp_path_factory.mktemp("project")
    for name in ["app.py", "chalicelib", "requirements.txt"]:
        (directory / name).symlink_to(PROJECT_ROOT / name)
    write_configuration(directory)
    return directory


@pytest.fixture(scope="module")
def proxy() -> Iterator[RecordingProxy]:
    with recording_proxy() as proxy:
        yield proxy


@pytest.fixture(scope="module")
def api(project: Path, stack: LocalStack, proxy: RecordingProxy) -> Iterator[ApiClient]:
    """Start it with the AWS endpoint on another port than the configuration has."""
    port = free_port()
    with subprocess.Popen(
        [CHALICE, "local", "--stage", "local", "--port", str(port), "--no-autoreload"],
        cwd=project,
        env=without_aws_settings(os.environ)
        | proxy.variables
        | {"AWS_ENDPOINT_URL": stack.aws_url},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        client = ApiClient(f"http://127.0.0.1:{port}")
        try:
            eventually(lambda: answers(client))
            yield client
        finally:
            process.terminate()


def answers(client: ApiClient) -> bool:
    try:
        return client.get("/health").status == 200
    except OSError:
        return False


def test_the_worker_processes_an_order_from_chalice_local(api: ApiClient) -> None:
    assert api.post(order_text("chalice-local")).status == 202

    (record,) = api.records("chalice-local", 1)

    assert record["status"] == "ACCEPTED"


def test_chalice_local_takes_many_orders(api: ApiClient) -> None:
    texts = [order_text(f"many-{number}", note="ñ") for number in range(11)]

    answer = api.post_lines(b"\r\n".join(text.encode() for text in texts) + b"\n\xff")

    assert (answer.status, answer.body["queued"], answer.body["refused"]) == (202, 11, 1)
    for number in range(11):
        assert api.records(f"many-{number}", 1)[0]["status"] == "ACCEPTED"


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/orders", b"{not json", 400),
        ("POST", "/orders", b"", 400),
        ("DELETE", "/orders", None, 405),
        ("GET", "/orders/none", None, 404),
    ],
)
def test_the_errors_of_chalice_local_are_problems(
    api: ApiClient, method: str, path: str, body: bytes | None, status: int
) -> None:
    answer = api.request(method, path, body, {"Content-Type": "application/json"})

    assert answer.status == status
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_reads_of_careless_clients_are_taken(api: ApiClient) -> None:
    assert_reads_are_taken(api, prefix="")


def test_an_unknown_path_is_chalices_own_answer(api: ApiClient) -> None:
    """Chalice answers before it calls the app, as docs/problems.md says."""
    answer = api.get("/nowhere")

    assert (answer.status, answer.body) == (403, {"message": "Missing Authentication Token"})


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), f"type here: {COMMAND}\n"),
        (("--stage", "local"), f"type here: AWS_ENDPOINT_URL=http://127.0.0.1:PORT {COMMAND}\n"),
    ],
    ids=["no stage", "no `make run`"],
)
def test_chalice_local_says_at_once_what_is_lacking(
    project: Path, arguments: tuple[str, ...], says: str
) -> None:
    nobody = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}"}
    with subprocess.Popen(
        # One process: with autoreload, the one that serves would outlive the one that is ended.
        [CHALICE, "local", *arguments, "--port", str(free_port()), "--no-autoreload"],
        cwd=project,
        env=without_aws_settings(os.environ) | nobody,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout
        try:
            first = process.stdout.readline()
        finally:
            process.terminate()

    assert first.endswith(says)


def test_chalice_local_calls_this_machine_past_a_proxy(
    api: ApiClient, proxy: RecordingProxy
) -> None:
    assert api.get("/health").body["status"] == "pass"
    assert api.post(order_text("past-a-proxy")).status == 202
    assert api.records("past-a-proxy", 1)[0]["status"] == "ACCEPTED"

    assert proxy.calls == []
