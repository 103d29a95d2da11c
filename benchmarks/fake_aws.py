"""
A fake AWS endpoint: S3, DynamoDB, SQS and EventBridge as far as it is called, with set latencies.

It is a process of its own, cheap enough to serve every contender from one core, so that a contender
has the other one to itself. It counts each call, connection and byte sent. Its answers are right
(conditions hold, a duplicate is one), but it checks nothing: the emulators are for that.

    python -m benchmarks.fake_aws [--certificate FILE] [--at-once]

It prints its port, and runs until its standard input ends. With `--at-once` it answers without
latency.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import ssl
import sys
import zlib
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LATENCY_SECONDS = {"S3": 0.020, "DynamoDB": 0.005, "SQS": 0.005, "EventBridge": 0.005}
SERVICES = {"DynamoDB_20120810": "DynamoDB", "AmazonSQS": "SQS", "AWSEvents": "EventBridge"}
# The key of each table; and one attribute for each of its indexes, which only an item in it has.
KEYS = {"orders": ("orderId", "recordId"), "audit": ("recordId",), "idempotency": ("id",)}
INDEXES = {
    "orders": ("auditPosition", "historyPosition", "auditDay"),
    "audit": ("orderId", "auditDay"),
    "idempotency": (),
}
INSERT = re.compile(r'INSERT INTO "([^"]+)" VALUE')
QUOTED_NAME = re.compile(r"'([^']+)': \?")
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

Item = dict[str, Any]
Answer = tuple[int, dict[str, Any]]


@dataclass
class Tally:
    """The counts since the last reset."""

    calls: Counter[str] = field(default_factory=Counter)
    # Of the orders' records, by their status.
    verdicts: Counter[str] = field(default_factory=Counter)
    connections: int = 0
    continues: int = 0
    bytes_in: int = 0
    # By DynamoDB's rule: one for each KiB of an item, in the table and in each index of it.
    write_units: int = 0
    item_bytes: int = 0
    object_bytes: int = 0

    def as_json(self) -> dict[str, Any]:
        return {
            "calls": dict(self.calls),
            "verdicts": dict(self.verdicts),
            "connections": self.connections,
            "continues": self.continues,
            "bytesIn": self.bytes_in,
            "writeUnits": self.write_units,
            "itemBytes": self.item_bytes,
            "objectBytes": self.object_bytes,
        }


class Tables:
    """Items in memory, as far as conditions and a query by orderId need them."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._items: dict[tuple[str, ...], Item] = {}
        self._by_order: defaultdict[str, list[Item]] = defaultdict(list)

    def answer(self, operation: str, given: dict[str, Any]) -> Answer:
        match operation:
            case "PutItem":
                return self._put(given)
            case "Query":
                return self._query(given)
            case "GetItem":
                item = self._items.get(_key(given["TableName"], given["Key"]))
                return 200, {"Item": item} if item else {}
            case "UpdateItem":
                return self._update(given)
            case "DeleteItem":
                self._items.pop(_key(given["TableName"], given["Key"]), None)
                return 200, {}
            case "BatchExecuteStatement":
                return 200, {"Responses": [self._insert(s) for s in given["Statements"]]}
            case _:
                return 400, {"__type": "UnknownOperationException"}

    def _query(self, given: dict[str, Any]) -> Answer:
        items = self._by_order[_order_id(given["ExpressionAttributeValues"])]
        if given.get("IndexName") == "history":
            items = [item for item in items if "historyPosition" in item]
        return 200, {"Items": items, "Count": len(items), "ScannedCount": len(items)}

    def _put(self, given: dict[str, Any]) -> Answer:
        item = given["Item"]
        key = _key(given["TableName"], item)
        holder = self._items.get(key)
        if holder is not None and "ConditionExpression" in given:
            self._refuse(item, holder)
            return 400, {"__type": "ConditionalCheckFailedException", "Item": holder}
        self._keep(key, item)
        return 200, {}

    def _update(self, given: dict[str, Any]) -> Answer:
        names, values = given["ExpressionAttributeNames"], given["ExpressionAttributeValues"]
        item = self._items.setdefault(_key(given["TableName"], given["Key"]), dict(given["Key"]))
        self._tally.write_units += 1
        for name, value in re.findall(r"(#\w+) ?= ?(:\w+)", given["UpdateExpression"]):
            item[names[name]] = values[value]
        return 200, {}

    def _insert(self, statement: dict[str, Any]) -> dict[str, Any]:
        text = statement["Statement"]
        table = INSERT.match(text)[1]  # type: ignore[index]
        item = dict(zip(QUOTED_NAME.findall(text), statement["Parameters"], strict=True))
        key = _key(table, item)
        if key in self._items:
            self._refuse(item, self._items[key])
            return {"Error": {"Code": "DuplicateItem", "Message": "Duplicate primary key"}}
        self._keep(key, item)
        return {"TableName": table}

    def _refuse(self, item: Item, holder: Item) -> None:
        # A failed condition is charged as a write of the larger item, in the table only: "DynamoDB
        # read and write operations".
        self._tally.write_units += max(_units(item), _units(holder))

    def _keep(self, key: tuple[str, ...], item: Item) -> None:
        self._items[key] = item
        indexes = sum(1 for name in INDEXES[key[0]] if name in item)
        self._tally.write_units += _units(item) * (1 + indexes)
        self._tally.item_bytes += _size(item) * (1 + indexes)
        if "orderId" in item:
            if "status" in item:
                self._tally.verdicts[item["status"]["S"]] += 1
            self._by_order[item["orderId"]["S"]].append(item)


