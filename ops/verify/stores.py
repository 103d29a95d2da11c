"""Checks of S3, DynamoDB and SQS themselves: what the code relies on, as the stage's own do it."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from botocore.exceptions import ClientError

from ops.deploy.problems import DENIED, code_of
from ops.verify.check import ALL, TABLE, check, require
from ops.verify.run import told

if TYPE_CHECKING:
    from ops.verify.run import Run

SECURITY_PAGE = "SECURITY.md"
SLOTS_PAGE = "docs/decisions/0002-slots-by-conditional-put.md"
BY_ONE_CALL_PAGE = "docs/decisions/0007-many-slots-by-one-call.md"
# There the global host is the region's own.
OLDEST_REGION = "us-east-1"
NO_ERROR = "no error"


@check("download", "docs/api.md")
def download(run: Run) -> str:
    """Give the order back at s3Url byte for byte, without credentials."""
    sent, shown = run.shared()
    answer = run.download(shown["s3Url"])
    require(answer.status == HTTPStatus.OK, f"the download got {told(answer)}")
    require(answer.content == sent, "the download is not what was sent")
    return f"{len(sent)} bytes, the same as sent"


@check("download-host", "docs/api.md")
def download_host(run: Run) -> str:
    """Name the host of the stage's own region in s3Url."""
    _, shown = run.shared()
    host = urlsplit(shown["s3Url"]).hostname or ""
    region = run.stage.session.region_name
    require(
        region in host.split(".") or region == OLDEST_REGION,
        f"{host} is not S3's host in {region}",
        emulator="the emulator has one host",
    )
    require(".s3." in host, f"{host} is no host of S3", emulator="the emulator has one host")
    return host


@check("object-closed", SECURITY_PAGE)
def object_closed(run: Run) -> str:
    """Give nobody an archived order without a signature."""
    _, shown = run.shared()
    bare = urlunsplit(urlsplit(shown["s3Url"])._replace(query=""))
    answer = run.download(bare)
    require(
        answer.status == HTTPStatus.FORBIDDEN,
        f"the object's address without a signature got {answer.status}",
        emulator="the emulator has no access control",
    )
    return "403 for the same address without its signature"


@check("object-encrypted", SECURITY_PAGE)
def object_encrypted(run: Run) -> str:
    """Encrypt an archived order, and give it a version."""
    head = run.stage.s3.head_object(**_object(run))
    encryption, version = head.get("ServerSideEncryption"), head.get("VersionId", "null")
    require(encryption, "the object is not encrypted", emulator="the emulator does not say")
    require(version != "null", "the object has no version")
    return f"{encryption}, version {version}"


@check("s3-condition", SLOTS_PAGE)
def s3_condition(run: Run) -> str:
    """Overwrite no object: S3 answers IfNoneMatch with 412."""
    sent, _ = run.shared()
    where = _object(run)
    code = _put(run, **where, Body=b"{}", IfNoneMatch="*")
    require(code == "PreconditionFailed", f"a second put got {code}")
    kept = run.stage.s3.get_object(**where)["Body"].read()
    require(kept == sent, "the second put has changed the object")
    return "412 PreconditionFailed, and the object is as it was"


@check("s3-overwrite", SECURITY_PAGE)
def s3_overwrite(run: Run) -> str:
    """Refuse a put without IfNoneMatch, by the bucket's policy, to whoever may put with it."""
    sent, _ = run.shared()
    where = _object(run)
    conditional = _put(run, **where, Body=sent, IfNoneMatch="*")
    require(conditional == "PreconditionFailed", f"a put on a condition got {conditional}")
    # The same bytes: if they are taken, nothing is lost.
    code = _put(run, **where, Body=sent)
    unenforced = "the emulator enforces no bucket policy" if code == NO_ERROR else ""
    require(code in DENIED, f"a put without a condition got {code}", emulator=unenforced)
    return f"{code} for a put without IfNoneMatch"


