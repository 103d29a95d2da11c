"""`orders list` and `orders export` by account, amount and caller; `duplicates --suspected`."""

import json
import shlex
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from click.testing import Result

from chalicelib.orders.order import parse_order
from chalicelib.orders.record import Record
from chalicelib.orders.submission import Submission
from chalicelib.orders.times import now
from ops.cli import searches
from ops.desk.desk import Desk
from tests.builders import order_text
from tests.full_stage import stage_holding
from tests.secrets_shown import is_shown
from tests.surfaces import said, type_words

ACCOUNT = "4012887001"
ROLE = "arn:aws:sts::111122223333:assumed-role/orders-web"
WEEK = timedelta(days=6)


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    """Open a stage with three orders of an account, and some of others."""
    with stage_holding("plain") as desk:
        for number in range(3):
            record(desk, f"mine-{number}", 600 * number, fromAccount=ACCOUNT, amount=f"{number}.50")
        record(desk, "to-me", 2000, toAccount=ACCOUNT, submitted_by=f"{ROLE}/one")
        for number in range(20):
            record(desk, f"others-{number}", 2100 + number, fromAccount=f"{number}")
        record(desk, "click-1", 2200, fromAccount="31", toAccount=ACCOUNT)
        record(desk, "click-2", 2203, fromAccount="31", toAccount=ACCOUNT)
        yield desk


def record(
    desk: Desk, order_id: str, seconds_ago: float, submitted_by: str | None = None, **fields: Any
) -> None:
    at = now() - timedelta(hours=1, seconds=seconds_ago)
    order = parse_order(order_text(order_id, **fields))
    made = Submission(order, f"of-{order_id}", at, submitted_by)
    assert desk.records.take(Record.of_first(made, at)) is None


def typed(desk: Desk, *words: str, answer: str = "", exit_code: int = 0) -> Result:
    done = type_words(desk, list(words), answer)
    assert done.exit_code == exit_code, done.output
    return done


def listed(desk: Desk, *words: str, answer: str = "", exit_code: int = 0) -> list[str]:
    done = typed(desk, "orders", "list", *words, "--json", answer=answer, exit_code=exit_code)
    return [json.loads(line)["orderId"] for line in done.stdout.splitlines()]


MINE = ["mine-0", "mine-1", "mine-2"]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["--account", ACCOUNT], [*MINE, "to-me", "click-1", "click-2"]),
        (["--account", ACCOUNT, "--amount", "1.5"], ["mine-1"]),
        (["--amount", "2.500"], ["mine-2"]),
        (["--submitted-by", ROLE], ["to-me"]),
        (["--submitted-by", f"{ROLE}/two"], []),
        (["--account", ACCOUNT, "--invalid"], []),
        (["--account", ACCOUNT, "--limit", "2"], MINE[:2]),
        (["--account", ACCOUNT, "--before", "65m", "--limit", "2"], MINE[1:]),
    ],
)
def test_a_list_has_the_records_that_are_searched_for(
    desk: Desk, words: list[str], found: list[str]
) -> None:
    assert listed(desk, *words) == found


def test_an_account_can_be_asked_for_so_that_no_history_keeps_it(desk: Desk) -> None:
    assert listed(desk, "--account", "-", "--limit", "1", answer=f"{ACCOUNT}\n") == MINE[:1]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--amount", "2,580"], "'--amount': must be a number"),
        (["--amount", "1.005"], "'--amount': must have at most 2 decimals"),
        (["--account", "DE89"], "'--account': must hold only digits 0-9: character 1 is not one"),
        (["--account", ""], "'--account': must hold at least one digit"),
        (["--submitted-by", "arn:aws:iam::*:role/x"], "'--submitted-by': must be the ARN"),
    ],
)
@pytest.mark.parametrize("command", [["orders", "list"], ["orders", "export", "-", "--format=csv"]])
def test_a_value_that_no_record_can_have_is_a_typing_error(
    desk: Desk, command: list[str], words: list[str], why: str
) -> None:
    assert why in typed(desk, *command, *words, exit_code=2).stderr


def trail(desk: Desk, *words: str) -> list[dict[str, Any]]:
    lines = typed(desk, "audit", "--json", *words).stdout.splitlines()
    entries = map(json.loads, lines)
    return [each for each in entries if each["what"] == "accounts.searched"]


@pytest.mark.parametrize("command", [["orders", "list"], ["orders", "export", "-", "--format=csv"]])
def test_a_search_by_account_is_written_to_the_audit_trail_and_masked_there(
    desk: Desk, command: list[str]
) -> None:
    before = len(trail(desk))

    typed(desk, *command, "--account", ACCOUNT)
    typed(desk, *command, "--amount", "1.50")

    entry, *earlier = trail(desk)
    assert len(earlier) == before
    assert entry["details"]["account"] == "****7001"
    assert entry["details"]["where"].startswith(" ".join(command[:2]))
    assert trail(desk, "--show-accounts")[0]["details"]["account"] == ACCOUNT


def test_a_short_account_is_masked_in_the_audit_trail_too(desk: Desk) -> None:
    typed(desk, "orders", "list", "--account", "31")

    assert trail(desk)[0]["details"]["account"] == "****"


