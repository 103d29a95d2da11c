"""The console of somebody who lacks a right: it says which, and who has it, in either language."""

from collections.abc import Iterator

import pytest

from ops.desk.desk import Desk
from ops.roles.rights import Role
from ops.roles.uses import PAGES
from tests.console_pages import Visit, console_of
from tests.coroutines import run_apart
from tests.full_stage import letter_ids
from tests.roles import desk_as, play_page, played_stage, refusing
from tests.surfaces import ACCEPTED

TITLE = "This is not available to you."
LACKS = "Your identity lacks the right"


@pytest.fixture(scope="module")
def stage() -> Iterator[Desk]:
    with played_stage() as desk:
        yield desk


def console_for(role: Role, stage: Desk) -> Desk:
    return desk_as(stage, refusing(role, stage))


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("role", Role)
def test_a_page_is_shown_to_its_roles_and_explained_to_the_others(
    role: Role, page: str, stage: Desk
) -> None:
    shown = play_page(console_for(role, stage), page)

    assert (LACKS in shown) is (role not in PAGES[page])
    assert "This could not be read." not in shown


def test_a_page_that_is_not_for_an_identity_names_the_roles_and_the_command(stage: Desk) -> None:
    shown = play_page(console_for(Role.READER, stage), "/dead-letters")

    assert TITLE in shown
    assert f"{LACKS} sqs:ReceiveMessage." in shown
    assert "Roles that have it: auditor, operator." in shown
    assert "python -m ops policy --role auditor --stage dev" in shown


def test_it_is_said_in_spanish_too(stage: Desk) -> None:
    async def visit() -> str:
        async with console_of(console_for(Role.READER, stage)) as visitors:
            visitors._client.headers["accept-language"] = "es"
            return (await visitors.open("/audit")).text

    shown = run_apart(visit())

    assert "Esto no está disponible para usted." in shown
    assert "le falta el permiso dynamodb:Query" in shown


def test_accounts_stay_masked_for_a_reader_who_is_told_why(stage: Desk) -> None:
    async def visit() -> str:
        async with console_of(console_for(Role.READER, stage)) as visitors:
            page = await visitors.open(f"/orders/{ACCEPTED}")
            await page.press("Show accounts", lambda text: LACKS in text)
            return page.text

    shown = run_apart(visit())

    assert f"{LACKS} dynamodb:PutItem." in shown
    assert "Roles that have it: auditor, operator." in shown


def test_an_export_that_is_denied_says_which_right_it_takes(stage: Desk) -> None:
    nobody = desk_as(stage, refusing(None, stage))

    async def visit() -> str:
        async with console_of(nobody) as visitors:
            return await visitors.get("/export?format=csv")

    assert f"{LACKS} dynamodb:Query." in run_apart(visit())


def test_a_check_of_health_that_is_denied_says_so_and_not_that_nothing_answers(
    stage: Desk,
) -> None:
    nobody = desk_as(stage, refusing(None, stage))

    shown = play_page(nobody, "/health")

    assert f"{LACKS} sqs:GetQueueAttributes." in shown
    assert f"{LACKS} s3:ListBucket." in shown


def test_a_redrive_that_an_auditor_begins_fails_with_the_right_that_it_takes(stage: Desk) -> None:
    async def visit() -> str:
        async with console_of(console_for(Role.AUDITOR, stage)) as visitors:
            page = await visitors.open("/dead-letters")
            await redrive(page, letter_ids(stage)[0])
            return page.text

    shown = run_apart(visit())

    assert "Roles that have it: operator." in shown


async def redrive(page: Visit, letter: str) -> None:
    await page.submit(("letter", letter), ("do", "redrive"))
    await page.submit(("do", "redrive"), ("why", "a test"))
    for _ in range(100):
        await page.loaded()
        if LACKS in page.text:
            return
