"""Rules for every page: languages, appearance, keys, small screens, failures, strangers."""

import re
import urllib.request
from collections.abc import Iterator
from urllib.error import HTTPError

import pytest
from playwright.sync_api import expect

from ops.console.texts import texts_in
from ops.local.stack import LocalStack
from tests.e2e.console.conftest import NARROW, Site, Visitor
from tests.e2e.console.seed import CONFLICTING, LARGEST

EVERY_PAGE = (
    "/",
    "/orders",
    f"/orders/{CONFLICTING}",
    "/duplicates",
    "/rejected",
    "/dead-letters",
    "/try-it",
    "/audit",
    "/health",
)
IN_ENGLISH = pytest.mark.parametrize("language", ["en"])
IN_SPANISH = pytest.mark.parametrize("language", ["es"])


@IN_ENGLISH
@pytest.mark.screen
def test_the_language_can_be_switched_and_stays(visitor: Visitor) -> None:
    spanish = texts_in("es")
    visitor.open("/health")
    expect(visitor.page.locator("html")).to_have_attribute("lang", "en-US")

    visitor.page.get_by_role("button", name="Español").click()

    expect(visitor.page.locator("h1")).to_have_text(spanish("health.title"))
    expect(visitor.page.locator("html")).to_have_attribute("lang", "es")
    visitor.open("/audit")
    expect(visitor.page.locator("h1")).to_have_text(spanish("audit.title"))


@IN_ENGLISH
@pytest.mark.screen
def test_the_appearance_can_be_switched_and_stays(visitor: Visitor) -> None:
    visitor.open("/health")
    light = background(visitor)

    visitor.button("frame.themes.dark").click()

    expect(visitor.page.locator("html")).to_have_attribute("data-theme", "dark")
    assert background(visitor) != light
    visitor.open("/orders")
    expect(visitor.page.locator("html")).to_have_attribute("data-theme", "dark")


@IN_SPANISH
@pytest.mark.screen(color_scheme="dark")
@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/orders",
        f"/orders/{CONFLICTING}",
        "/duplicates?show=suspected",
        "/dead-letters",
        "/try-it",
        "/health",
    ],
)
def test_the_dark_appearance_has_enough_contrast(visitor: Visitor, path: str) -> None:
    visitor.open(path)

    visitor.finds_it_accessible()
    if path == "/":
        visitor.picture("overview-dark")


@IN_ENGLISH
@pytest.mark.screen(viewport=NARROW)
def test_every_page_fits_on_a_telephone(visitor: Visitor) -> None:
    for path in EVERY_PAGE:
        visitor.open(path)
        visitor.finds_it_fitting()
        if path in ("/", "/dead-letters"):
            visitor.picture(f"{path.strip('/') or 'overview'}-narrow")
            visitor.finds_it_accessible()

    visitor.page.locator("header").get_by_text(visitor.t("frame.menu")).click()
    visitor.finds_it_accessible()
    visitor.link("orders.title").click()
    visitor.page.wait_for_url("**/orders")


TABLES = (
    "/orders",
    "/duplicates",
    "/duplicates?show=suspected",
    "/duplicates?show=all",
    "/rejected",
)


@pytest.mark.screen(viewport=NARROW)
def test_no_table_is_cut_off_on_a_telephone(visitor: Visitor) -> None:
    """A label is longer in one language than in the other."""
    for path in (*TABLES, "/dead-letters", "/audit", "/health"):
        visitor.open(path)
        visitor.finds_nothing_cut_off()


def test_no_table_is_cut_off_on_a_screen_however_long_an_id_is(visitor: Visitor) -> None:
    for path in TABLES:
        visitor.open(path)
        visitor.finds_nothing_cut_off()
    visitor.open("/duplicates?show=all")
    expect(visitor.page.locator("tbody")).to_contain_text(LARGEST)


@IN_ENGLISH
def test_the_console_can_be_used_with_the_keyboard_alone(visitor: Visitor) -> None:
    visitor.open("/health")

    visitor.page.keyboard.press("?")
    expect(visitor.page.get_by_role("dialog")).to_contain_text(visitor.t("frame.key_search"))
    visitor.page.keyboard.press("Escape")
    expect(visitor.page.get_by_role("dialog")).to_have_count(0)
    visitor.page.keyboard.press("g")
    visitor.page.keyboard.press("o")
    visitor.page.wait_for_url("**/orders")
    visitor.wait_until_loaded()
    visitor.page.keyboard.press("j")
    visitor.page.keyboard.press("j")
    visitor.page.keyboard.press("Enter")

    visitor.page.wait_for_url(re.compile(r"/orders/.+"))


@IN_ENGLISH
def test_the_first_tab_leads_past_the_navigation(visitor: Visitor) -> None:
    visitor.open("/health")

    visitor.page.keyboard.press("Tab")

    expect(visitor.link("frame.skip")).to_be_focused()


@pytest.fixture
def lonely(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """Start a stage that can be taken away from its console."""
    with LocalStack(console_port=0, log_file=tmp_path_factory.mktemp("lonely") / "log") as stack:
        stack.wait_for_console()
        yield stack


@IN_SPANISH
def test_a_console_without_its_stage_says_so_and_offers_a_retry(
    visitor: Visitor, lonely: LocalStack
) -> None:
    visitor.page.goto(f"{lonely.console_url}/orders")
    visitor.sees(visitor.t("orders.none"))

    lonely.emulator.kill()
    visitor.page.reload()

    expect(visitor.button("state.again")).to_be_visible(timeout=60_000)
    visitor.sees(visitor.t("state.failed_hint", stage="local"))
    visitor.finds_it_accessible()


def ask(url: str, **headers: str) -> int:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=named)) as answer:
            status: int = answer.status
            return status
    except HTTPError as error:
        return error.code


def test_the_console_refuses_requests_from_other_sites(site: Site) -> None:
    assert ask(f"{site.url}/orders") == 200
    assert ask(f"{site.url}/orders", Host="console.example") == 403
    assert ask(f"{site.url}/orders", Origin="https://elsewhere.example") == 403
    assert ask(f"{site.url}/export", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="cors") == 403


def background(visitor: Visitor) -> str:
    colour: str = visitor.page.evaluate("getComputedStyle(document.body).backgroundColor")
    return colour
