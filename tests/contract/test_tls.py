"""TLS: every server is verified, though the authorities are parsed only once."""

import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from benchmarks.processes import FakeAws, self_signed
from chalicelib import wiring
from chalicelib.unavailable import StoreUnavailable
from tests.builders import order_text, submission


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return self_signed(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def fake_aws(certificate: Path) -> Iterator[FakeAws]:
    with FakeAws(certificate) as aws:
        yield aws


@pytest.fixture
def fake_aws_url(fake_aws: FakeAws, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for name, value in {
        "AWS_ENDPOINT_URL": fake_aws.url,
        "ORDERS_QUEUE_URL": "not used",
        "ORDERS_DLQ_URL": "not used",
        "ORDERS_BUCKET": "orders",
        "ORDERS_TABLE": "orders",
    }.items():
        monkeypatch.setenv(name, value)
    wiring.forget()
    yield fake_aws.url
    wiring.forget()


def keep_orders(count: int) -> None:
    archive = wiring.order_archive()
    with ThreadPoolExecutor(count) as executor:
        orders = [submission(order_text(f"order-{number}")) for number in range(count)]
        list(executor.map(archive.keep, orders))


@pytest.mark.usefixtures("fake_aws_url")
def test_a_server_that_nobody_vouches_for_is_refused() -> None:
    with pytest.raises(StoreUnavailable, match="S3 PutObject: SSLError"):
        keep_orders(1)


@pytest.mark.usefixtures("fake_aws_url")
def test_a_server_by_another_name_is_refused(
    fake_aws: FakeAws, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate))
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"https://localhost:{fake_aws.port}")

    with pytest.raises(StoreUnavailable, match="S3 PutObject: SSLError"):
        keep_orders(1)


@pytest.mark.usefixtures("fake_aws_url")
def test_the_authorities_are_parsed_once_for_all_clients_and_connections(
    fake_aws: FakeAws, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate))
    parsed: list[Any] = []
    load = ssl.SSLContext.load_verify_locations

    def counted(context: ssl.SSLContext, *given: Any, **named: Any) -> None:
        parsed.append(given)
        load(context, *given, **named)

    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", counted)
    wiring.record_store()
    keep_orders(8)

    assert len(parsed) == 1
    assert fake_aws.reset()["connections"] >= 8
