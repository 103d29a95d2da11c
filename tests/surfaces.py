"""
Every place where people see text that came from outside.

A test plants texts with `tests.full_stage.stage_holding`, and reads what each command and each page
shows of them. These tables are complete: a new command or page fails until it is listed.
"""

import io
import json
from typing import NamedTuple

import pyarrow.parquet
from click.testing import CliRunner, Result

from ops.cli.commands import main
from ops.desk.desk import Desk
from tests.builders import order_text

ACCEPTED, REJECTED, GIVEN_UP, LOST = "order-a", "order-r", "order-g", "order-l"
"""Orders of the stage: their ids hold no text from outside."""
SUBMISSION = "70431134-c0ce-57ca-9682-fcdb34db236c"
"""A submission of the rejected order. Its id holds no text from outside, either."""
TEXT = "{text}"
"""Stands in a typed argument for the text that is tried."""
LETTER = "{letter}"
"""Stands in a typed argument for the message id of a dead letter."""


class Typed(NamedTuple):
    """A command line after `python -m ops`. `answer` is what is typed at its prompt."""

    command: str
    arguments: tuple[str, ...] = ()
    answer: str = "n\n"

    def __str__(self) -> str:
        return " ".join([self.command, *self.arguments])

    def words(self, text: str, letter: str = "") -> list[str]:
        """List the words that are typed."""
        return [
            *self.command.split(),
            *(each.replace(TEXT, text).replace(LETTER, letter) for each in self.arguments),
        ]

    def reply(self, text: str) -> str:
        """Return what is typed at the prompt, or comes on stdin."""
        return self.answer.replace(TEXT, json.dumps(text)[1:-1])


