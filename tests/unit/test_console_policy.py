"""The console's headers: on every answer, whatever it is an answer to."""

import json
import re

from nicegui import client

from ops.console.policy import REPLACED
from tests.ops_environment import run_without_developers_modules

ASK = """
import asyncio, json, sys
from types import SimpleNamespace
import httpx
from ops.console.console import Console
from ops.console.server import make_app

def newest_first(query, before_read):
    yield from ()

class Desk:
    stage = SimpleNamespace(name="dev", is_local=False)
    orders = SimpleNamespace(newest_first=newest_first)

    @property
    def health(self):
        raise RuntimeError("of [/x] 9121000418450200051332 <b>")

async def ask(app, paths):
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8001") as client:
        answers = []
        for given in paths:
            path, _, headers = given.partition(" ")
            answers.append(await client.get(path, headers=json.loads(headers or "{}")))
        print(json.dumps([[it.status_code, dict(it.headers), it.text] for it in answers]))

asyncio.run(ask(make_app(Console(Desk())), sys.argv[1:]))
"""
ANSWERS = {
    "/": 200,
    "/orders": 200,
    "/orders?id=order-001": 307,
    "/orders/order-001": 200,
    "/nowhere": 200,
    "/assets/console.js": 200,
    "/assets/none.js": 404,
    "/_nicegui/none": 200,
    "/export?format=csv": 200,
    "/export?format=xml": 400,
    "/health": 500,
    '/orders {"Host": "console.example"}': 403,
    '/orders {"Sec-Fetch-Dest": "iframe"}': 403,
}


def test_every_answer_has_the_strict_headers() -> None:
    ran = run_without_developers_modules(ASK, list(ANSWERS))
    assert ran.returncode == 0, ran.stderr
    answers = dict(zip(ANSWERS, json.loads(ran.stdout.splitlines()[-1]), strict=True))

    assert {path: status for path, (status, _, _) in answers.items()} == ANSWERS
    nonces = set()
    for path, (_, headers, text) in answers.items():
        assert headers["x-frame-options"] == "DENY", path
        assert headers["x-content-type-options"] == "nosniff", path
        assert headers["referrer-policy"] == "no-referrer", path
        assert headers["cross-origin-opener-policy"] == "same-origin", path
        policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
        assert policy["frame-ancestors"] == policy["object-src"] == policy["base-uri"] == "'none'"
        assert "unsafe-inline" not in headers["content-security-policy"]
        (nonce,) = re.findall("'nonce-([^']+)'", policy["script-src"])
        nonces.add(nonce)
        if path in ("/", "/orders"):
            inline = re.findall(r"<(?:script|style)\b[^>]*>", text)
            without = [tag for tag in inline if f'nonce="{nonce}"' not in tag and "src=" not in tag]
            assert inline, path
            assert not without, path
            assert ' style="' not in text
    assert len(nonces) == len(ANSWERS)


def test_a_page_that_cannot_be_built_says_so_and_shows_no_account() -> None:
    ran = run_without_developers_modules(ASK, ["/health"])

    ((status, _, text),) = json.loads(ran.stdout.splitlines()[-1])
    assert status == 500
    assert "Something failed here that should not." in text
    assert "RuntimeError: of [/x] ****1332" in text
    assert "9121000418450200051332" not in text
    assert "Traceback" in ran.stderr


def test_what_is_replaced_in_nicegui_is_there() -> None:
    """A new NiceGUI may write its page otherwise: then its scripts would have no nonce."""
    loader = client.templates.env.loader
    assert loader
    source, _, _ = getattr(loader, "_loader", loader).get_source(client.templates.env, "index.html")

    assert [found for found, _ in REPLACED if found not in source] == []
