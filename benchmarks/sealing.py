"""
The time and the memory that sealing a day takes, over made-up records.

    python -m benchmarks.sealing [RECORDS]

Three days of so many records are sealed, since a seal looks at two days before it; the third one
is measured. The clients are those of a function, and real are all parts but the network: answers
are made up as botocore would read them from it, and the time for that is left out. Each size runs
in a process of its own, so that its memory can be told: a tenth of the records, and all of them.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import zlib
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from urllib3.response import HTTPResponse

from benchmarks.progress import Progress
from chalicelib.application import Application
from chalicelib.aws.clients import LambdaClients
from chalicelib.aws.items import to_item
from chalicelib.orders.record import Record
from tests.builders import order_text, submission

if TYPE_CHECKING:
    from collections.abc import Iterator

RECORDS = 1_000_000
SHARDS = 4
# An answer of DynamoDB ends at 1 MB; these items have some 800 bytes there.
ITEMS_PER_PAGE = 1_250
DAYS = [date(2026, 5, 14) + timedelta(days=number) for number in range(3)]
# Lambda gives 512 MB this share of a CPU: AWS gives 1,769 MB a whole one.
SHARE_AT_512_MB = 512 / 1_769
KIBIBYTE = 1_024
HEX_DIGITS = 16
# Nobody is asked.
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "AWS_DEFAULT_REGION": "us-east-1",
}
ENVIRONMENT = {
    "ORDERS_QUEUE_URL": "none",
    "ORDERS_DLQ_URL": "none",
    "ORDERS_BUCKET": "orders",
    "ORDERS_TABLE": "orders-bench",
    "ORDERS_AUDIT_SHARDS": str(SHARDS),
}


class Key:
    """A key that signs nothing: one signature a day takes no time."""

    key_id = "none"

    def sign(self, digest: bytes) -> bytes:
        return digest


class MadeUpAws:
    """Answers in AWS's place: records of each day, and a folder as the bucket."""

    def __init__(self, records: int, folder: Path) -> None:
        self._of_shard = records // SHARDS
        self._folder = folder
        # What it took to make the answers is no part of the work that is measured.
        self.seconds = 0.0
        whole = _item()
        self._forms = {
            False: json.dumps(whole),
            True: json.dumps({name: whole[name] for name in ("orderId", "recordId", POSITION)}),
        }

    def __call__(self, request: Any, event_name: str, **_: Any) -> AWSResponse:
        begun = time.process_time()
        status, headers, body = self._answer(request, event_name.rpartition(".")[2])
        raw: Any = HTTPResponse(BytesIO(body), preload_content=False)
        own = {"x-amzn-RequestId": "1", "x-amz-request-id": "1", **headers}
        answer = AWSResponse(request.url, status, _headers(own), raw)
        self.seconds += time.process_time() - begun
        return answer

    def _answer(self, request: Any, operation: str) -> tuple[int, dict[str, str], bytes]:
        match operation:
            case "Query":
                body = self._page(json.loads(request.body))
                return 200, {"x-amz-crc32": str(zlib.crc32(body))}, body
            case "PutObject":
                content = request.body
                self._file(request.url).write_bytes(
                    content if isinstance(content, bytes) else content.read()
                )
                return 200, {"ETag": '"x"'}, b""
            case "GetObject" if self._file(request.url).exists():
                return 200, {}, self._file(request.url).read_bytes()
            case "GetObject":
                return 404, {}, b"<Error><Code>NoSuchKey</Code></Error>"
        prefixes = "".join(
            f"<CommonPrefixes><Prefix>seals/{name}/</Prefix></CommonPrefixes>"
            for name in sorted({each.name[:10] for each in self._folder.iterdir()})
        )
        listed = f"<ListBucketResult><IsTruncated>false</IsTruncated>{prefixes}</ListBucketResult>"
        return 200, {}, listed.encode()

    def _file(self, url: str) -> Path:
        return self._folder / "_".join(url.rsplit("/", 2)[1:])

    def _page(self, asked: dict[str, Any]) -> bytes:
        partition = asked["ExpressionAttributeValues"].get(":partition", {}).get("S")
        if partition is None:
            return b'{"Items":[],"Count":0,"ScannedCount":0}'
        day, _, shard = partition.partition("#")
        start = int(asked.get("ExclusiveStartKey", {}).get("number", {}).get("N", "0"))
        end = min(start + ITEMS_PER_PAGE, self._of_shard)
        form = self._forms["ProjectionExpression" in asked]
        items = ",".join(self._items(form, day, int(shard), range(start, end)))
        more = f',"LastEvaluatedKey":{{"number":{{"N":"{end}"}}}}' if end < self._of_shard else ""
        return f'{{"Items":[{items}],"Count":{end - start}{more}}}'.encode()

    def _items(self, form: str, day: str, shard: int, numbers: range) -> Iterator[str]:
        midnight = datetime.fromisoformat(f"{day}T00:00:00+00:00")
        step = timedelta(days=1) / self._of_shard
        for number in numbers:
            moment = (midnight + number * step).strftime("%Y-%m-%dT%H:%M:%S.000Z")
            unique = f"{number * SHARDS + shard:0{HEX_DIGITS}x}"
            yield (
                form.replace(UNIQUE, unique)
                .replace(MOMENT, moment)
                .replace(PARTITION, f"{day}#{shard}")
            )


