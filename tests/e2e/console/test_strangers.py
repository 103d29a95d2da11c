"""Pages of other sites in the operator's browser: they can neither show the console nor use it."""

import http.client
import json
import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from ops.ports import LOOPBACK
from tests.e2e.console.conftest import FLAGS, PATIENCE_MS, Site, Visitor, find_browser
from tests.e2e.console.seed import dead_letter, order
from tests.e2e.console.test_frame import EVERY_PAGE
from tests.e2e.console.test_stories import recorded

ENTICING = """
<!doctype html><title>Win a prize</title>
<button style="position: absolute; left: 40px; top: 40px">Click here</button>
<{element} {source}="{url}" style="position: absolute; left: 0; top: 0; width: 1280px;
  height: 860px; opacity: 0.01; border: 0"></{element}>
"""
SOURCES = {"iframe": "src", "embed": "src", "object": "data"}


class Attacker:
    """A site on another port of this machine, whose pages are whatever they are set to."""

    def __init__(self) -> None:
        self.html = ""
        self._server = ThreadingHTTPServer((LOOPBACK, 0), partial(_Handler, self))
        self.url = f"http://{LOOPBACK}:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, attacker: Attacker, *arguments: object) -> None:
        self._attacker = attacker
        super().__init__(*arguments)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(self._attacker.html.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def attacker() -> Iterator[Attacker]:
    attacker = Attacker()
    yield attacker
    attacker.close()


@pytest.fixture
def tab(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 860})
    context.set_default_timeout(PATIENCE_MS)
    yield context.new_page()
    context.close()


def shown_in_frames(tab: Page) -> list[str]:
    """Tell what the frames of a page show, of whatever the console has on its pages."""
    return [
        frame.url
        for frame in tab.frames[1:]
        if frame.locator("h1, header, form, button").count() and "chrome-error" not in frame.url
    ]


@pytest.mark.parametrize("element", SOURCES)
def test_no_page_of_another_origin_shows_the_console_in_a_frame(
    site: Site, tab: Page, attacker: Attacker, element: str
) -> None:
    for path in EVERY_PAGE:
        attacker.html = ENTICING.format(
            element=element, source=SOURCES[element], url=site.url + path
        )
        with tab.expect_response(lambda answer: answer.url.startswith(site.url)) as refused:
            tab.goto(attacker.url)

        tab.wait_for_load_state("networkidle")
        assert refused.value.status == 403
        assert shown_in_frames(tab) == []


@pytest.mark.parametrize("language", ["en"])
def test_clicks_on_a_page_over_the_console_do_nothing_to_it(
    site: Site, visitor: Visitor, tab: Page, attacker: Attacker
) -> None:
    """Two such clicks once redrove every dead letter."""
    dead_letter(site.desk, json.dumps(order("framed")), submissionId="own-framed")
    visitor.open_letters("/dead-letters?order=framed")
    begin = visitor.button("dead_letters.redrive_matching")
    dialog = visitor.page.get_by_role("dialog")
    confirm = dialog.get_by_role("button", name=visitor.t("dead_letters.redrive_now"), exact=True)
    places = [middle(begin)]
    begin.click()
    places.append(middle(confirm))
    dialog.get_by_role("button", name=visitor.t("frame.cancel"), exact=True).click()
    visitor.open_letters("/dead-letters?order=framed")
    attacker.html = ENTICING.format(
        element="iframe", source="src", url=f"{site.url}/dead-letters?order=framed"
    )

    for _ in range(2):
        tab.goto(attacker.url)
        for x, y in places:
            tab.wait_for_timeout(2500)
            tab.mouse.click(x, y)

    assert not recorded(site, "framed")


def middle(button: Locator) -> tuple[float, float]:
    expect(button).to_be_visible()
    box = button.bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


@pytest.mark.parametrize("path", EVERY_PAGE)
def test_a_browser_that_does_not_say_what_it_fetches_for_shows_no_frame_either(
    site: Site, path: str
) -> None:
    """Older browsers send no Sec-Fetch-Dest: they go by the headers of the answer."""
    answer = ask(site, path)

    assert answer.status == 200
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]


def test_a_page_does_not_open_another_window_on_the_console_to_use_it(
    site: Site, tab: Page, attacker: Attacker
) -> None:
    attacker.html = f"<script>opened = window.open('{site.url}/dead-letters')</script>"

    with tab.context.expect_page() as opened:
        tab.goto(attacker.url)
    opened.value.wait_for_load_state()

    assert tab.evaluate("opened.closed"), "the two share no browsing context"
    assert opened.value.evaluate("window.opener") is None


def test_a_foreign_name_of_this_machine_shows_nothing(site: Site, browser: Browser) -> None:
    """DNS rebinding: a name of the attacker's leads to 127.0.0.1."""
    mapped = "--host-resolver-rules=MAP console.example 127.0.0.1"
    misled = browser.browser_type.launch(executable_path=find_browser(), args=[*FLAGS, mapped])
    page = misled.new_page()

    answer = page.goto(f"http://console.example:{urlsplit(site.url).port}/orders")

    assert answer
    assert answer.status == 403
    assert "order-" not in page.content()
    misled.close()


UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
SOCKET = "/_nicegui_ws/socket.io/?EIO=4&transport=websocket"


def test_only_the_consoles_own_pages_reach_its_socket(site: Site) -> None:
    host = urlsplit(site.url).netloc

    assert ask(site, SOCKET, **UPGRADE, Origin=site.url).status == 101
    assert ask(site, SOCKET, **UPGRADE, Origin="http://127.0.0.1:9").status == 403
    assert ask(site, SOCKET, **UPGRADE, Origin="null").status == 403
    assert ask(site, SOCKET, **UPGRADE, Host="console.example").status == 403
    foreign = {"Host": "console.example", "Origin": "http://console.example"}
    assert ask(site, SOCKET, **UPGRADE, **foreign).status == 403
    polling = SOCKET.replace("websocket", "polling")
    assert ask(site, polling, Origin="http://127.0.0.1:9", Host=host).status == 403


def ask(site: Site, path: str, **headers: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection(urlsplit(site.url).netloc, timeout=10)
    connection.putrequest("GET", path, skip_host="Host" in headers)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    connection.close()
    return answer
