"""The page of the seals: the days, what is wrong with them, and verifying as a job."""

from collections.abc import Awaitable, Callable, Iterator

import pytest

from chalicelib.services.unavailable import StoreUnavailable
from chalicelib.texts import LANGUAGES
from ops.console.texts import texts_in
from ops.desk.key_file import KeyFileUnusable
from ops.desk.seal_findings import SealFault
from ops.desk.seal_keys import PublicKey
from ops.desk.stage_key import NoKey
from tests.console_pages import Visit, console_of
from tests.coroutines import run_apart
from tests.sealed_stage import FIRST, SECOND, THIRD, SealedStage, sealed_stage

ORDER = "order-02-0"


@pytest.fixture(scope="module")
def one_stage() -> Iterator[SealedStage]:
    with sealed_stage() as stage:
        yield stage


@pytest.fixture
def stage(one_stage: SealedStage) -> Iterator[SealedStage]:
    vars(one_stage.desk)["seals"] = one_stage.seals()
    with one_stage.left_as_it_was():
        yield one_stage


def visited(stage: SealedStage, act: Callable[[Visit], Awaitable[None]] | None = None) -> str:
    """Open the page, do something there, and read what it shows."""

    async def visit() -> str:
        async with console_of(stage.desk) as visitors:
            page = await visitors.open("/seals")
            if act:
                await act(page)
            return page.text

    return run_apart(visit())


def verifying(day: str, until: str) -> Callable[[Visit], Awaitable[None]]:
    async def act(page: Visit) -> None:
        await page.submit(("day", day))
        await page.wait_for(until)

    return act


def test_the_days_are_listed_with_their_seals_and_the_digest_of_the_newest(
    stage: SealedStage,
) -> None:
    text = visited(stage)

    newest = stage.seals().run().newest
    assert newest.digest
    assert newest.digest in text
    assert PublicKey.from_pem(stage.key.pem.encode()).fingerprint in text
    assert text.index(str(THIRD)) < text.index(str(SECOND)) < text.index(str(FIRST))
    assert text.count("badge pass") == 3


def test_a_seal_that_is_not_right_is_seen_without_verifying(stage: SealedStage) -> None:
    stage.delete_object(f"seals/{SECOND}/seal.json")

    text = visited(stage)

    assert text.count("badge fail") == 1
    assert "No seal" in text


def test_all_days_are_verified(stage: SealedStage) -> None:
    text = visited(stage, verifying("all", "all is as it was sealed"))

    assert f"{FIRST} to {THIRD}: all is as it was sealed" in text
    assert "Records compared: 9. Entries: 3." in text


def test_a_day_is_verified_and_its_findings_are_listed(stage: SealedStage) -> None:
    stage.put(stage.item(ORDER) | {"status": {"S": "REJECTED"}})

    text = visited(stage, verifying(str(SECOND), "Findings: 1."))

    assert "Changed" in text
    assert "It is not as it was sealed." in text
    assert f'href="/orders/{ORDER}"' in text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("fault", SealFault)
def test_each_finding_has_its_words_in_each_language(fault: SealFault, language: str) -> None:
    texts = texts_in(language)

    assert f"seals.fault_{fault}" in texts
    assert f"seals.remark_{fault}" in texts


def test_a_finding_of_a_seal_shows_what_it_names_too(stage: SealedStage) -> None:
    stage.delete_object(f"seals/{SECOND}/seal.json")

    text = visited(stage, verifying("all", "Findings: "))

    assert "The day has no seal" in text
    assert f"there is no seal, and {THIRD} is sealed" in text


def test_a_stage_without_seals_says_what_to_type(stage: SealedStage) -> None:
    for day in (FIRST, SECOND, THIRD):
        stage.delete_object(f"seals/{day}/seal.json")

    text = visited(stage)

    assert "No day is sealed." in text
    assert "python -m ops seal" in text


@pytest.mark.parametrize("error", [NoKey("make one"), KeyFileUnusable("no file")])
def test_a_stage_without_a_key_says_why(stage: SealedStage, error: Exception) -> None:
    def no_key() -> PublicKey:
        raise error

    stage.desk.seals._own_key = no_key

    assert f"no key to verify with: {error}" in visited(stage)


def test_a_page_that_cannot_be_read_leads_to_what_answers(stage: SealedStage) -> None:
    def gone(_: int) -> None:
        raise StoreUnavailable("S3 ListObjectsV2: no answer")

    vars(stage.desk.seals)["newest"] = gone

    text = visited(stage)

    assert "This could not be read." in text
    assert 'href="/health">See what answers' in text
