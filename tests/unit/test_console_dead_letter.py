"""The console's look at one dead letter."""

from ops.desk.dead_letters import DeadLetters
from tests.console_pages import console_of
from tests.coroutines import run_apart
from tests.full_stage import stage_holding


def test_a_dead_letter_says_who_sent_it() -> None:
    """By SQS's word, as `dlq show` does: no sender can claim to be another."""

    async def look() -> str:
        async with console_of(desk) as visitors:
            page = await visitors.open("/dead-letters")
            await page.submit(("look", letter.message_id), until=lambda text: "says SQS" in text)
            return page.text

    with stage_holding("plain") as desk:
        letters: DeadLetters = desk.dead_letters
        (letter, *_) = list(letters.look())
        sender = letter.sent_by()
        shown = run_apart(look())

    assert sender
    _, _, said = shown.partition("Sent by, says SQS")
    assert sender in said[:200]
