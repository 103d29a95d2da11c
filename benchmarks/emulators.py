"""Emulators of AWS with the table and the bucket of the template, under the contenders' names."""

from __future__ import annotations

import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from benchmarks.processes import ROOT
from chalicelib.aws.clients import CLIENT_CONFIG, S3_CONFIG
from ops.local.stack import LocalResources
from ops.ports import LOOPBACK, accepts_connections, free_port
from tests.contract.dynamodb_local import DynamoDBLocal
from tests.resources import create_table

if TYPE_CHECKING:
    from collections.abc import Iterator

TABLE = "orders"
BUCKET = "orders"
ROTO = ROOT / ".venv-bench" / "bin" / "roto-server"
# A call that fails or takes too long ends the benchmark: a second attempt would count twice.
ONE_ATTEMPT = Config(read_timeout=30, retries={"mode": "standard", "total_max_attempts": 1})


@contextmanager
def ministack() -> Iterator[str]:
    """Run ministack, the emulator of `make run`; its URL."""
    with LocalResources() as resources:
        _create(resources.aws_url)
        yield resources.aws_url


@contextmanager
def roto() -> Iterator[str]:
    """Run roto, in memory; its URL."""
    port = free_port()
    process = subprocess.Popen(
        [str(ROTO), "--ephemeral", "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while not accepts_connections(LOOPBACK, port):
            time.sleep(0.05)
        url = f"http://{LOOPBACK}:{port}"
        _create(url)
        yield url
    finally:
        process.terminate()
        process.wait()


@contextmanager
def dynamodb_local() -> Iterator[str]:
    """Run DynamoDB Local, AWS's own engine, in memory; its URL. It has the table, and no S3."""
    with (
        TemporaryDirectory() as directory,
        DynamoDBLocal(Path(directory), heap="1g", compile_fully=True) as server,
    ):
        create_table(client_of("dynamodb", server.url), TABLE)
        yield server.url


def client_of(service: str, url: str) -> Any:
    """
    Make a client of an emulator, and of nothing else.

    It is like the system's own, but it never tries again, and it waits for the first answer of one
    that is only just starting.
    """
    special = S3_CONFIG if service == "s3" else Config()
    return boto3.client(
        service,  # type: ignore[call-overload]
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106 (no account has it)
        config=CLIENT_CONFIG.merge(ONE_ATTEMPT).merge(special),
    )


def _create(url: str) -> None:
    create_table(client_of("dynamodb", url), TABLE)
    client_of("s3", url).create_bucket(Bucket=BUCKET)
