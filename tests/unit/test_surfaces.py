"""The inventory of what people see is complete, and each part of it holds any text."""

from collections.abc import Iterator

import click
import pytest
from nicegui import Client

from ops.console.server import PAGES as PAGES_OF_THE_CONSOLE
from ops.desk.desk import Desk
from tests.console_pages import console_app
from tests.full_stage import letter_ids, stage_holding
from tests.ops_commands import all_commands
from tests.surfaces import (
    ACTING,
    ECHOING,
    EXPORTS,
    LETTER,
    PAGES,
    READING,
    SHOWING_ACCOUNTS,
    WITHOUT_ORDERS,
    Typed,
    type_words,
)

LISTED = (*SHOWING_ACCOUNTS, *READING, *ACTING, *ECHOING)


def test_every_command_is_listed() -> None:
    commands = {name for name, command in all_commands() if not isinstance(command, click.Group)}

    assert commands == {typed.command for typed in LISTED} | set(WITHOUT_ORDERS)


def test_every_command_that_can_show_accounts_is_listed_as_one() -> None:
    able = {
        name
        for name, command in all_commands()
        if any("--show-accounts" in parameter.opts for parameter in command.params)
    }

    assert {typed.command for typed in SHOWING_ACCOUNTS} == able


def test_every_page_of_the_console_is_listed() -> None:
    assert set(PAGES) == {path for path, *_ in PAGES_OF_THE_CONSOLE}


def test_every_route_of_the_console_is_a_listed_page_an_export_or_an_asset() -> None:
    app = console_app().app  # within the policy
    exports = {address.partition("?")[0] for address in EXPORTS}

    own = {getattr(route, "path", "") for route in app.routes}
    pages = set(Client.page_routes.values())

    # The last of them is where NiceGUI is mounted, with its pages.
    assert own == exports | {"/assets", ""}
    assert pages == {*PAGES, "/{_:path}"}


@pytest.fixture(scope="module")
def plain_stage() -> Iterator[Desk]:
    with stage_holding("plain", "simple") as desk:
        yield desk


@pytest.mark.parametrize("typed", [*SHOWING_ACCOUNTS, *READING, *ECHOING], ids=str)
def test_a_stage_with_plain_text_is_shown_by_every_command(typed: Typed, plain_stage: Desk) -> None:
    letter = letter_ids(plain_stage)[0] if LETTER in typed.arguments else ""
    words = typed.words("plain", letter)

    done = type_words(plain_stage, words, typed.answer)

    assert isinstance(done.exception, SystemExit | None), done.output
    assert done.output.strip()
    assert done.exit_code in (0, 1, 2), done.output


@pytest.mark.parametrize("typed", ACTING, ids=str)
def test_a_stage_with_plain_text_can_be_acted_on(typed: Typed) -> None:
    with stage_holding("plain") as desk:
        done = type_words(desk, typed.words("plain"))

    assert isinstance(done.exception, SystemExit | None), done.output
    assert done.exit_code in (0, 1), done.output
