"""The address of a bucket, and URLs signed for it, without botocore's client of S3."""

from functools import partial
from typing import TYPE_CHECKING, NamedTuple, Self
from urllib.parse import quote

from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.configprovider import ConfiguredEndpointProvider
from botocore.endpoint_provider import RuleSetStandardLibrary
from botocore.exceptions import NoCredentialsError, NoRegionError

from chalicelib.aws.s3 import PRESIGNED_URL_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.credentials import ReadOnlyCredentials
    from botocore.session import Session


class BucketAddress(NamedTuple):
    """The URL that all keys of a bucket stand below, and the region that signatures name."""

    url: str
    region: str

    @classmethod
    def of(cls, session: "Session", bucket: str) -> Self:
        """
        Find a bucket's address as S3's own client would, with the settings of `S3_CONFIG`.

        Raises:
            NoRegionError: the session has no region.
        """
        region = session.get_config_variable("region")
        if not region:
            raise NoRegionError
        own = own_endpoint(session)
        url = f"{own.rstrip('/')}/{bucket}" if own else _url_at_aws(session, bucket, region)
        return cls(url, region)

    def signed(self, key: str, credentials: "ReadOnlyCredentials", seconds: int) -> str:
        """Sign a URL that downloads one object, and asks for an answer that no cache keeps."""
        request = AWSRequest(
            method="GET",
            url=f"{self.url}/{quote(key)}",
            params={"response-cache-control": "no-store"},
        )
        S3SigV4QueryAuth(credentials, "s3", self.region, expires=seconds).add_auth(request)
        url: str = request.prepare().url
        return url


class BucketUrls:
    """URLs of a bucket's objects. Without a library of S3: it took a third of a first GET."""

    def __init__(
        self, address: BucketAddress, credentials: "Callable[[], ReadOnlyCredentials]"
    ) -> None:
        self._address = address
        self._credentials = credentials

    @classmethod
    def of(cls, session: "Session", bucket: str) -> Self:
        """
        Sign with a session's credentials, as they are at each call.

        Raises:
            NoRegionError: the session has no region.
        """
        return cls(BucketAddress.of(session, bucket), partial(credentials_of, session))

    def presigned_url(self, key: str) -> str:
        """
        Sign a URL that downloads this one object, with GET only, for 300 seconds.

        S3 answers it with the order, so the URL asks for an answer that no cache keeps.

        Raises:
            NoCredentialsError: the session has none.
        """
        return self._address.signed(key, self._credentials(), PRESIGNED_URL_SECONDS)


def own_endpoint(session: "Session") -> str | None:
    """Find the endpoint of S3 that is set in the environment or in the profile, if one is."""
    if session.get_config_variable("ignore_configured_endpoint_urls"):
        return None
    # botocore calls it private. No public part of a session tells it without making the client,
    # which takes ten times as long; a test compares with the client's.
    provider = ConfiguredEndpointProvider(session.full_config, session.get_scoped_config(), "s3")
    endpoint: str | None = provider.provide()
    return endpoint


def credentials_of(session: "Session") -> "ReadOnlyCredentials":
    """
    Get the session's credentials as they are now, refreshed if they are about to expire.

    Raises:
        NoCredentialsError: the session has none.
    """
    credentials = session.get_credentials()
    if credentials is None:
        raise NoCredentialsError
    return credentials.get_frozen_credentials()


def _url_at_aws(session: "Session", bucket: str, region: str) -> str:
    rules = RuleSetStandardLibrary(session.get_component("data_loader").load_data("partitions"))
    suffix = rules.aws_partition(region)["dnsSuffix"]
    fips = "-fips" if session.get_config_variable("use_fips_endpoint") else ""
    dual_stack = ".dualstack" if session.get_config_variable("use_dualstack_endpoint") else ""
    host = f"s3{fips}{dual_stack}.{region}.{suffix}"
    # S3's certificates are for one name before that: none with a dot in it.
    if rules.aws_is_virtual_hostable_s3_bucket(bucket, allow_subdomains=False):
        return f"https://{bucket}.{host}"
    return f"https://{host}/{bucket}"