def test_nothing_is_read_if_the_audit_trail_can_not_be_written(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise desk.stage.dynamodb.exceptions.ResourceNotFoundException({"Error": {}}, "PutItem")

    monkeypatch.setattr(desk.stage.dynamodb, "put_item", fail)

    done = typed(desk, "orders", "list", "--account", ACCOUNT, exit_code=3)

    assert "mine" not in done.stdout


def next_command(done: Result) -> list[str]:
    (command,) = [it for it in done.stderr.split("`") if it.startswith("python -m ops ")]
    return shlex.split(command)[3:]


@pytest.mark.parametrize("words", [["--account", ACCOUNT], ["--amount", "7"], ["--before", "1h"]])
def test_a_search_that_has_stopped_names_the_command_that_goes_on(
    desk: Desk, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searches, "MOST_READS", 4)

    stopped = typed(desk, "orders", "list", *words, "--valid", "--json", exit_code=1)

    assert stopped.stderr.startswith("Stopped after 4 reads")
    assert not is_shown(ACCOUNT, said(stopped))
    monkeypatch.undo()
    again = typed(desk, *next_command(stopped), answer=f"{ACCOUNT}\n")
    whole = typed(desk, "orders", "list", *words, "--valid", "--json")
    assert stopped.stdout + again.stdout == whole.stdout


def test_a_search_that_finds_nothing_names_the_days_that_it_searched(desk: Desk) -> None:
    """The usual week is soon forgotten, and an older order would pass for one that never came."""
    done = typed(desk, "orders", "list", "--amount", "9", "--limit", "0", "--to", str(now().date()))

    assert done.stdout == f"No such records from {now().date() - WEEK} to {now().date()}.\n"
    assert not done.stderr


def test_a_search_that_has_stopped_does_not_say_that_there_is_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searches, "MOST_READS", 4)

    done = typed(desk, "orders", "list", "--amount", "9", exit_code=1)

    assert done.stdout == "No such records so far.\n"


@pytest.mark.parametrize(
    ("option", "value", "shown"),
    [
        ("--account", ACCOUNT, "-"),
        ("--account", "31", "-"),
        ("--amount", "1234567.50", "1234567.50"),
        ("--submitted-by", ROLE, ROLE),
        ("--submitted-by", f"caller-{ACCOUNT}", "-"),
    ],
)
def test_the_command_that_goes_on_shows_what_a_list_would(
    desk: Desk, option: str, value: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searches, "MOST_READS", 1)

    words = next_command(typed(desk, "orders", "list", option, value, exit_code=1))

    assert words[words.index(option) + 1] == shown


def test_an_export_holds_all_that_is_searched_for(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is not whole would look as if it were."""
    monkeypatch.setattr(searches, "MOST_READS", 1)

    done = typed(desk, "orders", "export", "-", "--format", "ndjson", "--account", ACCOUNT)

    assert len(done.stdout.splitlines()) == 6


def test_suspected_duplicates_are_shown_masked_and_the_exit_code_says_so(desk: Desk) -> None:
    done = typed(desk, "duplicates", "--suspected", "--window", "5s", "--json", exit_code=1)

    found = [json.loads(line) for line in done.stdout.splitlines()]
    (clicks,) = [each for each in found if each["orders"][0]["orderId"] == "click-2"]
    assert clicks["count"] == 2
    assert (clicks["fromAccount"], clicks["toAccount"]) == ("****", "****7001")
    assert [order["orderId"] for order in clicks["orders"]] == ["click-2", "click-1"]
    assert "no verdicts" in done.stderr


def test_suspected_duplicates_are_a_table_for_people(desk: Desk) -> None:
    done = typed(desk, "duplicates", "--suspected", "--window", "5s", exit_code=1)

    (row,) = [line for line in done.stdout.splitlines() if "click-1" in line]
    assert "click-2, click-1" in row
    assert "2,580.00" in row
    assert "3 s" in row


def test_orders_outside_of_the_window_are_not_suspected(desk: Desk) -> None:
    done = typed(desk, "duplicates", "--suspected", "--window", "1s", "--json", exit_code=1)

    assert "click-1" not in done.stdout


def test_a_period_without_suspected_duplicates_is_said_to_have_none(desk: Desk) -> None:
    words = ["--suspected", "--from", "2026-01-01", "--to", "2026-01-02"]

    done = typed(desk, "duplicates", *words)

    assert done.stdout == "Nothing is suspected from 2026-01-01 to 2026-01-02.\n"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--window", "5m"], "--window goes with --suspected"),
        (["--suspected", "--window", "2d"], "--window is 24h at most"),
        (["--suspected", "--conflicts"], "exclude each other"),
        (["--suspected", "--window", "soon"], "is not a duration"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    desk: Desk, words: list[str], why: str
) -> None:
    assert why in typed(desk, "duplicates", *words, exit_code=2).stderr


LONG = (
    ["orders", "list", "--amount", "0.07"],
    ["orders", "list", "--limit", "0"],
    ["duplicates"],
    ["duplicates", "--suspected", "--window", "1s"],
    ["rejects"],
    ["orders", "export", "-", "--format", "csv", "--amount", "0.07"],
)


@pytest.mark.parametrize("words", LONG)
def test_a_search_tells_a_terminal_how_far_it_has_come(
    desk: Desk, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _: True)

    done = type_words(desk, words)

    assert f"looked back to {now().date() - timedelta(days=6)}, records" in done.stderr
    assert "looked back" not in done.stdout


@pytest.mark.parametrize("words", LONG)
def test_a_search_tells_a_file_nothing_of_how_far_it_has_come(desk: Desk, words: list[str]) -> None:
    assert "looked back" not in type_words(desk, words).output


def test_what_is_found_stands_on_lines_of_its_own(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line of progress is ended before a table is printed, on the same terminal perhaps."""
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _: True)

    done = typed(desk, "orders", "list", "--account", ACCOUNT)

    (heading,) = [line for line in done.output.splitlines() if "processed (UTC)" in line]
    assert "looked back" not in heading
