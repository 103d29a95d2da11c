"""Failures that nobody expects, in a real browser: whoever clicked sees them, and nothing hangs."""

import http.client
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from ops.console.downloads import AT_ONCE
from ops.desk.desk import Desk
from ops.desk.stage import connect
from ops.local.stack import LocalStack
from ops.ports import LOOPBACK, free_port
from tests.e2e.client import eventually
from tests.e2e.console.conftest import Visitor
from tests.e2e.console.failing import ACCOUNT
from tests.e2e.console.seed import dead_letter, order

IN_SPANISH = pytest.mark.parametrize("language", ["es"])
IN_ENGLISH = pytest.mark.parametrize("language", ["en"])
SHOWN = "Unforeseen: [/x] <b>bold</b> of ****1332"


@dataclass
class FailingConsole:
    """A console whose desk fails, its log, and the reads of its exports."""

    port: int
    log: Path
    reads_file: Path

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def reads(self) -> int:
        return self.reads_file.stat().st_size if self.reads_file.exists() else 0

    def get(self, path: str) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=30)
        connection.request("GET", path)
        return connection

    def status(self, path: str) -> int:
        with closing(self.get(path)) as connection, connection.getresponse() as answer:
            return answer.status


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """Start a stage of its own: a console that is ended while it looks at letters hides them."""
    with LocalStack(log_file=tmp_path_factory.mktemp("failing") / "stack") as stack:
        yield stack


@pytest.fixture(scope="module")
def failing(
    stack: LocalStack, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FailingConsole]:
    folder = tmp_path_factory.mktemp("failing")
    console = FailingConsole(free_port(), folder / "log", folder / "reads")
    arguments = [str(stack.aws_port), str(console.port), str(console.reads_file)]
    with console.log.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.e2e.console.failing", *arguments],
            stdout=subprocess.PIPE,
            stderr=log,
        )
        assert process.stdout
        assert process.stdout.readline() == b"ready\n", console.log.read_text()
        yield console
        process.terminate()
        process.wait(20)
        process.stdout.close()


def go(visitor: Visitor, failing: FailingConsole, path: str) -> None:
    visitor.page.goto(failing.url + path)


def notice_of(visitor: Visitor) -> Locator:
    return visitor.page.locator(".unexpected")


def sees_the_failure(visitor: Visitor, place: Locator) -> None:
    expect(place).to_be_visible()
    expect(place).to_contain_text(visitor.t("state.unexpected"))
    expect(place).to_contain_text(visitor.t("state.unexpected_hint"))
    expect(place).to_contain_text(SHOWN)
    assert ACCOUNT not in visitor.page.content()


@IN_SPANISH
def test_a_part_that_fails_says_so_instead_of_loading_for_ever(
    visitor: Visitor, failing: FailingConsole
) -> None:
    for path in ("/health", "/audit"):
        go(visitor, failing, path)

        sees_the_failure(visitor, visitor.page.get_by_role("alert").first)
        expect(visitor.page.locator('[aria-busy="true"]')).to_have_count(0)
    visitor.finds_it_accessible()
    visitor.button("state.again").click()
    sees_the_failure(visitor, visitor.page.get_by_role("alert").first)
    assert failing.log.read_text().count("Unforeseen") >= 3
    assert "Traceback" in failing.log.read_text()


@IN_ENGLISH
def test_a_form_that_fails_says_so_each_time(visitor: Visitor, failing: FailingConsole) -> None:
    go(visitor, failing, "/try-it")
    for _ in range(2):
        visitor.page.locator('button[value="valid"]').click()

        sees_the_failure(visitor, notice_of(visitor))
        visitor.finds_it_accessible()
        notice_of(visitor).get_by_role("button", name=visitor.t("frame.close")).click()
        expect(notice_of(visitor)).to_be_hidden()


@IN_ENGLISH
def test_a_timer_that_fails_says_so(visitor: Visitor, failing: FailingConsole) -> None:
    go(visitor, failing, "/orders")

    sees_the_failure(visitor, notice_of(visitor))


@IN_SPANISH
def test_a_failure_over_a_dialog_and_one_in_a_job_say_so(
    visitor: Visitor, failing: FailingConsole, stack: LocalStack
) -> None:
    desk = Desk(connect(aws_port=stack.aws_port))
    dead_letter(desk, json.dumps(order("fails")), submissionId="own-fails")
    boxes = visitor.page.locator('input[name="letter"]')

    def listed() -> bool:
        go(visitor, failing, "/dead-letters?order=fails")
        visitor.wait_until_loaded()
        return boxes.count() > 0

    eventually(listed)
    visitor.button("dead_letters.redrive_matching").click()
    sees_the_failure(visitor, notice_of(visitor))

    eventually(listed)
    boxes.first.check()
    visitor.button("dead_letters.redrive").click()
    dialog = visitor.page.get_by_role("dialog")
    dialog.get_by_role("button", name=visitor.t("dead_letters.redrive_now"), exact=True).click()
    sees_the_failure(visitor, visitor.page.locator(".notice.bad:not(.unexpected)"))


def reads_no_more(failing: FailingConsole) -> bool:
    """Tell whether nothing is read within a moment."""
    reads = failing.reads
    time.sleep(0.5)
    return failing.reads == reads


def test_exports_are_few_at_a_time_and_end_with_their_readers(failing: FailingConsole) -> None:
    """Forty of them disabled the console, and went on after their readers had left."""
    readers = [failing.get("/export") for _ in range(AT_ONCE)]
    eventually(lambda: failing.reads > AT_ONCE)

    for _ in range(40):
        with closing(failing.get("/export?from=0001-01-01")) as connection:
            refused = connection.getresponse()
            assert (refused.status, refused.headers["Retry-After"]) == (503, "10")
            assert b"Try again in 10 s" in refused.read()
    assert failing.status("/assets/console.css") == 200
    for reader in readers:
        reader.close()

    eventually(lambda: failing.status("/export?channel=atm") == 200)
    eventually(lambda: failing.status("/export?channel=atm") == 200)
    eventually(lambda: reads_no_more(failing))
    assert "never retrieved" not in failing.log.read_text()
