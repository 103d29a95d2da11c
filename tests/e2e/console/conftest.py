"""A seeded stage with a console, a real browser, and a visitor who speaks one of the languages."""

import json
import os
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.base import AXE_FILE_PATH
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

from chalicelib.orders.errors import sentence, sentence_to_json
from chalicelib.orders.times import iso
from chalicelib.texts import LANGUAGES, Texts
from ops.console.texts import texts_in
from ops.desk.desk import Desk
from ops.desk.stage import connect
from ops.local.stack import LocalStack
from tests.e2e.console.seed import dead_letter, order, seed
from tests.envelopes import ENVELOPES

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
LOCALES = {"en": "en-GB", "es": "es-ES"}
WIDE = {"width": 1280, "height": 860}
NARROW = {"width": 390, "height": 844}
NO_BROWSER = "NO BROWSER, SO THE CONSOLE IS NOT TESTED. To test it: apt-get install chromium"
PATIENCE_MS = 15_000
LOOKS_END_SECONDS = 30.0
AXE = Path(AXE_FILE_PATH).read_text(encoding="utf-8")
# To read the page's styles, axe-core makes elements of its own. The console's policy forbids them,
# as it does anyone's, unless they have the page's nonce.
RUN_AXE = """async () => {
    const made = Document.prototype.createElement;
    const nonce = document.querySelector("script[nonce]").nonce;
    Document.prototype.createElement = function (...name) {
        return Object.assign(made.apply(this, name), {nonce});
    };
    try {
        return await axe.run();
    } finally {
        Document.prototype.createElement = made;
    }
}"""
CUT_OFF = """() => [...document.querySelectorAll(".panel.flush, td")]
    .filter((part) => part.scrollWidth > part.clientWidth + 1)
    .map((part) => part.outerHTML.slice(0, 200))"""
# .ci/run sets it: there, a missing browser is a failure.
REQUIRED = "ORDERS_BROWSER_REQUIRED"
# `make screenshots` sets it to docs/images.
SCREENSHOTS = "ORDERS_SCREENSHOTS"


class Site:
    """A running stage with a console."""

    def __init__(self, stack: LocalStack) -> None:
        assert stack.console_url is not None
        self.url = stack.console_url
        self.stack = stack
        self.desk = Desk(connect(aws_port=stack.aws_port))


