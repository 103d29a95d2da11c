"""No account number is shown that nobody has asked for: on every surface, however it is spelt."""

import json
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from botocore.exceptions import ClientError

from chalicelib.services.unavailable import StoreUnavailable
from ops.desk.desk import Desk
from tests.console_pages import console_of
from tests.coroutines import run_apart
from tests.full_stage import letter_ids, stage_holding
from tests.secrets_shown import SECRETS, is_shown
from tests.surfaces import (
    ACCEPTED,
    ACTING,
    ECHOING,
    EXPORTS,
    LETTER,
    PAGES,
    READING,
    REJECTED,
    SHOWING_ACCOUNTS,
    TEXT,
    Typed,
    said,
    type_words,
)

OWN_ACCOUNT = "1111111"
"""The account that every good order of the stage takes its money from."""
SPELT = tuple(SECRETS.values())
ALL = "; ".join(SPELT)


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    with stage_holding(*SPELT) as desk:
        yield desk


def leaks(text: str) -> list[str]:
    secrets = SECRETS | {"an order's own": OWN_ACCOUNT}
    return [name for name, secret in secrets.items() if is_shown(secret, text)]


def typed_lines(desk: Desk, typed: Typed) -> Iterator[list[str]]:
    """List what is typed for it: a command that shows one letter is typed for several."""
    ids = letter_ids(desk) if LETTER in typed.arguments else [""]
    letters = ids[::4] if typed.command == "dlq show" else ids[:1]
    return (typed.words("a reason", letter) for letter in letters)


@pytest.mark.parametrize("as_json", [[], ["--json"]], ids=["", "json"])
@pytest.mark.parametrize("typed", [*SHOWING_ACCOUNTS, *READING], ids=str)
def test_no_command_shows_an_account(typed: Typed, as_json: list[str], desk: Desk) -> None:
    for words in typed_lines(desk, typed):
        done = type_words(desk, [*words, *as_json], typed.reply(ALL))

        assert isinstance(done.exception, SystemExit | None)
        assert not leaks(said(done)), said(done)


@pytest.mark.parametrize("typed", ACTING, ids=str)
def test_no_command_that_acts_shows_an_account(typed: Typed) -> None:
    with stage_holding(*SPELT[:5]) as desk:
        done = type_words(desk, typed.words(ALL, letter_ids(desk)[0]), typed.reply(ALL))

    assert isinstance(done.exception, SystemExit | None)
    assert not leaks(said(done)), said(done)


@pytest.mark.parametrize("typed", ECHOING, ids=str)
def test_no_command_says_an_account_again_that_was_typed(typed: Typed, desk: Desk) -> None:
    done = type_words(desk, typed.words(ALL), typed.reply(ALL))

    assert isinstance(done.exception, SystemExit | None)
    assert not leaks(said(done)), said(done)


@pytest.mark.parametrize("typed", SHOWING_ACCOUNTS, ids=str)
def test_accounts_are_shown_on_request_and_the_audit_trail_says_so_first(
    typed: Typed, desk: Desk
) -> None:
    before = shown_in_audit(desk)

    done = type_words(
        desk, [*next(typed_lines(desk, typed)), "--show-accounts", "--json"], typed.reply(ALL)
    )

    assert leaks(said(done))
    assert shown_in_audit(desk) == before + 1


def shown_in_audit(desk: Desk) -> int:
    lines = type_words(desk, ["audit", "--limit", "0", "--json"]).stdout.splitlines()
    return [json.loads(line)["what"] for line in lines].count("accounts.shown")


def test_no_page_of_the_console_shows_an_account(desk: Desk) -> None:
    async def visit() -> None:
        async with console_of(desk) as visitors:
            for address in (each for addresses in PAGES.values() for each in addresses):
                page = await visitors.open(address.replace(TEXT, quote(ALL, safe="")))
                assert not leaks(page.text), (address, leaks(page.text))
            for address in EXPORTS:
                answer = await visitors.get(address.replace(TEXT, quote(ALL, safe="")))
                assert not leaks(answer), address

    run_apart(visit())


def test_a_failure_that_quotes_an_account_does_not_show_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ClientError({"Error": {"Code": "Validation", "Message": ALL}}, "Query")

    def refuse(*_: object) -> None:
        raise StoreUnavailable(ALL)

    async def visit() -> str:
        async with console_of(desk) as visitors:
            return (await visitors.open("/orders")).text

    monkeypatch.setattr(desk.orders, "page", fail)
    monkeypatch.setattr(desk.orders, "newest_first", refuse)

    page, done = run_apart(visit()), type_words(desk, ["orders", "list"])

    assert "Validation" in page
    assert not leaks(page)
    assert done.exit_code == 3
    assert not leaks(said(done))


def test_the_look_at_a_dead_letter_shows_no_account(desk: Desk) -> None:
    async def visit() -> None:
        async with console_of(desk) as visitors:
            for letter in letter_ids(desk)[::4]:
                page = await visitors.open("/dead-letters")
                await page.submit(("look", letter), until=lambda text: "says SQS" in text)
                assert not leaks(page.text), leaks(page.text)

    run_apart(visit())


@pytest.mark.parametrize("order_id", [ACCEPTED, REJECTED])
def test_the_console_shows_accounts_on_request_and_audits_it(order_id: str, desk: Desk) -> None:
    async def visit() -> str:
        async with console_of(desk) as visitors:
            page = await visitors.open(f"/orders/{order_id}")
            assert not leaks(page.text)
            await page.press("Show accounts", until=leaks)
            return page.text

    before = shown_in_audit(desk)

    assert leaks(run_apart(visit()))
    assert shown_in_audit(desk) == before + 1