@check("dynamodb-condition", SLOTS_PAGE)
def dynamodb_condition(run: Run) -> str:
    """Refuse a taken key in DynamoDB, and return its holder."""
    key, before = _item(run)
    dynamodb, table = run.stage.dynamodb, run.stage.settings.table
    holder = None
    try:
        dynamodb.put_item(
            TableName=table,
            Item=key,
            ConditionExpression="attribute_not_exists(recordId)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
        code = "no error"
    except dynamodb.exceptions.ConditionalCheckFailedException as error:
        code, holder = code_of(error), error.response.get("Item")
    require(code == "ConditionalCheckFailedException", f"a put under a taken key got {code}")
    require(_item(run)[1] == before, "the put under a taken key has changed the record")
    require(holder == before, "the refusal does not bring the holder (ALL_OLD)")
    return "ConditionalCheckFailedException with the holder, and the record is as it was"


@check("dynamodb-statements", BY_ONE_CALL_PAGE)
def dynamodb_statements(run: Run) -> str:
    """Fail only the INSERTs under taken keys, with DuplicateItem."""
    taken, before = _item(run)
    # No order can have such an id, and it is deleted at the end.
    free: Any = {"orderId": {"S": f"#{run.mark}"}, "recordId": {"S": "#verify"}}
    try:
        first, second = _insert(run, taken, free), _insert(run, taken, free)
        require(_item(run)[1] == before, "an INSERT has changed the record")
    finally:
        run.stage.dynamodb.delete_item(TableName=run.stage.settings.table, Key=free)
    require(first == ["DuplicateItem", None], f"two INSERTs, one under a taken key, got {first}")
    require(second == ["DuplicateItem"] * 2, f"two INSERTs, both under taken keys, got {second}")
    return "DuplicateItem for each taken key, and the other item is written"


@check("plain-http", SECURITY_PAGE, sends=False, needs=ALL - {TABLE})
def plain_http(run: Run) -> str:
    """Refuse plain HTTP to queues and bucket."""
    require(
        not run.is_emulated, "everything here is plain HTTP", emulator="the emulator has no other"
    )
    settings = run.stage.settings
    for url in (settings.queue_url, settings.dead_letter_queue_url):
        _require_tls(run, "sqs", "get_queue_attributes", QueueUrl=url)
    _require_tls(run, "s3", "head_bucket", Bucket=settings.bucket)
    return "both queues and the bucket answer 403"


def _put(run: Run, **put: Any) -> str:
    """Put an object: the code of S3's error."""
    try:
        run.stage.s3.put_object(**put)
    except ClientError as error:
        if "IfNoneMatch" in put and code_of(error) in DENIED:
            raise  # The caller may not put at all.
        return code_of(error)
    return NO_ERROR


def _object(run: Run) -> Any:
    _, shown = run.shared()
    return {"Bucket": run.stage.settings.bucket, "Key": shown["order"]["s3Key"]}


def _item(run: Run) -> tuple[Any, Any]:
    """Read the shared order's record: its key, and all of it."""
    _, shown = run.shared()
    key: Any = {name: {"S": shown["order"][name]} for name in ("orderId", "recordId")}
    answer = run.stage.dynamodb.get_item(
        TableName=run.stage.settings.table, Key=key, ConsistentRead=True
    )
    return key, answer.get("Item")


def _insert(run: Run, *items: Any) -> list[str | None]:
    """Insert items by one call: the code of each statement's error."""
    text = f"INSERT INTO \"{run.stage.settings.table}\" VALUE {{'orderId': ?, 'recordId': ?}}"
    answer = run.stage.dynamodb.batch_execute_statement(
        Statements=[{"Statement": text, "Parameters": list(item.values())} for item in items]
    )
    return [each.get("Error", {}).get("Code") for each in answer["Responses"]]


def _require_tls(run: Run, service: str, method: str, **arguments: str) -> None:
    """Make sure that a call is denied over plain HTTP, for a caller who may make it over TLS."""
    getattr(getattr(run.stage, service), method)(**arguments)
    try:
        getattr(run.client(service, use_ssl=False), method)(**arguments)
    except ClientError as error:
        require(code_of(error) in DENIED, f"{method} over plain HTTP got {code_of(error)}")
        return
    require(None, f"{method} is answered over plain HTTP: {', '.join(arguments.values())}")
