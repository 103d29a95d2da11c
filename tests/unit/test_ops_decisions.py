"""Decisions in the commands: what became of an order that was discarded has an answer."""

import json
import re
from types import SimpleNamespace
from typing import Any

import pytest

from chalicelib.orders.record import Record
from chalicelib.services.unavailable import StoreUnavailable
from ops.cli.tables import RIGHT
from ops.desk.findings import DAY_COUNTS
from ops.next_command import ops_command
from tests.builders import START, order_text, sqs_message, submission
from tests.unit.test_desk_dead_letters import World as LetterWorld
from tests.unit.test_desk_reconcile import World, discarded
from tests.unit.test_desk_replay import World as ReplayWorld
from tests.unit.test_desk_replay import discarded as discarded_for_replay
from tests.unit.test_letter_decisions import ORDER, WHY, resubmissions
from tests.unit.test_letter_decisions import letter as order_7
from tests.unit.test_ops_commands import Recorded, Unrecorded, typed

SAID = "discarded by ana at 2026-03-03T12:00:00.000Z, because: resubmitted as order-7b"


@pytest.fixture
def world() -> World:
    return World()


def desk_over(world: World, orders: Any = None) -> SimpleNamespace:
    stage = SimpleNamespace(name="local", operator="arn:ana", command=ops_command)
    return SimpleNamespace(
        stage=stage,
        reconciliation=world.reconciliation,
        decisions=world.decisions,
        orders=orders or Unrecorded(),
    )


def test_reconcile_shows_and_counts_what_was_discarded(world: World) -> None:
    discarded(world, world.archive("order-7"))

    done = typed(["reconcile"], desk_over(world))

    assert done.exit_code == 0, done.output
    assert SAID in " ".join(done.stdout.split())
    assert "Discarded, and left alone: 1." in done.stdout
    assert "Archive and table agree, key by key." in done.stdout


def test_a_repair_mends_the_orphans_and_leaves_what_was_discarded(world: World) -> None:
    discarded(world, world.archive("order-7"))
    world.archive("order-8")

    done = typed(["reconcile", "--repair", "--yes"], desk_over(world))

    assert done.exit_code == 0, done.output
    assert "1 repaired, 0 left" in done.stdout
    assert "python -m ops reconcile" in done.stdout
    assert [json.loads(sent.body)["id"] for sent in world.queue.sent] == ["order-8"]


@pytest.mark.parametrize("more", [[], ["--json"]], ids=["", "json"])
def test_a_repair_shows_no_account_that_a_failure_names(world: World, more: list[str]) -> None:
    made = world.archive("order-7")
    world.bucket.unreadable[made.archive_key] = "it is of account 4012887001"

    done = typed(["reconcile", "--repair", "--yes", *more], desk_over(world))

    assert done.exit_code == 1
    assert "left alone: it is of account ****7001" in done.stdout
    assert "4012887001" not in done.output


def test_only_a_run_that_compared_less_than_it_could_says_that_a_deep_one_compares_more(
    world: World,
) -> None:
    world.bucket.put("orders/readme", b"no order has this key")

    usual, deep = (typed(["reconcile", *more], desk_over(world)) for more in ([], ["--deep"]))

    assert "0 of 1 objects compared with their SHA-256; --deep compares all." in usual.stdout
    assert "0 of 1 objects compared with their SHA-256." in deep.stdout


def test_every_count_of_a_day_stands_to_the_right() -> None:
    assert {name.replace("_", " ") for name in DAY_COUNTS} <= RIGHT


def test_the_json_of_a_discarded_object_says_who_and_why(world: World) -> None:
    discarded(world, world.archive("order-7"))

    done = typed(["reconcile", "--json"], desk_over(world))

    finding, summary = map(json.loads, done.stdout.splitlines())
    assert finding["kind"] == "discarded"
    assert finding["decision"] == {
        "what": "discarded",
        "resubmittedAs": None,
        "who": "ana",
        "at": "2026-03-03T12:00:00.000Z",
        "why": WHY,
    }
    assert (summary["findings"], summary["discarded"]) == (0, 1)


@pytest.mark.parametrize("given", [[], ["--json"]])
def test_an_order_without_a_record_is_told_by_its_decision(world: World, given: list[str]) -> None:
    discarded(world, world.archive("order-7"))

    done = typed(["orders", "show", "order-7", *given], desk_over(world))

    assert done.exit_code == 1
    assert f"was {SAID}." in done.stderr
    assert "may still be on the queue" not in done.stderr
    if given:
        (put_away,) = json.loads(done.stdout)["putAway"]
        assert (put_away["what"], put_away["why"]) == ("discarded", WHY)


@pytest.mark.parametrize("given", [[], ["--json"]])
def test_a_recorded_order_names_its_submissions_that_were_put_away(
    world: World, given: list[str]
) -> None:
    discarded(world, world.archive("order-7"))
    record = Record.of_first(submission(order_text("order-7")), START)

    done = typed(["orders", "show", "order-7", *given], desk_over(world, Recorded(record)))

    assert done.exit_code == 0, done.output
    assert ("putAway" if given else SAID) in " ".join(done.stdout.split())


def unavailable(*_: object) -> None:
    raise StoreUnavailable("S3 ListObjectsV2 of decisions: SlowDown")


