"""TLS: every server is verified, though the authorities are parsed only once."""

import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from benchmarks.processes import FakeAws, self_signed
from chalicelib.application import Application
from chalicelib.aws.clients import LambdaClients
from chalicelib.services.unavailable import StoreUnavailable
from tests.application import ENVIRONMENT
from tests.builders import order_text, submission


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return self_signed(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def fake_aws(certificate: Path) -> Iterator[FakeAws]:
    with FakeAws(certificate) as aws:
        yield aws


@pytest.fixture
def application(library: str, fake_aws: FakeAws, monkeypatch: pytest.MonkeyPatch) -> Application:
    monkeypatch.setenv("AWS_ENDPOINT_URL", fake_aws.url)
    return Application(ENVIRONMENT | {"ORDERS_ARCHIVE": library}, LambdaClients())


def keep_orders(application: Application, count: int) -> None:
    """Archive so many orders at once."""
    archive = application.archive
    with ThreadPoolExecutor(count) as executor:
        orders = [submission(order_text(f"order-{number}")) for number in range(count)]
        list(executor.map(archive.keep, orders))


def test_a_server_without_a_trusted_certificate_is_refused(application: Application) -> None:
    with pytest.raises(StoreUnavailable, match="S3 PutObject: SSLError"):
        keep_orders(application, 1)


def test_a_server_with_another_name_is_refused(
    application: Application,
    fake_aws: FakeAws,
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate))
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"https://localhost:{fake_aws.port}")

    with pytest.raises(StoreUnavailable, match="S3 PutObject: SSLError"):
        keep_orders(application, 1)


def test_a_server_with_a_certificate_of_the_callers_authorities_is_trusted(
    application: Application, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate))

    keep_orders(application, 2)


@pytest.mark.parametrize("library", ["boto3"], indirect=True)
def test_the_authorities_are_parsed_once_for_all_clients_and_connections(
    application: Application,
    fake_aws: FakeAws,
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate))
    parsed: list[Any] = []
    load = ssl.SSLContext.load_verify_locations

    def counted(context: ssl.SSLContext, *given: Any, **named: Any) -> None:
        parsed.append(given)
        load(context, *given, **named)

    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", counted)
    _ = application.records
    keep_orders(application, 8)

    assert len(parsed) == 1
    assert fake_aws.reset()["connections"] >= 8
