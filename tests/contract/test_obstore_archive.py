"""The archive over obstore: answers that no emulator gives, and what a slow store may cost."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from hashlib import md5
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.config import Config
from botocore.credentials import ReadOnlyCredentials, RefreshableCredentials
from botocore.exceptions import NoCredentialsError, NoRegionError
from botocore.session import Session

from chalicelib.aws.bucket_address import BucketAddress, BucketUrls
from chalicelib.aws.clients import (
    CLIENT_CONFIG,
    HEALTH_CONFIG,
    S3_CONFIG,
    make_session,
)
from chalicelib.aws.obstore_archive import ObstoreArchive, open_archive
from chalicelib.services.unavailable import StoreConflict, StoreUnavailable
from tests import scripted_store
from tests.builders import order_text, submission
from tests.e2e.client import eventually
from tests.scripted_store import STORED, Answer, ScriptedStore, answer, error

if TYPE_CHECKING:
    from obstore.store import S3Store

BUCKET = "orders-dev-123456789012"
DELIVERED = submission(order_text())
# Its waiting is a tenth of what a function's is.
HASTY = CLIENT_CONFIG.merge(Config(connect_timeout=0.1, read_timeout=0.2))
PAGE = b"<html>Sign in to the network</html>"


class Opened:
    """An archive over a scripted store, and the pauses that it made."""

    def __init__(self, store: ScriptedStore, config: Config) -> None:
        self.asked = store.asked
        self.slept: list[float] = []
        self.archive: ObstoreArchive = open_archive(
            make_session(), config, BUCKET, sleep=self.slept.append
        )

    def failure(self) -> StoreUnavailable:
        """Fail to keep an order."""
        with pytest.raises(StoreUnavailable) as failed:
            self.archive.keep(DELIVERED)
        return failed.value


Open = Callable[..., Opened]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """Open archives, each over a store that answers as a script says."""
    stores: list[ScriptedStore] = []

    def open_over(*script: Answer, config: Config = HASTY) -> Opened:
        store = ScriptedStore(*script)
        stores.append(store)
        store.__enter__()
        monkeypatch.setenv("AWS_ENDPOINT_URL", store.url)
        return Opened(store, config)

    yield open_over
    for store in stores:
        store.__exit__()


def test_a_put_has_a_condition_a_checksum_and_the_bytes_as_they_are(opened: Open) -> None:
    """S3 takes no other put into a bucket with Object Lock: see test_object_checksums.py."""
    over = opened(STORED)

    over.archive.keep(DELIVERED)

    (put,) = over.asked
    assert put.line == f"PUT /{BUCKET}/{DELIVERED.archive_key} HTTP/1.1"
    assert put.body == DELIVERED.order.payload.encode()
    assert put.headers["if-none-match"] == "*"
    assert put.headers["content-type"] == "application/json"
    assert put.headers["x-amz-checksum-sha256"]
    assert put.headers["x-amz-content-sha256"] == DELIVERED.order.payload_sha256
    assert "expect" not in put.headers


def test_an_object_that_is_there_already_is_kept(opened: Open) -> None:
    over = opened(error(412, "PreconditionFailed"))

    over.archive.keep(DELIVERED)

    assert len(over.asked) == 1


@pytest.mark.parametrize("code", ["ConditionalRequestConflict", "OperationAborted"])
def test_a_put_that_meets_another_one_is_a_conflict_and_not_there(opened: Open, code: str) -> None:
    """Obstore raises the same error as for an object that is there."""
    over = opened(error(409, code), STORED)

    with pytest.raises(StoreConflict, match=f"^S3 PutObject: {code}$"):
        over.archive.keep(DELIVERED)

    assert len(over.asked) == 1
    over.archive.keep(DELIVERED)


@pytest.mark.parametrize("status", [304, 409, 412])
def test_a_status_without_a_code_of_aws_does_not_mean_that_an_object_is_there(
    opened: Open, status: int
) -> None:
    over = opened(answer(status, b"" if status == 304 else PAGE))

    assert str(over.failure()).startswith(f"S3 PutObject: the answer ({status}) has no code,")


@pytest.mark.parametrize(
    "good",
    [
        answer(200, PAGE),
        answer(200, PAGE, ETag='"5f3c-1a2b"'),
        answer(200, PAGE, ETag='"d41d8cd98f00b204e9800998ecf8427e"'),
        answer(204),
    ],
)
def test_a_good_status_counts_only_with_a_version_or_the_digest_of_the_order(
    opened: Open, good: Answer
) -> None:
    over = opened(good)

    assert "so it is not AWS's: look for a wrong endpoint" in str(over.failure())
    assert len(over.asked) == 1


def test_a_put_into_a_bucket_that_kms_encrypts_counts_by_its_version(opened: Open) -> None:
    """There the ETag is no digest of the order (S3's API reference: Object, ETag)."""
    over = opened(
        answer(
            200,
            ETag='"9b2cf535f27731c974343645a3985328"',
            x_amz_server_side_encryption="aws:kms",
            x_amz_version_id="v-1",
        )
    )

    over.archive.keep(DELIVERED)

    (put,) = over.asked
    assert not [name for name in put.headers if "encryption" in name]


def test_a_put_into_a_bucket_without_versions_counts_by_the_digest(opened: Open) -> None:
    digest = md5(DELIVERED.order.payload.encode(), usedforsecurity=False).hexdigest()

    opened(answer(200, ETag=f'"{digest}"')).archive.keep(DELIVERED)


PASSING: dict[str, tuple[Answer, str]] = {
    "an error of S3": (answer(500), "500"),
    "a throttle": (error(503, "SlowDown"), "SlowDown"),
    "a body that came too slowly": (error(400, "RequestTimeout"), "RequestTimeout"),
    "a reset": (scripted_store.reset, "ConnectionClosedError"),
    "a closed connection": (scripted_store.close, "ConnectionClosedError"),
    "no HTTP": (scripted_store.garble, "ConnectionClosedError"),
    "no answer": (scripted_store.hang, "ReadTimeoutError"),
}


@pytest.mark.parametrize(("failing", "name"), PASSING.values(), ids=PASSING)
def test_a_failure_that_may_pass_is_tried_three_times(
    opened: Open, failing: Answer, name: str
) -> None:
    over = opened(failing)

    assert str(over.failure()) == f"S3 PutObject: {name}"
    assert len(over.asked) == 3
    first, second = over.slept
    assert 0 <= first <= 1
    assert 0 <= second <= 2


@pytest.mark.parametrize("failing", [each for each, _ in PASSING.values()], ids=PASSING)
def test_an_order_is_kept_by_the_last_of_three_attempts(opened: Open, failing: Answer) -> None:
    over = opened(failing, failing, STORED)

    over.archive.keep(DELIVERED)

    assert len(over.asked) == 3


def test_a_put_whose_answer_was_lost_is_there_at_the_next_attempt(opened: Open) -> None:
    over = opened(scripted_store.hang, error(412, "PreconditionFailed"))

    over.archive.keep(DELIVERED)


@pytest.mark.parametrize(
    ("status", "code"), [(403, "AccessDenied"), (404, "NoSuchBucket"), (400, "ExpiredToken")]
)
def test_a_refusal_is_not_tried_again(opened: Open, status: int, code: str) -> None:
    over = opened(error(status, code))

    assert str(over.failure()) == f"S3 PutObject: {code}"
    assert len(over.asked) == 1


@pytest.mark.parametrize("code", ["PermanentRedirect", "TemporaryRedirect"])
def test_a_bucket_of_another_region_is_named_so(opened: Open, code: str) -> None:
    """S3 says where it is without a `Location`, and obstore then passes none of its words on."""
    over = opened(error({"PermanentRedirect": 301, "TemporaryRedirect": 307}[code], code))

    assert str(over.failure()) == "S3 PutObject: PermanentRedirect"
    assert len(over.asked) == 1


def test_an_order_follows_no_redirect(opened: Open) -> None:
    with ScriptedStore(STORED) as elsewhere:
        over = opened(answer(307, Location=f"{elsewhere.url}/"))

        assert str(over.failure()).startswith("S3 PutObject: the answer (307) has no code")
        assert elsewhere.asked == []


@pytest.mark.parametrize("slow", [scripted_store.hang, scripted_store.drip])
def test_a_slow_store_costs_the_time_of_three_attempts(opened: Open, slow: Answer) -> None:
    over = opened(slow)
    started = time.monotonic()

    assert str(over.failure()) == "S3 PutObject: ReadTimeoutError"

    waiting = 3 * (HASTY.connect_timeout + HASTY.read_timeout)  # type: ignore[attr-defined]
    assert time.monotonic() - started < waiting + 1


@pytest.mark.parametrize("slow", [scripted_store.hang, scripted_store.drip])
def test_attempts_that_timed_out_leave_no_connection_open(
    slow: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ScriptedStore(slow) as store:
        monkeypatch.setenv("AWS_ENDPOINT_URL", store.url)
        over = Opened(store, HASTY)

        for _ in range(5):
            over.failure()

        assert len(store.asked) == 15
        eventually(lambda: store.left_open() == 0)


def test_a_batch_after_the_other_uses_the_same_connections(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with ScriptedStore(STORED) as store, ThreadPoolExecutor(8) as threads:
        monkeypatch.setenv("AWS_ENDPOINT_URL", store.url)
        over = Opened(store, CLIENT_CONFIG)

        for _ in range(20):
            list(threads.map(over.archive.keep, [DELIVERED] * 20))

        # One for each thread, and some that an answer came too soon for.
        assert store.left_open() <= 40


def test_a_panic_of_the_library_is_a_failure_of_one_order(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A panic in Rust is no `Exception`: a batch would end by it, at each receive."""
    monkeypatch.setenv("AWS_SESSION_TOKEN", "of\ntwo lines")
    over = opened(STORED)

    assert str(over.failure()) == "S3 PutObject: PanicException"
    assert over.asked == []


def test_an_interrupt_is_no_failure_of_the_library() -> None:
    class Interrupted:
        def put(self, *_: object, **__: object) -> None:
            raise KeyboardInterrupt

    archive = ObstoreArchive(
        cast("S3Store", Interrupted()),
        BucketUrls.of(make_session(), BUCKET),
        lambda: ReadOnlyCredentials("a", "b", None),
        attempts=3,
        sleep=lambda _: None,
    )

    with pytest.raises(KeyboardInterrupt):
        archive.keep(DELIVERED)


def test_a_store_without_a_listener_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedStore(STORED) as gone:
        monkeypatch.setenv("AWS_ENDPOINT_URL", gone.url)
    alone = Opened(gone, HASTY)

    assert str(alone.failure()) == "S3 PutObject: EndpointConnectionError"
    assert len(alone.slept) == 2


@pytest.mark.parametrize(
    "failing",
    [
        *(each for each, _ in PASSING.values()),
        *(answer(403, PAGE), error(403, "AccessDenied"), error(409, "OperationAborted")),
        *(answer(200), answer(302, Location="http://127.0.0.1:9/"), answer(301)),
    ],
)
def test_no_failure_quotes_a_key_or_the_bucket(opened: Open, failing: Answer) -> None:
    """The bucket's name holds the account's number, and a log shows causes too."""
    failure = opened(failing).failure()

    shown = f"{failure} {failure.__cause__}"
    assert DELIVERED.order.id not in shown
    assert "123456789012" not in shown
    assert failure.__suppress_context__ or failure.__context__ is None


def test_the_check_asks_once_for_what_is_not_there(opened: Open) -> None:
    over = opened(error(404, "NoSuchKey"))

    over.archive.check()

    assert [asked.line for asked in over.asked] == [f"GET /{BUCKET}/orders/health-check HTTP/1.1"]


@pytest.mark.parametrize(
    ("other", "failure"),
    [
        (error(404, "NoSuchBucket"), "NoSuchBucket"),
        (error(403, "AccessDenied"), "AccessDenied"),
        (error(503, "SlowDown"), "SlowDown"),
        (answer(200, PAGE), r"the answer \(200\) has no code"),
        (answer(404, PAGE), r"the answer \(404\) has no code"),
        (answer(302, Location="http://127.0.0.1:9/"), "EndpointConnectionError"),
    ],
)
def test_the_check_shows_a_bucket_that_is_of_no_use(
    opened: Open, other: Answer, failure: str
) -> None:
    over = opened(other, config=HEALTH_CONFIG)

    with pytest.raises(StoreUnavailable, match=f"^S3 GetObject: {failure}"):
        over.archive.check()

    assert len(over.asked) == 1


@pytest.mark.parametrize(
    ("config", "attempts"), [(CLIENT_CONFIG, 3), (HEALTH_CONFIG, 1)], ids=["calls", "health"]
)
def test_an_archive_has_the_attempts_of_its_clients(
    opened: Open, config: Config, attempts: int
) -> None:
    over = opened(error(503, "SlowDown"), config=config)

    over.failure()

    assert len(over.asked) == attempts


@contextmanager
def no_proxy_leads_there(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with ScriptedStore(answer(502)) as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        yield
        assert proxy.asked == []


def test_this_machine_is_called_without_a_proxy(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    with no_proxy_leads_there(monkeypatch):
        opened(STORED).archive.keep(DELIVERED)


def test_another_machine_is_called_through_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedStore(STORED) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://store.example")
        open_archive(make_session(), HASTY, BUCKET).keep(DELIVERED)

    (put,) = proxy.asked
    assert put.line.startswith("PUT http://store.example/")


def test_a_machine_without_authorities_has_those_of_botocore(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some containers have none, and obstore then opens nothing, with TLS or without."""
    monkeypatch.delenv("AWS_CA_BUNDLE", raising=False)
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.setenv(name, os.devnull)
    over = opened(STORED)

    over.archive.keep(DELIVERED)

    assert len(over.asked) == 1


def test_a_put_has_the_token_of_the_functions_credentials(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "of-the-role")
    over = opened(STORED)

    over.archive.keep(DELIVERED)

    assert over.asked[0].headers["x-amz-security-token"] == "of-the-role"


def test_credentials_that_expire_are_refreshed(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A profile with SSO or a role has such ones; Lambda's are of the environment, and stay."""
    refreshed: list[str] = []

    def refresh() -> dict[str, Any]:
        refreshed.append(f"token-{len(refreshed)}")
        # Each is about to expire, so botocore gets the next before each call.
        expires = (datetime.now(UTC) + timedelta(minutes=5)).isoformat()
        keys = {"access_key": "a", "secret_key": "b"}
        return {**keys, "token": refreshed[-1], "expiry_time": expires}

    credentials = RefreshableCredentials.create_from_metadata(refresh(), refresh, "a-test")
    monkeypatch.setattr(Session, "get_credentials", lambda _: credentials)
    over = opened(STORED)

    over.archive.keep(DELIVERED)

    assert over.asked[0].headers["x-amz-security-token"] == refreshed[-1] != refreshed[0]
    signed = over.archive.presigned_url("k")
    assert f"X-Amz-Security-Token={refreshed[-1]}&" in signed


def test_credentials_are_loaded_once_for_all_threads(
    opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A profile's program may ask a person, or be throttled."""
    program, loads = tmp_path / "program", tmp_path / "loads"
    keys = '{"Version": 1, "AccessKeyId": "a", "SecretAccessKey": "b"}'
    program.write_text(f"#!/bin/sh\necho >> {loads}\nsleep 0.1\necho '{keys}'\n")
    program.chmod(0o755)
    (tmp_path / "config").write_text(f"[default]\ncredential_process = {program}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    over = opened(STORED)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(over.archive.keep, [DELIVERED] * 8))

    assert len(over.asked) == 8
    assert loads.read_text() == "\n"


# obstore's own words for its settings; it reads each from the environment as `AWS_...` too.
STUB = files("obstore") / "_store" / "_aws.pyi"
# Those that botocore reads too. The rest of them obstore alone knows.
OF_AWS = {
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
    *("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_DEFAULT_REGION"),
}
# It has no word for "none" (decision 26).
BINDING = {"AWS_SERVER_SIDE_ENCRYPTION"}
OF_CLIENTS = {"AWS_ALLOW_HTTP", "AWS_ALLOW_INVALID_CERTIFICATES", "AWS_PROXY_URL", "AWS_TIMEOUT"}
OF_OBSTORE = {
    *OF_CLIENTS,
    *set(re.findall(r"`(AWS_\w+)`", STUB.read_text(encoding="utf-8"))) - OF_AWS - BINDING,
}


@pytest.mark.parametrize("value", ["true", "neither"])
@pytest.mark.parametrize("name", sorted(OF_OBSTORE))
def test_a_variable_that_obstore_alone_reads_changes_no_put(
    opened: Open, name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    over = opened(STORED)

    over.archive.keep(DELIVERED)

    (put,) = over.asked
    assert put.line == f"PUT /{BUCKET}/{DELIVERED.archive_key} HTTP/1.1"
    assert "Credential=" in put.headers["authorization"]
    assert {name for name in put.headers if name.startswith("x-amz-")} == {
        *("x-amz-checksum-sha256", "x-amz-content-sha256", "x-amz-date"),
    }


def test_without_credentials_nothing_is_sent(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Session, "get_credentials", lambda _: None)
    over = opened(STORED)

    assert str(over.failure()) == "S3 PutObject: NoCredentialsError"
    assert over.asked == []
    with pytest.raises(NoCredentialsError):
        over.archive.presigned_url("k")


def client_of_s3(region: str, session: Session) -> Any:
    # botocore writes into the config that it is given.
    return session.create_client("s3", region, config=deepcopy(S3_CONFIG))


def url_of_client(client: Any, key: str, bucket: str = BUCKET) -> str:
    params = {"Bucket": bucket, "Key": key, "ResponseCacheControl": "no-store"}
    url: str = client.generate_presigned_url("get_object", Params=params, ExpiresIn=300)
    return url


SETTINGS: dict[str, dict[str, str]] = {
    "as it is": {},
    "FIPS": {"AWS_USE_FIPS_ENDPOINT": "true"},
    "dual stack": {"AWS_USE_DUALSTACK_ENDPOINT": "true"},
    "both": {"AWS_USE_FIPS_ENDPOINT": "true", "AWS_USE_DUALSTACK_ENDPOINT": "true"},
}


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("region", ["us-east-1", "eu-south-2", "us-gov-west-1", "mx-central-1"])
def test_the_address_of_a_bucket_is_where_a_client_of_s3_finds_it(
    region: str, settings: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"AWS_DEFAULT_REGION": region, **settings}.items():
        monkeypatch.setenv(name, value)

    address = BucketAddress.of(make_session(), BUCKET)

    assert url_of_client(client_of_s3(region, Session()), "k").split("/k?")[0] == address.url


def test_the_address_of_a_bucket_in_china_is_where_a_client_of_s3_finds_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """S3 has no FIPS endpoints there."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "cn-north-1")

    address = BucketAddress.of(make_session(), BUCKET)

    assert address.url == f"https://{BUCKET}.s3.cn-north-1.amazonaws.com.cn"
    assert url_of_client(client_of_s3("cn-north-1", Session()), "k").startswith(address.url)


@pytest.mark.parametrize("bucket", ["orders.dev.example", "orders_dev", "Orders"])
def test_a_bucket_whose_name_no_certificate_has_is_named_in_the_path(bucket: str) -> None:
    client = client_of_s3("us-east-1", Session())

    address = BucketAddress.of(make_session(), bucket)

    assert address.url == f"https://s3.us-east-1.amazonaws.com/{bucket}"
    assert url_of_client(client, "k", bucket).split("/k?")[0] == address.url


def test_a_signed_url_is_that_of_a_client_of_s3(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "of/the+role")
    archive = open_archive(make_session(), HASTY, BUCKET)
    client = client_of_s3("us-east-1", Session())
    # Characters of any order's id, and none of them is written otherwise.
    key = f"orders/A-z._9/{DELIVERED.submission_id}-{DELIVERED.order.payload_sha256}.json"

    # Both within one second.
    pairs = [(archive.presigned_url(key), url_of_client(client, key)) for _ in range(3)]

    assert any(sorted(ours.split("&")) == sorted(theirs.split("&")) for ours, theirs in pairs)


@pytest.mark.parametrize("ignored", [False, True])
def test_an_endpoint_of_the_profile_is_used_unless_it_is_to_be_ignored(
    ignored: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config"
    config.write_text(
        "[default]\nservices = here\n[services here]\ns3 =\n  endpoint_url = http://127.0.0.1:9/\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", str(ignored).lower())
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)

    url = BucketAddress.of(make_session(), BUCKET).url

    of_aws = f"https://{BUCKET}.s3.us-east-1.amazonaws.com"
    assert url == (of_aws if ignored else f"http://127.0.0.1:9/{BUCKET}")


def test_without_a_region_no_archive_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)

    with pytest.raises(NoRegionError):
        open_archive(make_session(), HASTY, BUCKET)


FROZEN = """
import sys
from chalicelib.aws.clients import LambdaClients
from tests.builders import order_text, submission
archive = LambdaClients().archive("orders", over_obstore=True)
for number in range(2):
    archive.keep(submission(order_text(f"order-{number}")))
    print(number, flush=True)
    sys.stdin.readline()
"""


def test_the_first_put_after_a_freeze_works(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lambda freezes a function between calls; meanwhile S3 closes the connections."""
    with ScriptedStore(STORED) as store:
        monkeypatch.setenv("AWS_ENDPOINT_URL", store.url)
        child = subprocess.Popen(
            [sys.executable, "-c", FROZEN],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with child:
            assert child.stdin
            assert child.stdout
            assert child.stdout.readline() == "0\n"
            child.send_signal(signal.SIGSTOP)
            store.close_connections()
            child.stdin.write("\n\n")
            child.stdin.flush()
            child.send_signal(signal.SIGCONT)

            assert child.stdout.readline() == "1\n"

    assert len(store.asked) == 2