class Aws:
    """The state that the connections share."""

    def __init__(self, latency: float) -> None:
        """`latency` is the share of the set latencies that each answer takes."""
        self.latency = latency
        self.reset()

    def reset(self) -> None:
        self.tally = Tally()
        self.tables = Tables(self.tally)
        self.objects: set[bytes] = set()


class Connection(asyncio.Protocol):
    """One connection: HTTP/1.1 as botocore, urllib3 and aiohttp speak it."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._received = b""
        self._continued = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport
        self._loop = asyncio.get_running_loop()
        self._aws.tally.connections += 1

    def data_received(self, data: bytes) -> None:
        self._aws.tally.bytes_in += len(data)
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = self._received[:end]
            headers = _headers(head)
            size = int(headers.get(b"content-length", b"0"))
            if len(self._received) < end + 4 + size:
                self._ask_for_body(headers)
                return
            body = self._received[end + 4 : end + 4 + size]
            self._received = self._received[end + 4 + size :]
            self._continued = False
            method, path, _ = head.split(b" ", 2)
            self._serve(method, path, headers, body)

    def _ask_for_body(self, headers: dict[bytes, bytes]) -> None:
        if headers.get(b"expect") == b"100-continue" and not self._continued:
            self._continued = True
            self._aws.tally.continues += 1
            self._transport.write(CONTINUE)

    def _serve(self, method: bytes, path: bytes, headers: dict[bytes, bytes], body: bytes) -> None:
        target = headers.get(b"x-amz-target", b"").decode()
        if target:
            prefix, operation = target.split(".")
            service = SERVICES[prefix]
            self._later(service, operation, *self._json_call(service, operation, body))
        elif path == b"/_bench":
            self._control(method)
        else:
            self._later("S3", *self._s3_call(method, path, headers))

    def _json_call(self, service: str, operation: str, body: bytes) -> tuple[int, bytes, bytes]:
        given = json.loads(body)
        if service == "SQS":
            status, answer = _sqs_answer(operation, given)
        elif service == "EventBridge":
            taken = [{"EventId": f"{number}"} for number, _ in enumerate(given["Entries"])]
            status, answer = 200, {"FailedEntryCount": 0, "Entries": taken}
        else:
            status, answer = self._aws.tables.answer(operation, given)
        data = json.dumps(answer, separators=(",", ":")).encode()
        checksum = b"x-amz-crc32: %d\r\n" % zlib.crc32(data)
        return status, b"Content-Type: application/x-amz-json-1.0\r\n" + checksum, data

    def _s3_call(
        self, method: bytes, path: bytes, headers: dict[bytes, bytes]
    ) -> tuple[str, int, bytes, bytes]:
        if method != b"PUT":
            return "Other", 200, b"", b""
        kind = b"Content-Type: application/xml\r\n"
        if b"if-none-match" in headers and path in self._aws.objects:
            return "PutObject", 412, kind, b"<Error><Code>PreconditionFailed</Code></Error>"
        self._aws.objects.add(path)
        self._aws.tally.object_bytes += int(headers[b"content-length"])
        # As of the template's bucket, which keeps versions.
        stored = b'ETag: "d41d8cd98f00b204e9800998ecf8427e"\r\nx-amz-version-id: 1\r\n'
        return "PutObject", 200, stored, b""

    def _later(
        self, service: str, operation: str, status: int, headers: bytes, body: bytes
    ) -> None:
        self._aws.tally.calls[f"{service} {operation}"] += 1
        seconds = LATENCY_SECONDS[service] * self._aws.latency
        self._loop.call_later(seconds, self._write, status, headers, body)

    def _control(self, method: bytes) -> None:
        """Show the counts by GET; forget them and everything stored by DELETE."""
        tally = json.dumps(self._aws.tally.as_json()).encode()
        if method == b"DELETE":
            self._aws.reset()
        self._write(200, b"Content-Type: application/json\r\n", tally)

    def _write(self, status: int, headers: bytes, body: bytes) -> None:
        answer = (
            b"HTTP/1.1 %d X\r\nDate: Sun, 01 Mar 2026 12:00:00 GMT\r\n"
            b"x-amz-request-id: 0123456789\r\n%sContent-Length: %d\r\n\r\n%s"
            % (status, headers, len(body), body)
        )
        self._transport.write(answer)


def _headers(head: bytes) -> dict[bytes, bytes]:
    lines = head.split(b"\r\n")[1:]
    return {name.lower(): value for name, value in (line.split(b": ", 1) for line in lines)}


def _key(table: str, item: Item) -> tuple[str, ...]:
    return (table, *(item[name]["S"] for name in KEYS[table]))


def _size(item: Item) -> int:
    """Count nearly as DynamoDB does: the bytes of all names and of all values."""
    return sum(len(name) + len(str(next(iter(value.values())))) for name, value in item.items())


def _units(item: Item) -> int:
    return -(-_size(item) // 1024)


def _order_id(values: dict[str, dict[str, str]]) -> str:
    """Find the order that a query asks for: the value that it names so, or its only one."""
    if ":id" in values:
        return values[":id"]["S"]
    (value,) = values.values()
    return value["S"]


def _sqs_answer(operation: str, given: dict[str, Any]) -> Answer:
    if operation == "DeleteMessageBatch":
        return 200, {"Successful": [{"Id": entry["Id"]} for entry in given["Entries"]]}
    sent = {"MessageId": "00000000-0000-4000-8000-000000000000", "MD5OfMessageBody": ""}
    if operation == "SendMessageBatch":
        return 200, {"Successful": [{"Id": entry["Id"], **sent} for entry in given["Entries"]]}
    return 200, sent


async def serve(certificate: Path | None, *, at_once: bool) -> None:
    """Serve on a free port of 127.0.0.1, print it, and end when the standard input does."""
    aws = Aws(0.0 if at_once else 1.0)
    loop = asyncio.get_running_loop()
    tls = None
    if certificate:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(certificate)
    server = await loop.create_server(
        lambda: Connection(aws), "127.0.0.1", 0, ssl=tls, backlog=1024
    )
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201 (read by the parent)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fake_aws")
    parser.add_argument("--certificate", type=Path)
    parser.add_argument("--at-once", action="store_true")
    arguments = parser.parse_args()
    asyncio.run(serve(arguments.certificate, at_once=arguments.at_once))
