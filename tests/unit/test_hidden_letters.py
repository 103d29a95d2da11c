"""Dead letters that someone else holds: no command says that there are none, or all is done."""

import json
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from chalicelib.services.unavailable import StoreUnavailable
from ops.cli.commands import main
from ops.console.pages.dead_letters.look import look
from ops.desk.audit_trail import AuditTrail
from ops.desk.dead_letters import DeadLetters
from ops.desk.letters import Selection
from tests.builders import START, Clock, sqs_message
from tests.desk_fakes import FakeDeadLetterQueue, FakeDecisionBucket, FakeOrderTable, decisions_over
from tests.fakes import FakeRecordStore

UNTIL = "2026-03-01T13:08:2"


class World:
    """A queue of three letters, of which one is with someone else."""

    def __init__(self, hidden: int = 1) -> None:
        messages = [sqs_message(message_id=f"m-{number}") for number in range(3)]
        self.queue = FakeDeadLetterQueue(*messages)
        self.queue.hidden = {message.message_id for message in messages[:hidden]}
        table = FakeOrderTable(FakeRecordStore())
        clock = Clock(START + timedelta(hours=1))
        self.letters = DeadLetters(
            self.queue,
            table,
            AuditTrail(table, stage="test", who=lambda: "ana", clock=clock),
            decisions_over(FakeDecisionBucket(clock), clock),
            clock=clock,
            sleep=lambda _: None,
        )

    def typed(self, *command: str) -> Result:
        stage = SimpleNamespace(name="local", operator="ana")
        desk = SimpleNamespace(unreadable=(), dead_letters=self.letters, stage=stage)
        return CliRunner().invoke(main, ["dlq", *command], obj=lambda *_: desk)


NONE_LEFT = {
    "list": ("list",),
    "redrive": ("redrive", "--all", "--yes"),
    "redrive as JSON": ("redrive", "--all", "--yes", "--json"),
    "redrive by a condition": ("redrive", "--reason", "receives_exhausted", "--yes"),
    "redrive, dry": ("redrive", "--all", "--dry-run"),
    "discard": ("discard", "--all", "--why", "a test", "--yes"),
    "list as JSON": ("list", "--json"),
    "show": ("show", "m-0"),
}


@pytest.mark.parametrize("name", NONE_LEFT)
def test_no_command_says_that_there_is_none_where_all_are_hidden(name: str) -> None:
    result = World(hidden=3).typed(*NONE_LEFT[name])

    assert result.exit_code == 1
    assert "About 3 dead letters are hidden, and were not looked at" in one_line(result.stderr)
    assert "is back by 2026-03-01 13:08:2" in one_line(result.stderr)
    assert "No such dead letters." not in result.output


@pytest.mark.parametrize("name", ["redrive", "discard", "redrive by a condition"])
def test_the_letters_in_sight_are_handled_and_the_exit_code_says_that_some_were_not(
    name: str,
) -> None:
    world = World()

    result = world.typed(*NONE_LEFT[name])

    assert result.exit_code == 1
    assert "About 1 dead letter is hidden, and was not looked at" in one_line(result.stderr)
    assert list(world.queue.messages) == ["m-0"]


def test_the_json_of_a_plan_has_the_hidden_letters() -> None:
    hidden = json.loads(World().typed("redrive", "--all", "--dry-run", "--json").stdout)
    none = json.loads(World(hidden=0).typed("redrive", "--all", "--dry-run", "--json").stdout)

    assert (hidden["planned"], hidden["hidden"]) == (2, 1)
    assert hidden["hiddenUntil"].startswith(UNTIL)
    assert (none["planned"], none["hidden"], none["hiddenUntil"]) == (3, 0, None)


@pytest.mark.parametrize(
    "command",
    [
        ("list", "--json"),
        ("list",),
        ("list", "--order", "order-2"),
        ("show", "m-1"),
        ("redrive", "--all", "--yes"),
        ("discard", "--all", "--why", "a test", "--yes"),
    ],
    ids=" ".join,
)
def test_a_command_that_saw_all_ends_well(command: tuple[str, ...]) -> None:
    result = World(hidden=0).typed(*command)

    assert result.exit_code == 0, result.output
    assert "hidden" not in result.stderr.replace("was hidden from others", "")


@pytest.mark.parametrize("command", ["redrive", "discard"])
def test_letters_that_were_named_and_found_are_all_that_was_asked_for(command: str) -> None:
    why = ["--why", "a test"] if command == "discard" else []

    result = World().typed(command, "--message", "m-1", "--message", "m-2", "--yes", *why)

    assert result.exit_code == 0, result.output


def test_a_named_letter_that_is_hidden_may_be_among_the_hidden_ones() -> None:
    result = World().typed("redrive", "--message", "m-0", "--yes")

    assert result.exit_code == 1
    assert "There is no dead letter m-0 that can be received just now" in one_line(result.stderr)
    assert "About 1 dead letter is hidden" in one_line(result.stderr)


def counting(depths: dict[str, int]) -> Callable[[], dict[str, int]]:
    return lambda: {"queue": 0, "inFlight": 0, **depths}


@pytest.mark.parametrize(
    ("visible", "hidden", "told"),
    [
        (0, 3, 0),  # SQS's count is late: all three were returned a moment ago
        (0, 5, 2),
        (3, 2, 2),
        (3, 0, 0),
        (1, 0, 0),
    ],
)
def test_a_letter_that_was_seen_is_not_told_as_hidden(
    visible: int, hidden: int, told: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(hidden=0)
    depths: Any = counting({"deadLetters": visible, "deadLettersHidden": hidden})
    monkeypatch.setattr(world.queue, "depths", depths)

    with closing(world.letters.look(Selection(order_id="another"))) as letters:
        assert not list(letters)

    assert letters.hidden.count == told


def test_letters_that_could_not_be_returned_are_not_told_as_returned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(hidden=0)

    def release(_: object) -> None:
        raise StoreUnavailable("SQS ChangeMessageVisibilityBatch: EndpointConnectionError")

    monkeypatch.setattr(world.queue, "release", release)

    result = world.typed("list")

    said = one_line(result.stderr)
    assert "could not be told to return 3 of these: they are hidden from everyone until" in said
    assert "it has been returned" not in said


@pytest.mark.parametrize("hidden", [0, 2])
def test_the_consoles_look_tells_how_many_letters_it_could_not_see(hidden: int) -> None:
    seen = look(World(hidden).letters, Selection(), thorough=False)

    assert (len(seen.letters), seen.hidden.count) == (3 - hidden, hidden)


def one_line(text: str) -> str:
    return " ".join(text.split())