SHOWING_ACCOUNTS = (
    Typed("orders show", (ACCEPTED,)),
    Typed("orders show", (REJECTED,)),
    Typed("orders show", (ACCEPTED, "--payload")),
    Typed("orders show", (REJECTED, "--payload")),
    Typed("orders show", (REJECTED, "--submission", SUBMISSION)),
    Typed("orders show", (REJECTED, "--submission", SUBMISSION, "--payload")),
    Typed("orders list"),
    Typed("orders list", ("--account", "1111111", "--amount", "2580.0")),
    Typed("orders tail", ("--count", "4", "--since", "1h")),
    Typed("orders export", ("-", "--format", "csv")),
    Typed("orders export", ("-", "--format", "ndjson")),
    Typed("orders export", ("-", "--format", "parquet")),
    Typed("orders export", ("-", "--format", "csv", "--account", "7777777")),
    Typed("duplicates"),
    Typed("duplicates", ("--suspected",)),
    Typed("dlq show", (LETTER,)),
    Typed("audit"),
    Typed("events tail", ("--count", "1", "--seconds", "9")),
    Typed("reconcile", ("--in-progress", "1s")),
    Typed("reconcile", ("--in-progress", "1s", "--deep")),
    Typed("reconcile", ("--in-progress", "1s", "--repair")),
    Typed("replay", ("--into", "rebuilt", "--create", "--resume", "--why", TEXT, "--yes")),
)
"""Commands that read what is kept, and show accounts with `--show-accounts`."""
READING = (
    Typed("orders list", ("--invalid",)),
    Typed("duplicates", ("--conflicts",)),
    Typed("rejects"),
    Typed("dlq list"),
    Typed("verify-seals"),
    Typed("verify-seals", ("--archive", "--table", "--json")),
    # Its day is not sealed.
    Typed("prove", (ACCEPTED, "--out", "proof.json")),
    Typed("dlq redrive", ("--all", "--dry-run")),
    Typed("dlq redrive", ("--all",)),
    Typed("dlq discard", ("--all", "--why", TEXT, "--dry-run")),
    Typed("dlq discard", ("--all", "--why", TEXT)),
    Typed("events resend", ("--from", "2020-01-01", "--dry-run")),
    Typed("events resend", ("--from", "2020-01-01", "--why", TEXT)),
    Typed("health"),
    Typed("stats"),
)
"""Other commands that read what is kept."""
ACTING = (
    Typed("dlq redrive", ("--all", "--rate", "1000", "--why", TEXT, "--yes")),
    Typed("dlq discard", ("--all", "--why", TEXT, "--yes")),
    Typed("events resend", ("--from", "2020-01-01", "--why", TEXT, "--yes")),
    Typed("reconcile", ("--in-progress", "1s", "--repair", "--yes")),
    Typed("pause", ("--why", TEXT, "--yes")),
    Typed("resume", ("--why", TEXT)),
    Typed("seal", ("--why", TEXT)),
    Typed(
        "dlq resubmit",
        (LETTER, "--file", "-", "--why", TEXT, "--yes"),
        answer=order_text("order-s", amount=TEXT, channel=TEXT),
    ),
)
"""Commands that change the stage: each needs one of its own."""
ECHOING = (
    Typed("orders submit", (order_text("order-s", amount=TEXT, channel=TEXT, fromAccount=TEXT),)),
    Typed("orders submit", (TEXT,)),
    Typed(
        "orders submit",
        (order_text("order-s", amount=TEXT, channel=TEXT, fromAccount=TEXT), "--dry-run"),
    ),
    Typed("orders submit", (TEXT, "--dry-run")),
    Typed("orders submit", (order_text("a/" + TEXT),)),
    Typed("orders submit", (TEXT, "--lines")),
    Typed(
        "orders submit",
        ("-", "--lines", "--dry-run"),
        answer="\n".join(
            [
                order_text("order-s", amount=TEXT, channel=TEXT, fromAccount=TEXT),
                order_text("a/" + TEXT),
                TEXT,
            ]
        ),
    ),
    Typed("orders submit", ("-", "--lines", "--api-url", TEXT)),
    Typed("orders submit", ("@" + TEXT,)),
    Typed("orders submit", (order_text("order-s"), "--idempotency-key", TEXT)),
    Typed("orders show", ("a/" + TEXT,)),
    Typed("orders show", (ACCEPTED, "--submission", "a/" + TEXT)),
    Typed("orders show", (ACCEPTED, "--submission", "a", "--sha256", TEXT)),
    Typed("orders list", ("--from", TEXT)),
    Typed("orders list", ("--status", TEXT)),
    Typed("orders list", ("--account", TEXT)),
    Typed("orders list", ("--account", "-"), answer=TEXT),
    Typed("orders list", ("--amount", TEXT)),
    Typed("orders list", ("--submitted-by=" + TEXT,)),
    Typed("orders list", ("--before", TEXT)),
    Typed("duplicates", ("--suspected", "--window", TEXT)),
    Typed("orders tail", ("--since", TEXT)),
    Typed("orders export", ("-", "--format", TEXT)),
    Typed("dlq list", ("--order", "a/" + TEXT)),
    Typed("dlq list", ("--reason", TEXT)),
    Typed("dlq show", (TEXT,)),
    Typed("dlq redrive", ("--message", TEXT)),
    Typed("dlq discard", ("--message", TEXT, "--why", TEXT)),
    Typed("stats", ("--last", TEXT)),
    Typed("events tail", ("--seconds", TEXT)),
    Typed("events resend", ("--from", TEXT)),
    Typed("events resend", ("--from", "2020-01-01", "--before", TEXT)),
    Typed("dlq resubmit", (TEXT, "--file", "-"), answer="{}"),
    Typed("seal", ("--through", TEXT)),
    Typed("verify-seals", ("--from", TEXT)),
    Typed("verify-seals", ("--public-key", TEXT)),
    Typed("prove", ("a/" + TEXT, "--out", "proof.json")),
    Typed("prove", (ACCEPTED, "--submission", "a/" + TEXT, "--out", "proof.json")),
)
"""Commands that may say again what was typed."""
WITHOUT_ORDERS = {
    "run": "starts the local stage",
    "worker": "its log is the processor's",
    "api": "its log is the intake's",
    "console": "its pages are listed below",
    "stage new": "writes configuration",
    "stage remove": "names files",
    "resources up": "names resources",
    "resources show": "names resources",
    "resources down": "names resources",
    "package": "names files",
    "policy": "names resources",
    "deploy": "names resources",
    "destroy": "names resources",
    "lint": "reads templates",
    "verify": "hands in made-up orders of its own",
    "cost": "counts orders",
    "verify-proof": "shows what is in a file: test_seal_commands.py fills one",
}
"""Commands that never show what a sender wrote, and why."""

PAGES = {
    "/": ("/",),
    "/orders": ("/orders", "/orders?id=a/" + TEXT, "/orders?from=" + TEXT),
    "/orders/{order_id}": (f"/orders/{ACCEPTED}", f"/orders/{REJECTED}", "/orders/" + TEXT),
    "/duplicates": ("/duplicates", "/duplicates?show=all", "/duplicates?show=suspected"),
    "/rejected": ("/rejected",),
    "/dead-letters": ("/dead-letters", "/dead-letters?order=a/" + TEXT),
    "/try-it": ("/try-it",),
    "/audit": ("/audit",),
    "/seals": ("/seals",),
    "/health": ("/health",),
}
"""The console's pages, each with addresses that show what a sender or a visitor wrote."""
EXPORTS = ("/export?format=csv", "/export?format=ndjson", "/export?format=" + TEXT)
"""Addresses of the console that answer with no page."""


def said(done: Result) -> str:
    """Return all that a command said, on both ways out; a Parquet file as text."""
    if done.stdout_bytes.startswith(b"PAR1"):
        rows = pyarrow.parquet.read_table(io.BytesIO(done.stdout_bytes)).to_pylist()
        return "\n".join(map(str, rows)) + done.stderr
    return done.stdout + done.stderr


def type_words(desk: Desk, words: list[str], answer: str = "") -> Result:
    """Type a command over a desk, at a terminal so wide that no cell is broken up."""
    terminal = {"COLUMNS": "4000", "NO_COLOR": "1", "LC_ALL": "C.UTF-8"}
    return CliRunner(env=terminal).invoke(main, words, input=answer, obj=lambda *_: desk)
