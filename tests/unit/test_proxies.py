"""Behind a company's proxy: calls to this machine go past it, and calls to AWS through it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from typing import Any
from urllib.error import URLError
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined] # not in typeshed

import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError
from click.testing import CliRunner

from chalicelib.aws.clients import LambdaClients, is_on_this_machine
from ops.aws_session import make_client, make_session
from ops.cli import local
from ops.cli.commands import main
from ops.deploy.smoke import download
from ops.local_stage import local_client_config, local_session
from ops.ports import free_port
from ops.proxies import advice_for_curl, exempting_this_machine
from tests.recording_proxy import RecordingProxy, recording_proxy

ONCE = Config(connect_timeout=1, retries={"total_max_attempts": 1})
HERE = ["127.0.0.1", "localhost", "[::1]", "127.9.8.7"]
ELSEWHERE = ["192.0.2.1", "stage.bank.example", "localhost.bank.example"]


def sqs_of_the_app() -> Any:
    return LambdaClients(ONCE).sqs


def sqs_of_operators() -> Any:
    return make_client(make_session(), "sqs", config=ONCE)


def sqs_of_operators_as_set() -> Any:
    return make_client(make_session(), "sqs")


CLIENTS = [sqs_of_the_app, sqs_of_operators, sqs_of_operators_as_set]


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[RecordingProxy]:
    """Run a proxy that the environment names, without an exemption."""
    with recording_proxy() as proxy:
        for name, value in proxy.variables.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
        yield proxy


@pytest.mark.parametrize("make", CLIENTS)
@pytest.mark.parametrize("host", HERE)
def test_a_client_calls_this_machine_past_the_proxy(
    host: str, make: Callable[[], Any], proxy: RecordingProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{free_port()}")

    with closing(make()) as sqs, pytest.raises(BotoCoreError):
        sqs.list_queues()

    assert proxy.calls == []


@pytest.mark.parametrize("make", CLIENTS)
@pytest.mark.parametrize("host", ELSEWHERE)
def test_a_client_calls_another_machine_through_the_proxy(
    host: str, make: Callable[[], Any], proxy: RecordingProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}")

    with closing(make()) as sqs, pytest.raises(Exception, match="502"):
        sqs.list_queues()

    assert proxy.calls == [f"POST http://{host}/"]


@pytest.mark.parametrize("make", CLIENTS)
def test_a_client_calls_aws_through_the_proxy(
    make: Callable[[], Any], proxy: RecordingProxy
) -> None:
    with closing(make()) as sqs, pytest.raises(BotoCoreError):
        sqs.list_queues()

    assert proxy.calls == ["CONNECT sqs.us-east-1.amazonaws.com:443"]


def test_one_client_is_made_where_no_proxy_is_in_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    session = make_session()
    made = list[str]()
    session.events.register("creating-client-class.sqs", lambda **_: made.append("client"))

    make_client(session, "sqs").close()

    assert made == ["client"]


@pytest.mark.parametrize("host", HERE)
def test_the_client_of_the_local_stage_calls_past_the_proxy(
    host: str, proxy: RecordingProxy
) -> None:
    url = f"http://{host}:{free_port()}"
    client = local_session().client("sqs", endpoint_url=url, config=local_client_config())

    with closing(client), pytest.raises(BotoCoreError):
        client.list_queues()

    assert proxy.calls == []


@pytest.mark.parametrize("host", HERE)
def test_the_smoke_test_calls_this_machine_past_the_proxy(host: str, proxy: RecordingProxy) -> None:
    with pytest.raises(URLError):
        download(f"http://{host}:{free_port()}/health")

    assert proxy.calls == []


def test_the_smoke_test_calls_another_machine_through_the_proxy(proxy: RecordingProxy) -> None:
    assert download("http://stage.bank.example/health").status == 502
    assert proxy.calls == ["GET http://stage.bank.example/health"]


@pytest.mark.parametrize("host", HERE)
def test_a_loopback_address_is_on_this_machine(host: str) -> None:
    assert is_on_this_machine(f"http://{host}:4566/queue")


@pytest.mark.parametrize("host", [*ELSEWHERE, "0.0.0.0", "[::]", ""])  # noqa: S104 (not listened on)
def test_any_other_address_is_not_on_this_machine(host: str) -> None:
    assert not is_on_this_machine(f"http://{host}/queue")


@pytest.mark.parametrize(
    ("given", "exempt"),
    [
        ({}, "127.0.0.1,localhost,169.254.169.254"),
        ({"NO_PROXY": "bank.example"}, "bank.example,127.0.0.1,localhost,169.254.169.254"),
        (
            {"NO_PROXY": "x", "no_proxy": "bank.example"},
            "bank.example,127.0.0.1,localhost,169.254.169.254",
        ),
        ({"NO_PROXY": "*"}, "*"),
    ],
)
def test_this_machine_is_exempt_from_every_proxy(given: Mapping[str, str], exempt: str) -> None:
    assert exempting_this_machine(given) == {"no_proxy": exempt, "NO_PROXY": exempt}


@pytest.mark.parametrize("given", ["", "*", "bank.example", " * ", ".bank.example,10.0.0.1:3128"])
@pytest.mark.parametrize(
    "host", ["bank.example", "eu.bank.example", "10.0.0.1:3128", "aws.example"]
)
def test_what_was_exempt_stays_exempt(given: str, host: str) -> None:
    after = exempting_this_machine({"no_proxy": given})["no_proxy"]

    before = proxy_bypass_environment(host, {"no": given})

    assert proxy_bypass_environment(host, {"no": after}) == before
    assert proxy_bypass_environment("127.0.0.1:8000", {"no": after})


@pytest.mark.parametrize("name", ["http_proxy", "all_proxy", "ALL_PROXY"])
def test_make_run_says_how_curl_gets_past_a_proxy(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "run_until_stopped", lambda _: 0)
    ports = [f"--{each}port={free_port()}" for each in ("", "aws-", "console-")]

    environment = {"NO_PROXY": "", "no_proxy": "", name: "http://proxy.bank.example:3128"}

    done = CliRunner(env=environment).invoke(main, ["run", *ports])

    assert f"{name} sends curl to a proxy" in done.output
    assert "\n  export no_proxy=127.0.0.1,localhost,169.254.169.254\n" in done.output


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"HTTP_PROXY": "http://proxy.bank.example:3128"},
        {"http_proxy": "http://proxy.bank.example:3128", "no_proxy": "*"},
        {"http_proxy": "http://proxy.bank.example:3128", "NO_PROXY": "bank.example,127.0.0.1"},
    ],
)
def test_nothing_is_said_where_curl_reaches_this_machine(environment: Mapping[str, str]) -> None:
    assert advice_for_curl(environment) is None


def test_the_hosts_that_are_exempt_stay_so() -> None:
    given = {"http_proxy": "http://proxy.bank.example:3128", "NO_PROXY": "bank.example"}

    assert "export no_proxy=bank.example,127.0.0.1,localhost" in (advice_for_curl(given) or "")