class Visitor:
    """Someone at the console, with a browser that prefers their language."""

    def __init__(self, site: Site, page: Page, texts: Texts, pictures: Path) -> None:
        self.site = site
        self.page = page
        self.t = texts
        self._pictures = pictures
        self.complaints: list[str] = []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._hear)

    def _hear(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def open(self, path: str) -> None:
        """Open a page, and wait until it has read what it shows."""
        self.page.goto(self.site.url + path)
        self.wait_until_loaded()

    def open_letters(self, path: str, count: int = 1) -> None:
        """Open a list of dead letters; again while the look of an earlier page hides some."""
        deadline = time.monotonic() + LOOKS_END_SECONDS
        self.open(path)
        while self.page.locator('input[name="letter"]').count() < count:
            assert time.monotonic() < deadline, f"fewer than {count} letters at {path}"
            self.open(path)

    def wait_until_loaded(self) -> None:
        expect(self.page.locator("h1")).to_be_visible()
        expect(self.page.locator('[aria-busy="true"]')).to_have_count(0)

    def button(self, key: str) -> Locator:
        return self.page.get_by_role("button", name=self.t(key), exact=True)

    def link(self, key: str) -> Locator:
        return self.page.get_by_role("link", name=self.t(key), exact=True)

    def sees(self, words: str) -> None:
        expect(self.page.get_by_text(words, exact=False).first).to_be_visible()

    def picture(self, name: str) -> None:
        """Take a screenshot: English under the bare name, others with their language in it."""
        suffix = "" if self.t.language == "en" else f".{self.t.language}"
        self.page.mouse.move(0, 0)
        self.page.screenshot(path=self._pictures / f"{name}{suffix}.png")

    def finds_it_accessible(self) -> None:
        """Check every rule of axe-core, its recommendations included, on the page as it is now."""
        self.page.evaluate(AXE)
        found = self.page.evaluate(RUN_AXE)
        assert found["passes"]
        violations = [
            (rule["id"], [node["html"][:200] for node in rule["nodes"]])
            for rule in found["violations"]
        ]
        assert not violations, json.dumps(violations, indent=2)

    def finds_it_fitting(self) -> None:
        """Check that nothing sticks out to the side."""
        assert self.page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    def finds_nothing_cut_off(self) -> None:
        """Check that every table shows all of each row without being moved to the side."""
        cut_off = self.page.evaluate(CUT_OFF)
        assert not cut_off, (self.page.url, cut_off)


def find_browser() -> str | None:
    return next(filter(None, map(shutil.which, BROWSERS)), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = find_browser()
    if path is None:
        if os.environ.get(REQUIRED):
            pytest.fail(NO_BROWSER)
        pytest.skip(NO_BROWSER)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def site(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Start one site for all tests: each makes its own orders and letters, or only looks."""
    del browser  # Ask for the browser first: without one there is nothing to start.
    log = tmp_path_factory.mktemp("console") / "log"
    with LocalStack(console_port=0, visibility_timeout_seconds=30, log_file=log) as stack:
        site = Site(stack)
        seed(site.desk)
        letters(site.desk)
        stack.wait_for_console()
        yield site


def letters(desk: Desk) -> None:
    """Dead letters of every kind."""
    gone = {"unreadableAt": iso(datetime.now(UTC) - timedelta(minutes=7))}
    cut_off = sentence("order.not_json", problem="Expecting ',' delimiter", line=1, column=34)
    a_list = sentence("order.not_an_object", got=sentence("got.list"))
    bad_id = sentence("id.bad", got='""')
    for body, reason, detail in (
        ('{"id": "order-3001", "amount": 12', "not_json", cut_off),
        ('["order-3002"]', "not_an_object", a_list),
        (json.dumps(order("")), "bad_id", bad_id),
        (
            json.dumps(ENVELOPES["EventBridge"]),
            "foreign_envelope",
            sentence("envelope.eventbridge"),
        ),
    ):
        written = json.dumps(sentence_to_json(detail))
        dead_letter(desk, body, unreadableReason=reason, unreadableDetail=written, **gone)
    dead_letter(desk, json.dumps(order("order-3004")))
    dead_letter(desk, json.dumps(order("invoice-2291", amount=99)))


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    wanted = os.environ.get(SCREENSHOTS)
    return Path(wanted) if wanted else tmp_path_factory.mktemp("pictures")


@pytest.fixture(params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def page(
    browser: Browser,
    contexts: dict[str, BrowserContext],
    language: str,
    request: pytest.FixtureRequest,
) -> Iterator[Page]:
    """Open a page; `@pytest.mark.screen(...)` gives it a context of its own with these options."""
    marker = request.node.get_closest_marker("screen")
    context = _context(browser, language, **marker.kwargs) if marker else contexts[language]
    page = context.new_page()
    yield page
    page.close()
    if marker:
        context.close()


@pytest.fixture
def visitor(site: Site, page: Page, language: str, pictures: Path) -> Iterator[Visitor]:
    visitor = Visitor(site, page, texts_in(language), pictures)
    yield visitor
    assert not visitor.complaints


@pytest.fixture(scope="session")
def contexts(browser: Browser) -> dict[str, BrowserContext]:
    """
    Make one context for each language, which loads each file only once.

    A page of each stays open. Otherwise the page of each test opens a window, and the browser
    starts processes for its address bar: 0.5 s of a processor, more than for the page itself.
    """
    contexts = {language: _context(browser, language) for language in LANGUAGES}
    for context in contexts.values():
        context.new_page()
    return contexts


def _context(browser: Browser, language: str, **options: Any) -> BrowserContext:
    context = browser.new_context(**{"viewport": WIDE, "locale": LOCALES[language], **options})
    context.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    return context
