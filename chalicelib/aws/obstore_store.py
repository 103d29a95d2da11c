"""
The bucket as obstore opens it.

Credentials, region, endpoint, authorities and proxies are those of botocore's session and clients;
what obstore would read from the environment by rules of its own is overruled.
"""

from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from botocore.httpsession import get_cert_path
from obstore.exceptions import BaseError
from obstore.store import S3Store

from chalicelib.aws.bucket_address import credentials_of
from chalicelib.aws.clients import is_on_this_machine

if TYPE_CHECKING:
    from botocore.session import Session
    from obstore.store import ClientConfig, S3Credential

# obstore asks again when less than five minutes are left. botocore has renewed what expires within
# ten by then, so no request is signed with credentials that have expired.
CREDENTIALS_LAST = timedelta(minutes=10)
# A function that slept longer opens a new connection, before it finds that S3 has closed the old.
IDLE_CONNECTIONS_LAST = timedelta(seconds=20)
# Never called: only with a proxy can hosts be excluded from the environment's.
NO_PROXY = "http://127.0.0.1:9"


def open_store(session: "Session", config: Any, bucket: str, url: str, region: str) -> S3Store:
    """Open a bucket at its URL, with the time-outs of a client's config, and without retries."""

    def credential() -> "S3Credential":
        now = credentials_of(session)
        return {
            "access_key_id": str(now.access_key),
            "secret_access_key": str(now.secret_key),
            "token": now.token,
            "expires_at": datetime.now(UTC) + CREDENTIALS_LAST,
        }

    open_with = partial(
        S3Store,
        bucket,
        # All that obstore would else read from the environment by rules of its own.
        config={
            "region": region,
            "endpoint": url,
            "aws_endpoint_url_s3": url,
            # The bucket is in the URL already, in its host or in its path.
            "virtual_hosted_style_request": True,
            "checksum_algorithm": "sha256",
            "conditional_put": "etag",
            "skip_signature": False,
            "unsigned_payload": False,
            "request_payer": False,
            "s3_express": False,
            # These change no put, but obstore does not open with one that it can't read.
            "disable_tagging": False,
            "disable_bulk_delete": False,
            "copy_if_not_exists": "multipart",
            "imdsv1_fallback": False,
        },
        # Its own retries know no time-out of a put: all are in one place, `_call`.
        retry_config={"max_retries": 0, "retry_timeout": timedelta(seconds=1)},
        credential_provider=credential,
    )
    options = _client_options(session, config, url)
    try:
        return open_with(client_options=options)
    except BaseError:
        # A slim container has no authorities: botocore's clients bring theirs with them.
        options["root_certificate"] = Path(str(get_cert_path(True))).read_bytes()
        return open_with(client_options=options)


def _client_options(session: "Session", config: Any, url: str) -> "ClientConfig":
    options: ClientConfig = {
        "allow_http": True,
        "connect_timeout": timedelta(seconds=config.connect_timeout),
        "read_timeout": timedelta(seconds=config.read_timeout),
        # A store that sends a byte now and then holds nothing up for longer either.
        "timeout": timedelta(seconds=config.connect_timeout + config.read_timeout),
        "pool_idle_timeout": IDLE_CONNECTIONS_LAST,
    }
    if is_on_this_machine(url):
        options["proxy_url"] = NO_PROXY
        options["proxy_excludes"] = urlsplit(url).hostname or ""
    if authorities := session.get_config_variable("ca_bundle"):
        options["root_certificate"] = Path(authorities).read_bytes()
    return options
