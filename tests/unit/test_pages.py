"""The pages for people: every link leads somewhere, and every file and version is real."""

import json
import re
import tomllib

import pytest

from chalicelib.orders.terms import TERMS
from ops.local.refusals import MAX_BODY_BYTES
from ops.project import PROJECT_ROOT

PAGES = sorted(
    str(page.relative_to(PROJECT_ROOT))
    for page in (*PROJECT_ROOT.glob("*.md"), *(PROJECT_ROOT / "docs").rglob("*.md"))
)
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")
PAGE = re.compile(r"docs/[\w/-]+\.md(?:#[\w-]+)?")
ELSEWHERE = ("https://", "http://")
# A file of the project, with a folder: `tests/fakes.py`, `.chalice/config.json`.
FOLDERS = r"\.chalice|benchmarks|chalicelib|docs|infrastructure|ops|tests"
NAMED_FILE = re.compile(rf"`((?:{FOLDERS})/[\w./-]*)`")
QUERY = re.compile(r"\?(\w+=[^\s&`\"'#)]*(?:&\w+=[^\s&`\"'#)]*)+)")
DATED_VERSION = re.compile(r"^## (\d+\.\d+\.\d+) - \d{4}-\d\d-\d\d$", re.MULTILINE)


def text_of(page: str) -> str:
    return (PROJECT_ROOT / page).read_text(encoding="utf-8")


def prose(page: str) -> str:
    return FENCED.sub("", text_of(page))


def anchors_of(page: str) -> set[str]:
    """Make anchors of the headings, as GitHub does."""
    headings = HEADING.findall(prose(page))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def leads_somewhere(page: str, target: str) -> bool:
    """Say whether the file of a relative link is there, and its heading."""
    path, _, anchor = target.partition("#")
    file = (PROJECT_ROOT / page).parent / path if path else PROJECT_ROOT / page
    if not file.exists():
        return False
    return not anchor or anchor in anchors_of(str(file.resolve().relative_to(PROJECT_ROOT)))


@pytest.mark.parametrize("page", PAGES)
def test_every_link_of_a_page_leads_somewhere(page: str) -> None:
    targets = [each for each in LINK.findall(prose(page)) if not each.startswith(ELSEWHERE)]

    assert [target for target in targets if not leads_somewhere(page, target)] == []


@pytest.mark.parametrize(
    ("target", "found"),
    [
        ("api.md", True),
        ("api.md#routes", True),
        ("#routes", True),
        ("../README.md#deploy-it", True),
        ("no-such-page.md", False),
        ("api.md#no-such-heading", False),
        ("#no-such-heading", False),
    ],
)
def test_a_link_that_leads_nowhere_is_found(target: str, found: bool) -> None:
    assert leads_somewhere("docs/api.md", target) is found


def test_every_page_that_the_code_names_exists() -> None:
    sources = [PROJECT_ROOT / "app.py", *PROJECT_ROOT.glob("infrastructure/*.yaml")]
    for folder in ("benchmarks", "chalicelib", "ops"):
        sources += (PROJECT_ROOT / folder).rglob("*.py")
    named = {target for source in sources for target in PAGE.findall(source.read_text())}

    assert any("#" in target for target in named)
    assert [target for target in sorted(named) if not leads_somewhere("README.md", target)] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_a_page_names_exists(page: str) -> None:
    named = NAMED_FILE.findall(text_of(page))

    assert [name for name in named if not (PROJECT_ROOT / name).exists()] == []


def unsorted_queries(text: str) -> list[str]:
    """Find the queries whose parameters are not in the order of their names."""
    queries = QUERY.findall(text)
    return [query for query in queries if query.split("&") != sorted(query.split("&"))]


@pytest.mark.parametrize("page", PAGES)
def test_every_query_of_a_page_can_be_signed_by_an_older_curl(page: str) -> None:
    """AWS sorts the parameters before it checks the signature, curl before 8.3 does not."""
    assert unsorted_queries(text_of(page)) == []


def test_a_query_that_is_not_in_order_is_found() -> None:
    text = "`/orders?limit=2&status=REJECTED` '$URL/orders?to=...&from=...' /orders?limit=1"

    assert unsorted_queries(text) == ["to=...&from=..."]


@pytest.mark.parametrize(
    "file",
    ["docs/problems.md", "chalicelib/http/openapi.json", "infrastructure/merge-template.yaml"],
)
def test_the_largest_request_is_the_one_that_is_refused_here(file: str) -> None:
    assert set(re.findall(r"(\d+) MB", text_of(file))) >= {f"{MAX_BODY_BYTES >> 20}"}


@pytest.mark.parametrize("page", ["README.md", "README.es.md", "docs/events.md"])
def test_a_walk_through_that_hands_in_the_orders_of_another_starts_empty(page: str) -> None:
    """`make run` keeps orders: the same id again would be a duplicate, which has no event."""
    before, handed_in, _ = text_of(page).partition("127.0.0.1:8000/orders")

    starts = re.findall(r"make run[^`\n]*", before)
    assert handed_in
    assert "--fresh" in starts[-1]


def changes() -> list[str]:
    """List the entries of the changelog, each in one line."""
    entries = re.findall(r"^- .*(?:\n  .*)*", text_of("CHANGELOG.md"), re.MULTILINE)
    return [" ".join(entry.split()) for entry in entries]


@pytest.mark.parametrize("change", changes())
def test_an_entry_of_the_changelog_is_whole_sentences(change: str) -> None:
    """A merge may leave half of an entry, or another one's second half."""
    assert change.endswith(".")
    assert not re.search(r"[a-z]\. [a-z]+[ ,]", change)


def test_the_newest_release_has_the_projects_version() -> None:
    version = tomllib.loads(text_of("pyproject.toml"))["project"]["version"]

    assert DATED_VERSION.findall(text_of("CHANGELOG.md"))[0] == version


def test_the_api_has_the_first_two_numbers_of_the_version() -> None:
    version = tomllib.loads(text_of("pyproject.toml"))["project"]["version"]
    document = json.loads(text_of("chalicelib/http/openapi.json"))

    assert document["info"]["version"] == version.rpartition(".")[0]


def test_the_page_of_the_api_names_every_field_of_an_order() -> None:
    rows = [line for line in text_of("docs/api.md").splitlines() if line.startswith("|")]

    assert [name for name in TERMS if not any(f"`{name}`" in row for row in rows)] == []
