"""The console of a reader, in a real browser: what is not theirs says so, and stays accessible."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from ops.ports import LOOPBACK, free_port
from ops.roles.rights import Role
from tests.e2e.console.conftest import Site, Visitor


@pytest.fixture(scope="module")
def readers_url(site: Site) -> Iterator[str]:
    port = free_port()
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "tests.e2e.console.denied"),
            *(str(site.stack.aws_port), str(port), Role.READER.value),
        ],
        stdout=subprocess.PIPE,
    )
    assert process.stdout
    assert process.stdout.readline() == b"ready\n"
    yield f"http://{LOOPBACK}:{port}"
    process.terminate()
    process.wait(20)
    process.stdout.close()


def go(visitor: Visitor, url: str, path: str) -> None:
    visitor.page.goto(url + path)
    visitor.wait_until_loaded()


@pytest.mark.parametrize(
    ("path", "right"),
    [("/dead-letters", "sqs:ReceiveMessage"), ("/audit", "dynamodb:Query")],
)
def test_a_page_that_is_not_a_readers_says_which_right_it_takes(
    visitor: Visitor, readers_url: str, path: str, right: str
) -> None:
    go(visitor, readers_url, path)

    told = visitor.page.get_by_role("alert").first
    expect(told).to_contain_text(visitor.t("denied.title"))
    expect(told).to_contain_text(visitor.t("denied.lacks", action=right))
    expect(told).to_contain_text("auditor, operator")
    expect(told).to_contain_text("python -m ops policy --role auditor")
    visitor.finds_it_accessible()
    visitor.finds_it_fitting()


def test_a_reader_sees_the_orders(visitor: Visitor, readers_url: str) -> None:
    go(visitor, readers_url, "/orders")

    expect(visitor.page.get_by_role("alert")).to_have_count(0)
    expect(visitor.page.locator("table")).to_be_visible()


def test_a_click_that_is_not_a_readers_says_which_right_it_takes(
    visitor: Visitor, readers_url: str
) -> None:
    go(visitor, readers_url, "/try-it")
    visitor.page.locator('button[value="valid"]').click()

    visitor.sees(visitor.t("denied.lacks", action="sqs:SendMessage"))
    visitor.finds_it_accessible()


@pytest.mark.parametrize("language", ["en"])
def test_why_a_search_is_not_a_readers_stands_there_until_it_is_read(
    visitor: Visitor, readers_url: str
) -> None:
    """It is four sentences: a message that goes after some seconds would be gone by then."""
    go(visitor, readers_url, "/orders")
    visitor.page.get_by_label(visitor.t("search.account")).fill("4012887001")
    visitor.button("search.apply").click()
    words = visitor.t("search.not_audited", error="|").split("|")[0]
    visitor.sees(words)
    visitor.finds_it_accessible()

    visitor.page.wait_for_timeout(6_000)

    visitor.sees("`python -m ops policy --role auditor")
    visitor.button("frame.close").first.click()
    expect(visitor.page.get_by_text(words)).to_have_count(0)
    expect(visitor.page.locator("tbody tr").first).to_be_visible()