POSITION = "auditPosition"
UNIQUE, MOMENT, PARTITION = "f" * HEX_DIGITS, "2026-01-01T00:00:00.000Z", "2026-01-01#9"


def _item() -> dict[str, Any]:
    """Make an item as the audit index has it, with marks for what differs between records."""
    made = submission(
        order_text(f"order-{UNIQUE}", channel="web"),
        f"5b2e8ca4-12ab-4d52-{UNIQUE[:4]}-{UNIQUE[:12]}",
        submitted_by="arn:aws:sts::111122223333:assumed-role/orders-web/session",
    )
    record = Record.of_first(made, datetime.fromisoformat(MOMENT))
    item = to_item(record, SHARDS)
    return item | {
        "auditPartition": {"S": PARTITION},
        POSITION: {"S": f"{MOMENT}#{UNIQUE}"},
    }


def _headers(values: dict[str, str]) -> HTTPHeaders:
    headers = HTTPHeaders()
    for name, value in values.items():
        headers[name] = value
    return headers


def seal(records: int) -> dict[str, float]:
    """Seal the days in this process: the CPU seconds of the last day, and the process's memory."""
    os.environ.update(CREDENTIALS)
    clients, progress = LambdaClients(), Progress()
    with tempfile.TemporaryDirectory() as folder:
        aws = MadeUpAws(records, Path(folder))
        for client in (clients.dynamodb, clients.s3):
            events: Any = client.meta.events
            events.register_first("before-send", aws)
        clock = datetime(2026, 5, 18, tzinfo=UTC)
        application = Application(ENVIRONMENT, clients, clock=lambda: clock)
        sealing = application.sealing_with(Key())
        for day in DAYS:
            begun, made_up = time.process_time(), aws.seconds
            (sealed,) = sealing.seal([day])
            seconds = time.process_time() - begun - (aws.seconds - made_up)
            progress.step(f"{day}, {records:,} records: {seconds:.1f} s of CPU")
        assert sealed.statement.leaves == records // SHARDS * SHARDS
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIBIBYTE
    return {"records": sealed.statement.leaves, "seconds": seconds, "mebibytes": peak}


def in_a_process(records: int) -> dict[str, float]:
    """Seal in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.sealing", "--inside", str(records)]
    found: dict[str, float] = json.loads(subprocess.check_output(command))
    return found


def report(few: dict[str, float], many: dict[str, float]) -> str:
    """Say what was measured."""
    lines = [
        f"{each['records']:>9,.0f} records: {each['seconds']:6.1f} s of CPU,"
        f" {each['mebibytes']:4.0f} MiB at most"
        for each in (few, many)
    ]
    growth = many["mebibytes"] / few["mebibytes"]
    lines.append(f"memory for ten times as many records: {growth:.2f} times as much")
    rate, on_lambda = many["records"] / many["seconds"], many["seconds"] / SHARE_AT_512_MB
    lines.append(f"{rate:,.0f} records a second of CPU; at 512 MB of Lambda {on_lambda:,.0f} s")
    return "\n".join(lines)


def main() -> None:
    """Seal few and many, or, inside a process for it, so many."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("records", nargs="?", type=int, default=RECORDS)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.inside:
        print(json.dumps(seal(given.records)))  # noqa: T201
        return
    print(report(in_a_process(given.records // 10), in_a_process(given.records)))  # noqa: T201


if __name__ == "__main__":
    main()
