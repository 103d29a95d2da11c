"""The console's exports that fail: the answer is an error, never an empty file."""

import json
from typing import NamedTuple

import pytest

from tests.ops_environment import run_without_developers_modules

ASK = """
import asyncio, json, sys
from types import SimpleNamespace
import httpx
from chalicelib.services.unavailable import StoreUnavailable
from ops.console.console import Console
from ops.console.server import make_app

def newest_first(query, before_read):
    if query.only.channel == "atm":
        raise StoreUnavailable("DynamoDB Query: Throttled")
    if query.only.channel == "web":
        raise RuntimeError("[/x] of 9121000418450200051332")
    yield from ()

desk = SimpleNamespace(
    orders=SimpleNamespace(newest_first=newest_first), stage=SimpleNamespace(name="dev")
)

async def ask(app, paths):
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8001") as client:
        answers = [await client.get(path) for path in paths]
        print(json.dumps([answer.headers.get("cache-control") for answer in answers]))
        print(json.dumps([[answer.status_code, answer.text] for answer in answers]))

asyncio.run(ask(make_app(Console(desk)), sys.argv[1:]))
"""
PATHS = (
    "/export?format=csv",
    "/export?format=parquet",
    "/export?format=csv&channel=atm",
    "/export?format=csv&channel=web",
    "/export?format=csv&channel=fax",
    "/export?format=xml",
    "/",
    "/orders",
)


class Answer(NamedTuple):
    """An answer of the console, and what it says to caches."""

    status: int
    text: str
    caching: str | None


@pytest.fixture(scope="module")
def answers() -> dict[str, Answer]:
    """Ask for all paths in one process: it takes a second to load the console."""
    ran = run_without_developers_modules(ASK, [*PATHS])
    assert ran.returncode == 0, ran.stderr
    caching, told = map(json.loads, ran.stdout.splitlines()[-2:])
    return {
        path: Answer(status, text, said)
        for path, (status, text), said in zip(PATHS, told, caching, strict=True)
    }


@pytest.mark.parametrize(
    "path", ["/export?format=csv", "/export?format=csv&channel=atm", "/export?format=xml", "/"]
)
def test_no_cache_keeps_an_export_nor_why_there_is_none(
    path: str, answers: dict[str, Answer]
) -> None:
    assert answers[path].caching == "no-store"


def test_an_export_that_fails_is_answered_with_an_error(answers: dict[str, Answer]) -> None:
    well, no_parquet, unreachable, unexpected, bad_filter, bad_format = (
        answers[path][:2] for path in PATHS[:6]
    )

    assert well[0] == 200
    assert well[1].startswith("orderId,")
    assert no_parquet[0] == 501
    assert "needs pyarrow" in no_parquet[1]
    assert "make .venv" in no_parquet[1]
    assert unreachable == (503, "DynamoDB Query: Throttled\n")
    assert unexpected[0] == 500
    assert unexpected[1].endswith("(RuntimeError: [/x] of ****1332)\n")
    assert "look at the audit" in unexpected[1]
    assert bad_filter == (400, "channel must be one of web, mobile, atm: got 'fax'\n")
    assert bad_format == (400, "format must be one of csv, ndjson, parquet: got 'xml'\n")


def test_only_installed_export_formats_can_be_chosen(answers: dict[str, Answer]) -> None:
    status, page, _ = answers["/orders"]

    assert status == 200
    assert "/export?format=csv" in page
    assert "/export?format=parquet" not in page
    assert "needs pyarrow" in page