def test_an_order_is_shown_while_its_decisions_are_out_of_reach(world: World) -> None:
    record = Record.of_first(submission(order_text("order-7")), START)
    desk = desk_over(world, Recorded(record))
    desk.decisions = SimpleNamespace(of_order=unavailable)

    done = typed(["orders", "show", "order-7"], desk)

    assert (done.exit_code, "ACCEPTED" in done.stdout) == (0, True)
    assert "is not known: S3 ListObjectsV2 of decisions: SlowDown" in done.stderr


def letters_desk(world: LetterWorld) -> SimpleNamespace:
    return SimpleNamespace(dead_letters=world.letters, stage=None)


@pytest.fixture
def letters() -> LetterWorld:
    made = LetterWorld()
    made.queue.add(order_7())
    return made


def test_a_letter_is_shown_with_the_decision_about_it(letters: LetterWorld) -> None:
    letters.decisions.discard(ORDER, sqs_message(), WHY)

    shown = typed(["dlq", "show", "m-1"], letters_desk(letters))
    as_json = typed(["dlq", "show", "m-1", "--json"], letters_desk(letters))

    assert f"because: {WHY}" in " ".join(shown.stdout.split())
    assert json.loads(as_json.stdout)["decision"]["why"] == WHY


def test_a_letter_is_shown_while_decisions_are_out_of_reach(letters: LetterWorld) -> None:
    found = letters.letters.find("m-1")
    desk = SimpleNamespace(find=lambda _: found, decision_on=unavailable)

    done = typed(["dlq", "show", "m-1"], SimpleNamespace(dead_letters=desk, stage=None))

    assert done.exit_code == 0
    assert "is not known: S3" in done.stderr


def test_a_redrive_says_which_letters_it_leaves_and_why(letters: LetterWorld) -> None:
    letters.decisions.discard(ORDER, sqs_message(), WHY)

    done = typed(["dlq", "redrive", "--all", "--yes"], letters_desk(letters))

    assert done.exit_code == 1
    assert "m-1: It was discarded by" in done.stdout
    assert WHY in " ".join(done.stdout.split())
    assert "hand it in as a new submission" in " ".join(done.stdout.split())


def resubmitting(letters: LetterWorld) -> SimpleNamespace:
    return SimpleNamespace(
        stage=SimpleNamespace(name="local", operator="ana"),
        dead_letters=letters.letters,
        resubmissions=resubmissions(letters),
    )


COMMAND = ["dlq", "resubmit", "m-1", "--file", "-"]


@pytest.mark.parametrize("given", [[], ["--json"]])
def test_an_order_is_handed_in_in_place_of_a_letters(
    letters: LetterWorld, given: list[str]
) -> None:
    mended = order_text("order-7b")

    done = typed([*COMMAND, "--yes", *given], resubmitting(letters), mended)

    assert done.exit_code == 0, done.output
    assert [body.decode() for body, _ in letters.resubmitted] == [mended]
    assert "order-7b" in done.stdout
    assert letters.decisions.last(ORDER)


def test_a_resubmission_shows_what_it_will_be_rejected_for_and_asks(letters: LetterWorld) -> None:
    done = typed(COMMAND, resubmitting(letters), order_text("order-7b", amount=0))

    assert done.exit_code == 1
    assert "It will be rejected:" in done.stdout
    assert "Hand in order-7b in place of order-7?" in done.stderr
    assert not letters.resubmitted
    assert letters.decisions.last(ORDER) is None


@pytest.mark.parametrize(
    ("message_id", "text", "said"),
    [
        ("m-2", order_text("order-7b"), "There is no dead letter m-2"),
        ("m-1", "[]", "not a JSON object"),
        ("m-1", order_text("order-7b"), f"Nothing was handed in. It was discarded by .*{WHY}"),
    ],
)
def test_a_resubmission_that_is_refused_says_why(
    letters: LetterWorld, message_id: str, text: str, said: str
) -> None:
    letters.decisions.discard(ORDER, sqs_message(), WHY)
    command = ["dlq", "resubmit", message_id, "--file", "-", "--yes"]

    done = typed(command, resubmitting(letters), text)

    assert done.exit_code == 1
    assert re.search(said, " ".join(done.stderr.split()))
    assert not letters.resubmitted


def test_a_file_that_is_not_there_is_named(letters: LetterWorld) -> None:
    done = typed(["dlq", "resubmit", "m-1", "--file", "none.json"], resubmitting(letters))

    assert done.exit_code == 1
    assert "none.json" in done.stderr


def test_a_replay_shows_what_it_leaves_out() -> None:
    world = ReplayWorld()
    discarded_for_replay(world, "order-7")
    world.process("order-7b")
    settings = SimpleNamespace(table="orders")
    tables = {"orders": world.original, "rebuilt": world.rebuilt}
    vars(world.rebuilt)["exists"] = lambda: True
    desk = SimpleNamespace(
        stage=SimpleNamespace(name="local", operator="ana", settings=settings),
        replay=world.replay,
        table=tables.__getitem__,
        record_store=lambda name: tables[name].records,
    )

    done = typed(["replay", "--into", "rebuilt", "--yes"], desk)

    assert done.exit_code == 0, done.output
    said = " ".join(done.stdout.split())
    assert "left out, as an operator decided" in said
    assert ".json: discarded by ana" in said
    assert WHY in said
    assert "Equal in all that S3 holds: 1 compared with orders, 1 the same, 1 discarded." in said
