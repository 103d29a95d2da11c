"""S3: keys, metadata and presigned URLs."""

from urllib.parse import urlsplit

from tests.aws_limits.messages import bytes_of
from tests.aws_limits.rule import Call, Rule

GUIDE = "https://docs.aws.amazon.com/AmazonS3/latest/userguide"

MOST_BYTES_OF_KEY = 1_024
MOST_BYTES_OF_METADATA = 2_048
MOST_SECONDS = 7 * 24 * 3_600
# Only there is the global host the region's own.
REGION_OF_GLOBAL_HOST = "us-east-1"

OBJECTS = tuple(
    f"s3.{name}"
    for name in (
        *("PutObject", "GetObject", "HeadObject", "DeleteObject", "CopyObject"),
        *("CreateMultipartUpload", "UploadPart", "PresignedUrl"),
    )
)


def _key_of_other_length(call: Call) -> str | None:
    size = bytes_of(call.parameters.get("Key", "none"))
    return None if 0 < size <= MOST_BYTES_OF_KEY else f"a key of {size} bytes"


def _too_much_metadata(call: Call) -> str | None:
    metadata = call.parameters.get("Metadata") or {}
    size = sum(bytes_of(name) + bytes_of(value) for name, value in metadata.items())
    return f"{size} bytes" if size > MOST_BYTES_OF_METADATA else None


def _url_for_too_long(call: Call) -> str | None:
    seconds = call.parameters["ExpiresIn"]
    return None if 0 < seconds <= MOST_SECONDS else f"{seconds} seconds"


def _global_host(call: Call) -> str | None:
    host, region = urlsplit(call.parameters["Url"]).hostname or "", call.parameters["Region"]
    labels = host.split(".")
    # An emulator's host is not S3's. S3's own ends otherwise in each partition.
    if "s3" not in labels or region in labels:
        return None
    if region == REGION_OF_GLOBAL_HOST and call.parameters["AddressingStyle"] == "virtual":
        return None
    return f"{host}, not the host of a region, for {region}"


RULES = (
    Rule(
        "S3: a key has 1 to 1,024 bytes",
        f"{GUIDE}/object-keys.html",
        OBJECTS,
        _key_of_other_length,
        "KeyTooLongError",
    ),
    Rule(
        "S3: metadata have at most 2 KB",
        f"{GUIDE}/UsingMetadata.html",
        OBJECTS,
        _too_much_metadata,
        "MetadataTooLarge",
    ),
    Rule(
        "S3: a presigned URL is good for at most 7 days",
        f"{GUIDE}/using-presigned-url.html",
        ("s3.PresignedUrl",),
        _url_for_too_long,
        None,
    ),
    # In us-east-1, where the tests are, both hosts do. There the setting counts that leads to the
    # region's own host everywhere else.
    Rule(
        "S3: a presigned URL is at its region's host",
        f"{GUIDE}/VirtualHosting.html",
        ("s3.PresignedUrl",),
        _global_host,
        None,
    ),
)
