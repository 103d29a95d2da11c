"""Rules for every command of `python -m ops`."""

import errno
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import sentinel

import boto3
import click
import pytest
from click.testing import CliRunner, Result

from chalicelib.http.representation import judgement_json
from chalicelib.orders.errors import Sentence, sentence
from chalicelib.orders.record import Record
from chalicelib.orders.settle import settle
from chalicelib.services.intake import Intake, Receipt, judge
from chalicelib.services.queries import AuditQuery, OrderHistory, OrderNotFound
from chalicelib.texts import texts_in
from ops.cli.commands import MODULES, Commands, main
from ops.cli.language import readers_language
from ops.cli.tables import remark
from ops.desk.audit_trail import Action
from ops.desk.findings import Finding, Progress
from ops.desk.letter_reasons import GAVE_UP, REASONS
from ops.desk.letters import DeadLetter, Handled, Known, Plan, Selection
from ops.desk.stage import Stage
from ops.desk.unreadable_records import UnreadableRecords
from ops.local_stage import DEFAULT_AWS_PORT, aws_url_at
from ops.next_command import ops_command
from ops.ports import free_port
from tests.builders import START, Clock, order_text, sqs_message, submission
from tests.fakes import FakeKeyStore, FakeQueue, FakeRecordStore, FakeReporter
from tests.ops_commands import all_commands
from tests.ops_environment import developers_modules, run_without_developers_modules
from tests.project import desks_of, project_option, recorded_project
from tests.properties.traceparents import TRACE, TRACEPARENT


@pytest.mark.parametrize(("name", "command"), list(all_commands()), ids=str)
def test_every_command_has_help_with_an_example_of_itself(
    name: str, command: click.Command
) -> None:
    assert command.help
    assert f"Example: python -m ops {name}" in (command.epilog or "")


def test_one_command_does_not_load_another_ones_modules() -> None:
    script = (
        "import sys; from ops.cli.commands import main; "
        "main(['dlq', '--help'], standalone_mode=False); "
        "print({'chalice', 'cfnlint', 'nicegui', 'pyarrow'} & sys.modules.keys())"
    )

    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert ran.stdout.splitlines()[-1] == "set()"


@pytest.mark.parametrize("typed", ["--help", "orders list", "run"])
def test_another_python_than_the_environments_says_what_to_type(typed: str) -> None:
    without_packages = [sys.executable, "-S"]

    ran = subprocess.run(
        [*without_packages, "-m", "ops", *typed.split()],
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 1
    assert ran.stderr.startswith(f"Error: {sys.executable} does not have ")
    assert "Type `. .venv/bin/activate` first" in ran.stderr
    assert ran.stderr.count("\n") == 1


def test_every_command_is_found_by_its_name() -> None:
    assert set(MODULES) <= {name for name, _ in all_commands()}


def test_every_command_shows_its_help_with_only_the_operators_requirements() -> None:
    """`make run` installs those requirements only."""
    script = """
from click.testing import CliRunner
from ops.cli.commands import main
from tests.ops_commands import all_commands
for arguments in ([], ["--help"], *([*name.split(), "--help"] for name, _ in all_commands())):
    done = CliRunner().invoke(main, arguments)
    assert isinstance(done.exception, SystemExit | None), (arguments, done.exception)
    assert "Example: python -m ops" in done.output, (arguments, done.output)
"""
    assert {"cfnlint", "pyarrow", "pytest"} <= developers_modules()

    ran = run_without_developers_modules(script)

    assert (ran.returncode, ran.stderr) == (0, "")


def typed(
    arguments: list[str],
    desk: Any = None,
    stdin: str = "",
    locale: str = "C.UTF-8",
    charset: str = "utf-8",
) -> Result:
    """
    Type a command over a desk in place of a stage's; return its output and exit code.

    Nobody has decided anything there, unless the desk says so.
    """
    if isinstance(desk, SimpleNamespace):
        vars(desk).setdefault("decisions", SimpleNamespace(of_order=lambda _: []))
        if isinstance(letters := vars(desk).get("dead_letters"), SimpleNamespace):
            vars(letters).setdefault("decision_on", lambda _: None)
    terminal = {"COLUMNS": "220", "NO_COLOR": "1", "LC_ALL": locale}
    desk = desk or SimpleNamespace()
    vars(desk).setdefault("unreadable", UnreadableRecords())
    return CliRunner(charset, env=terminal).invoke(
        main, arguments, input=stdin, obj=lambda *_: desk
    )


def test_an_export_in_a_missing_format_says_what_to_type(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    file = tmp_path / "orders.parquet"
    desk = SimpleNamespace(orders=SimpleNamespace(newest_first=lambda _: iter(())))

    done = typed(["orders", "export", str(file)], desk)

    assert done.exit_code == 3
    assert "Parquet needs pyarrow" in done.output
    assert "make .venv" in done.output
    assert not list(tmp_path.iterdir())


EXACT = "exact resend"
SAME_TERMS = "same terms"
OTHER_BODY = f"{SAME_TERMS}; the body differs"


def recorded(*texts: str) -> list[Record]:
    """Record submissions with these texts, in this order."""
    store = FakeRecordStore()
    return [
        settle(submission(text, f"s-{number}"), store.take, START).record
        for number, text in enumerate(texts)
    ]


@pytest.mark.parametrize(
    ("again", "said"),
    [
        ({}, EXACT),
        ({"note": "rent"}, OTHER_BODY),
        ({"amount": "2580.00"}, OTHER_BODY),
        ({"amount": 1}, "differs: amount"),
    ],
)
def test_only_a_byte_for_byte_copy_is_an_exact_resend(again: dict[str, Any], said: str) -> None:
    accepted, duplicate = recorded(order_text(), order_text(**again))

    assert remark(duplicate, accepted) == said


def test_an_uncompared_duplicate_is_not_called_an_exact_resend() -> None:
    _, duplicate = recorded(order_text(), order_text())

    assert remark(duplicate) == SAME_TERMS


@pytest.mark.parametrize("command", [["duplicates"], ["orders", "list"]])
def test_a_list_compares_duplicates_with_the_accepted_record(command: list[str]) -> None:
    records = recorded(order_text(amount=0), order_text(), order_text(), order_text(note="x"))
    asked: list[set[str]] = []

    def accepted(order_ids: set[str]) -> dict[str, Record]:
        asked.append(order_ids)
        return {records[1].order_id: records[1]}

    listed = SimpleNamespace(newest_first=lambda _: iter(records[2:]))
    desk = SimpleNamespace(orders=listed, accepted=accepted)

    printed = typed(command, desk).output

    assert EXACT in printed
    assert OTHER_BODY in printed
    assert asked == [{records[1].order_id}]


class Recorded:
    """Orders of which one record is kept."""

    def __init__(self, record: Record, payload: str = "") -> None:
        self.record = record
        self.payload = lambda _: payload

    def show(self, order_id: str) -> OrderHistory:
        assert order_id == self.record.order_id
        return OrderHistory(self.record, None, [self.record], None)

    def history(self, _: str) -> Iterator[Record]:
        yield self.record

    def newest_first(self, _: AuditQuery) -> Iterator[Record]:
        yield self.record


@pytest.mark.parametrize(
    ("locale", "said"),
    [
        ("C.UTF-8", "must be more than 0: got -1"),
        ("en_GB.UTF-8", "must be more than 0: got -1"),
        ("fr_FR.UTF-8", "must be more than 0: got -1"),
        ("es_ES.UTF-8", "debe ser mayor que 0: se recibió -1"),
    ],
)
def test_an_error_is_shown_in_the_readers_language(locale: str, said: str) -> None:
    (record,) = recorded(order_text(amount=-1))
    desk = SimpleNamespace(orders=Recorded(record))

    done = typed(["orders", "show", "order-001"], desk, locale=locale)

    assert f"not_positive: {said}" in done.output


@pytest.mark.parametrize(
    ("locale", "said"),
    [
        ("C.UTF-8", "letters 7, selection order o-1, where order o-1"),
        ("es_ES.UTF-8", "mensajes 7, selección orden o-1, dónde orden o-1"),
    ],
)
def test_the_details_of_an_audit_entry_are_in_the_readers_language(locale: str, said: str) -> None:
    details = {"selection": "order o-1", "letters": "7", "where": "order o-1", "key": "not shown"}
    action = Action(START, "ana", "dlq.redrive", "dev", details=details)
    desk = SimpleNamespace(audit_trail=SimpleNamespace(newest_first=lambda *_: iter([action])))

    shown = typed(["audit"], desk, locale=locale).output
    as_json = json.loads(typed(["audit", "--json"], desk, locale=locale).stdout)

    assert said in shown
    assert "not shown" not in shown
    assert (as_json["what"], as_json["details"]) == ("dlq.redrive", details)


def test_an_order_is_shown_with_what_its_message_claimed() -> None:
    (record,) = recorded(order_text())
    claimed = record._replace(
        message_channel="atm",
        ignored_attributes=("receivedAt", "channel"),
        sent_by="AROAEXAMPLE:i-1",
        traceparent=TRACEPARENT,
    )

    desk = SimpleNamespace(orders=Recorded(claimed))

    lines = typed(["orders", "show", "order-001"], desk).output.splitlines()
    facts = {line.partition("  ")[0]: line.partition("  ")[2].strip() for line in lines}
    assert facts["message's channel"] == "atm"
    assert facts["sent by"] == "AROAEXAMPLE:i-1"
    assert facts["trace"] == TRACE
    assert facts["ignored attributes"] == "receivedAt, channel"
    assert any(line.rstrip().endswith("receivedAt, channel") for line in lines[-3:])
    plain = typed(["orders", "show", "order-001"], SimpleNamespace(orders=Recorded(record)))
    assert "attributes" not in plain.output
    assert "sent by" not in plain.output
    assert "trace" not in plain.output


@pytest.mark.parametrize("columns", [None, "80", "20", "none"])
def test_no_table_is_folded_to_the_width_of_a_terminal(columns: str | None) -> None:
    """A narrow terminal wraps the lines of a table: that can be read, folded cells can't."""
    (record,) = recorded(order_text())
    environment = {"COLUMNS": columns, "NO_COLOR": "1", "LC_ALL": "C.UTF-8"}
    desk = SimpleNamespace(orders=Recorded(record), unreadable=UnreadableRecords())

    done = CliRunner(env=environment).invoke(main, ["orders", "list"], obj=lambda *_: desk)

    (row,) = [line for line in done.stdout.splitlines() if record.order_id in line]
    assert "ACCEPTED" in row
    assert "****7777" in row


@pytest.mark.parametrize(
    ("charset", "said"), [("ascii", "se recibi\\xf3 -1"), ("latin-1", "se recibió -1")]
)
def test_a_terminal_that_lacks_a_character_gets_its_code(charset: str, said: str) -> None:
    (record,) = recorded(order_text(amount=-1))
    desk = SimpleNamespace(orders=Recorded(record))

    done = typed(["orders", "show", "order-001"], desk, locale="es_ES", charset=charset)

    assert (done.exit_code, said in done.stdout) == (0, True)


def test_json_is_the_same_for_all_its_readers() -> None:
    (record,) = recorded(order_text(amount=-1))
    desk = SimpleNamespace(orders=Recorded(record))

    done = typed(["orders", "list", "--json"], desk, locale="es_ES.UTF-8")

    (error,) = json.loads(done.stdout)["errors"]
    assert error["message"] == "must be more than 0: got -1"


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "es_MX.UTF-8"}, "es"),
        ({"LANG": "es"}, "es"),
        ({"LANG": "es@euro"}, "es"),
        ({"LANG": "est_EE.UTF-8"}, "en"),
        ({"LANG": "es_ES", "LC_MESSAGES": "C"}, "en"),
        ({"LANG": "C", "LC_MESSAGES": "es_ES", "LC_ALL": ""}, "es"),
        ({"LANG": "es_ES", "LC_MESSAGES": "es_ES", "LC_ALL": "C.UTF-8"}, "en"),
    ],
)
def test_the_first_locale_that_is_set_names_the_language(
    environment: dict[str, str], language: str
) -> None:
    assert readers_language(environment) == language


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "a/file"), "on device (a/file). Make"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "Disk quota exceeded. Make room"),
        (FileNotFoundError(errno.ENOENT, "No usable temporary directory found in []"), "in []. M"),
    ],
)
def test_a_full_disk_ends_a_command_in_one_line(error: OSError, said: str) -> None:
    result = CliRunner().invoke(failing_with(error), ["fail"])

    assert result.exit_code == 1
    assert result.output.count("\n") == 1
    assert result.output.startswith("Error: ")
    assert said in result.output
    assert result.output.endswith("in TMPDIR; then run the command again.\n")


def test_another_error_of_the_system_keeps_its_traceback() -> None:
    result = CliRunner().invoke(failing_with(FileNotFoundError(errno.ENOENT, "gone")), ["fail"])

    assert isinstance(result.exception, FileNotFoundError)


def failing_with(error: OSError) -> click.Group:
    @click.command("fail")
    def fail() -> None:
        raise error

    class Failing(Commands):
        def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:  # noqa: ARG002
            return fail

    return Failing()


def test_no_error_shows_an_account_by_default() -> None:
    (record,) = recorded(order_text(channel="5550123456"))
    desk = SimpleNamespace(orders=Recorded(record), record_accounts_shown=lambda _: None)

    masked = typed(["orders", "show", "order-001"], desk)
    shown = typed(["orders", "show", "order-001", "--show-accounts"], desk)

    assert 'got "****3456"' in masked.output
    assert 'got "5550123456"' in shown.output


@pytest.mark.parametrize(
    ("detail", "locale", "said"),
    [
        (sentence("order.repeated_key", key='"5550123456"'), "C", 'has the key "****3456" more'),
        (sentence("order.repeated_key", key='"5550123456"'), "es", 'tiene la clave "****3456" más'),
        ("of [red]another[/red] 5550123456", "es", "of [red]another[/red] ****3456"),
    ],
)
def test_the_detail_of_a_dead_letter_is_written_for_its_reader(
    detail: Sentence | str, locale: str, said: str
) -> None:
    """Text of another origin is shown as it is: nothing in it is markup."""
    letter = DeadLetter(
        message=sqs_message("[]", unreadableDetail="5550123456", channel="5550123456"),
        order_id=None,
        submission_id="s-1",
        reason="repeated_key",
        detail=detail,
        first_seen_at=None,
        last_seen_at=None,
        known=Known.UNREADABLE,
    )
    desk = SimpleNamespace(dead_letters=SimpleNamespace(find=lambda _: letter))

    done = typed(["dlq", "show", "m-1"], desk, locale=locale)
    as_json = typed(["dlq", "show", "m-1", "--json"], desk, locale=locale)

    assert said in done.stdout
    assert "5550123456" not in done.stdout + as_json.stdout
    assert json.loads(as_json.stdout)["detail"] == letter.written_detail(texts_in("en"))


@pytest.mark.parametrize(
    ("sender", "shown"),
    [
        ("AIDAOFAUSER", "AIDAOFAUSER"),
        ("AROAEXAMPLE:5550123456", "AROAEXAMPLE:****3456"),
        (None, None),
    ],
)
def test_a_dead_letter_is_shown_with_who_sent_it_by_the_queues_own_word(
    sender: str | None, shown: str | None
) -> None:
    """After a redrive the record names the operator: so this is the last that tells of them."""
    letter = DeadLetter(
        message=sqs_message(sentBy="AROAOTHER")._replace(sender_id=sender),
        order_id="order-001",
        submission_id="s-1",
        reason="receives_exhausted",
        detail=None,
        first_seen_at=START,
        last_seen_at=START,
        known=Known.NOTHING,
    )
    desk = SimpleNamespace(dead_letters=SimpleNamespace(find=lambda _: letter))
    vars(desk)["dead_letters"].decision_on = lambda _: None

    done = typed(["dlq", "show", "m-1"], desk)
    as_json = typed(["dlq", "show", "m-1", "--json"], desk)

    facts = [line.split(maxsplit=2) for line in done.stdout.splitlines()]
    assert [line[2].strip() for line in facts if line[:2] == ["sent", "by"]] == (
        [shown] if shown else []
    )
    assert json.loads(as_json.stdout)["sentBy"] == shown


class Unrecorded:
    """Orders of which nothing is recorded."""

    def show(self, order_id: str) -> None:
        raise OrderNotFound(order_id)


@pytest.mark.parametrize(
    ("stage", "address", "ending"),
    [
        ("local", aws_url_at(DEFAULT_AWS_PORT), ""),
        ("local", aws_url_at(4567), " --aws-port 4567"),
        ("dev", None, " --stage dev"),
    ],
)
def test_the_next_command_is_for_the_same_stage(
    stage: str, address: str | None, ending: str
) -> None:
    where = Stage(stage, {}, cast("boto3.Session", None), address)
    desk = SimpleNamespace(orders=Unrecorded(), stage=where)

    done = typed(["orders", "show", "order-9"], desk)

    assert done.exit_code == 1
    assert f"`python -m ops dlq list --order order-9{ending}`" in done.output


class Letters:
    """Dead letters of which one is there."""

    def plan(self, selection: Selection, _look: object) -> Plan:
        found = frozenset({"m-1"}) & (selection.message_ids or {"m-1"})
        return Plan(selection, found, {}, {})

    def discard(self, plan: Plan, *, why: str) -> Iterator[Handled]:
        assert why
        yield from (Handled(sentinel.letter) for _ in plan.message_ids)


@pytest.mark.parametrize("more", [[], ["--dry-run"], ["--json"]])
@pytest.mark.parametrize(
    ("named", "missing"), [(["gone"], "gone"), (["m-1", "gone"], "gone"), (["m-1"], None)]
)
def test_a_missing_letter_is_reported_and_fails_the_command(
    named: list[str], missing: str | None, more: list[str]
) -> None:
    desk = SimpleNamespace(dead_letters=Letters(), stage=None)
    messages = [argument for name in named for argument in ("--message", name)]
    command = ["dlq", "discard", "--why", "x", "--yes", *messages, *more]

    done = typed(command, desk)

    assert done.exit_code == (1 if missing else 0), done.output
    assert (f"There is no dead letter {missing} " in done.stderr) == bool(missing)
    if "--json" in more:
        assert json.loads(done.stdout)["done"] == len({"m-1"} & set(named))


@pytest.mark.parametrize(
    ("young", "said"),
    [
        (0, "Archive and table agree, key by key."),
        (2, "Archive and table agree, key by key, but for 2 that may still be on the way"),
    ],
)
def test_reconcile_says_what_it_could_not_judge_yet(young: int, said: str) -> None:
    def findings(progress: Progress, *_: object, **__: object) -> Iterator[Finding]:
        progress.day(START.date()).in_progress = young
        yield from ()

    desk = SimpleNamespace(reconciliation=SimpleNamespace(findings=findings))

    done = typed(["reconcile"], desk)

    assert done.exit_code == 0
    assert said in " ".join(done.stdout.split())


WITH_WHY = {
    "dlq discard": ["--all", "--yes"],
    "dlq redrive": ["--all", "--yes"],
    "dlq resubmit": ["m-1", "--file", "-", "--yes"],
    "replay": ["--into", "orders-copy", "--yes"],
    "pause": ["--yes"],
    "resume": [],
    "seal": [],
    "events resend": ["--from", "2026-01-01", "--yes"],
}


def test_every_reason_is_read_in_the_same_way() -> None:
    commands = {name for name, it in all_commands() for param in it.params if "--why" in param.opts}

    assert commands == WITH_WHY.keys()


@pytest.mark.parametrize("name", WITH_WHY)
@pytest.mark.parametrize(
    ("why", "said"),
    [
        (" \t ", "this one is blank"),
        ("x" * 501, "501 characters: 500 at most"),
        ("\x1b[2J", "can't be seen"),
    ],
)
def test_a_bad_reason_is_a_typing_error(name: str, why: str, said: str) -> None:
    result = typed([*name.split(), *WITH_WHY[name], "--why", why], SimpleNamespace())

    if name not in {"dlq discard", "pause"} and not why.strip():
        assert "blank" not in result.output
    else:
        assert result.exit_code == 2
        assert said in " ".join(result.stderr.split())


class Interrupted:
    """Dead letters whose operator types Ctrl-C once the first of three is sent."""

    def plan(self, selection: Selection, _look: object) -> Plan:
        return Plan(selection, frozenset({"m-1", "m-2", "m-3"}), {}, {})

    def redrive(self, _: Plan, **_options: object) -> Iterator[Handled]:
        yield Handled(sentinel.letter)
        raise KeyboardInterrupt


def test_an_interrupted_redrive_says_how_far_it_came() -> None:
    desk = SimpleNamespace(dead_letters=Interrupted(), stage=None)

    done = typed(["dlq", "redrive", "--all", "--yes"], desk)

    assert done.exit_code == 1
    assert "Broken off: 1 of 3 redriven." in done.stderr


@pytest.mark.parametrize("name", ["list", "redrive", "discard"])
@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--reason", "nonsense"], "receives_exhausted"),
        (["--order", "a b"], "1 to 64 of A-Z a-z 0-9"),
    ],
)
def test_a_condition_that_no_letter_can_meet_is_refused(
    name: str, given: list[str], said: str
) -> None:
    why = ["--why", "x"] if name == "discard" else []

    done = typed(["dlq", name, *why, *given])

    assert done.exit_code == 2
    assert said in done.stderr


def test_the_reason_option_knows_every_reason() -> None:
    code = Path("chalicelib/orders/order.py").read_text()
    raised = set(re.findall(r'UnreadableOrder\(\s*"(\w+)"', code))

    assert {*REASONS} == raised | {GAVE_UP}


@pytest.mark.parametrize(
    ("command", "both"),
    [
        (["dlq", "redrive", "--all", "--message", "m-1"], ("--all", "--message")),
        (["dlq", "discard", "--why", "x", "--order", "o", "--all"], ("--all", "--order")),
        (["orders", "list", "--valid", "--invalid"], ("--valid", "--invalid")),
        (["orders", "list", "--invalid", "--valid"], ("--valid", "--invalid")),
        (["orders", "tail", "--duplicate", "--no-duplicate"], ("--duplicate", "--no-duplicate")),
    ],
)
def test_options_that_contradict_each_other_are_refused(
    command: list[str], both: tuple[str, str]
) -> None:
    done = typed(command)

    assert done.exit_code == 2
    assert all(name in done.stderr for name in both)
    assert "exclude" in done.stderr


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ([], (None, None)),
        (["--valid"], (True, None)),
        (["--invalid", "--no-duplicate"], (False, False)),
        (["--duplicate"], (None, True)),
    ],
)
def test_one_of_two_options_is_a_filter(
    given: list[str], asked: tuple[bool | None, bool | None]
) -> None:
    queries: list[AuditQuery] = []

    def newest_first(query: AuditQuery) -> list[Record]:
        queries.append(query)
        return []

    desk = SimpleNamespace(orders=SimpleNamespace(newest_first=newest_first))

    typed(["orders", "list", *given], desk)

    assert [(query.only.valid, query.only.is_duplicate) for query in queries] == [asked]


def test_an_export_over_a_file_asks_first(tmp_path: Path) -> None:
    file = tmp_path / "orders.csv"
    file.write_text("mine")

    class NoRecords(list[Record]):
        """A walk through none."""

    desk = SimpleNamespace(orders=SimpleNamespace(newest_first=lambda _: NoRecords()))

    refused = typed(["orders", "export", str(file)], desk)
    kept = file.read_text()
    agreed = typed(["orders", "export", str(file), "--yes"], desk)

    assert refused.exit_code == 1
    assert "is there already. Overwrite it?" in refused.stderr
    assert kept == "mine"
    assert agreed.exit_code == 0
    assert file.read_text().startswith("orderId,")


@pytest.mark.parametrize(
    ("into", "named"), [("orders-prod", ", the live table of stage prod?"), ("rebuilt", "rebuilt?")]
)
def test_a_replay_into_the_live_table_names_it_so(into: str, named: str) -> None:
    settings = SimpleNamespace(table="orders-prod")
    stage = SimpleNamespace(name="prod", settings=settings, operator="arn:ana")
    desk = SimpleNamespace(stage=stage, table=lambda _: SimpleNamespace(exists=lambda: True))

    done = typed(["replay", "--into", into], desk)

    assert done.exit_code == 1
    assert f"Rebuild records from S3 into table {into}" in done.stderr
    assert named in done.stderr


class Submitting:
    """Orders that are handed in to a fake queue."""

    def __init__(self) -> None:
        self.queue = FakeQueue()
        self.keys = FakeKeyStore()

    def submit(self, body: bytes, *, idempotency_key: str | None) -> Receipt:
        intake = Intake(self.queue, Clock(), lambda: "s-1", self.keys, FakeReporter())
        return intake.submit(body, request_id="r", idempotency_key=idempotency_key)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["{}"], "The order's id is missing: give the order"),
        (["[]"], "The body is not a JSON object"),
        # Bytes that are no UTF-8, as Python gives them to a command.
        (['{"id": "a", "note": "\udcff"}'], "The body is not UTF-8"),
        (['{"id": "a"}', "--idempotency-key", "ñ"], "The Idempotency-Key must be 1 to 255"),
    ],
)
def test_a_refusal_has_the_apis_words(given: list[str], said: str) -> None:
    done = typed(["orders", "submit", *given], SimpleNamespace(orders=Submitting()))

    assert done.exit_code == 1
    assert f"Error: {said}" in done.stderr
    assert done.stderr.endswith(" Nothing was queued.\n")


def submitting(orders: Submitting, order: str) -> Any:
    given = ["orders", "submit", order, "--idempotency-key", "key-1"]
    stage = SimpleNamespace(command=ops_command)
    return typed(given, SimpleNamespace(orders=orders, stage=stage))


def test_orders_submit_says_that_a_key_was_used_for_the_same_bytes() -> None:
    orders = Submitting()

    first, again = (submitting(orders, order_text()) for _ in range(2))

    assert "A replay" not in first.stderr
    assert again.exit_code == 0
    assert again.stdout == first.stdout
    assert "A replay: the key was used for these very bytes before." in again.stderr


def test_orders_submit_refuses_other_bytes_under_a_used_key_in_the_apis_words() -> None:
    orders = Submitting()
    submitting(orders, order_text())

    done = submitting(orders, order_text("order-002"))

    assert done.exit_code == 1
    assert 'was used for another body, that of order "order-001"' in done.stderr
    assert done.stderr.endswith(" Nothing was queued.\n")
    assert len(orders.queue.sent) == 1


def test_orders_submit_says_that_a_key_could_not_be_checked() -> None:
    orders = Submitting()

    with orders.keys.outage():
        done = submitting(orders, order_text())

    assert done.exit_code == 0
    assert "The key could not be checked" in done.stderr
    assert len(orders.queue.sent) == 1


@pytest.mark.parametrize(
    ("order", "exit_code"), [(order_text(), 0), (order_text(amount=0), 1)], ids=["valid", "invalid"]
)
def test_a_dry_run_judges_an_order_without_a_stage(order: str, exit_code: int) -> None:
    nothing_runs = ["--aws-port", str(free_port())]

    read = CliRunner().invoke(main, ["orders", "submit", order, "--dry-run", *nothing_runs])
    data = CliRunner().invoke(
        main, ["orders", "submit", "-", "--dry-run", "--json", *nothing_runs], input=order
    )

    assert (read.exit_code, data.exit_code) == (exit_code, exit_code), read.output
    assert "A dry run: nothing was queued." in read.stdout
    assert "NOT_QUEUED" in read.stdout
    assert "submission" not in read.stdout
    assert ("not_positive" in read.stdout) is bool(exit_code)
    assert json.loads(data.stdout) == judgement_json(judge(order.encode()), texts_in("en"))


def test_a_dry_run_refuses_in_the_apis_words_without_accounts() -> None:
    done = CliRunner().invoke(main, ["orders", "submit", '{"id": "a/55501234"}', "--dry-run"])

    assert done.exit_code == 1
    assert "The order's id must be a string of 1 to 64" in done.stderr
    assert done.stderr.endswith(" Nothing was queued.\n")
    assert "55501234" not in done.output


def test_an_order_can_come_from_stdin() -> None:
    orders, stage = Submitting(), SimpleNamespace(command=ops_command)

    done = typed(["orders", "submit", "-"], SimpleNamespace(orders=orders), "[]")
    desk = SimpleNamespace(orders=orders, stage=stage)
    fine = typed(["orders", "submit", "-"], desk, order_text())

    assert "not a JSON object" in done.stderr
    assert fine.exit_code == 0
    assert [sent.body for sent in orders.queue.sent] == [order_text()]


def test_a_file_named_in_curls_way_is_recognised() -> None:
    done = typed(["orders", "submit", "@order.json"])

    assert done.exit_code == 2
    assert "--file order.json" in done.stderr


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (["--json"], '{"id": "a", "fromAccount": "****1111"}\n'),
        ([], '{"id": "a", "fromAccount": "****1111"}\n'),
        (["--json", "--show-accounts"], '{"id": "a", "fromAccount": 1111111}\n'),
    ],
)
def test_a_payload_as_json_is_json_even_if_an_account_in_it_is_a_number(
    given: list[str], shown: str
) -> None:
    text = '{"id": "a", "fromAccount": 1111111}'
    orders = SimpleNamespace(show=lambda _: SimpleNamespace(order=None), payload=lambda _: text)
    desk = SimpleNamespace(orders=orders, record_accounts_shown=lambda _: None)

    done = typed(["orders", "show", "a", "--payload", *given], desk)

    assert done.stdout == shown
    assert ("--show-accounts" in done.stderr) == ("--show-accounts" not in given)


OUT_OF_REACH = 3


def every_command_over_a_stage() -> list[str]:
    """List the commands that reach a stage, but for those that start or package it."""
    return [
        name
        for name, command in all_commands()
        if {"--stage", "--aws-port"} & {option for each in command.params for option in each.opts}
        and name not in {"run", "package", "policy"}
    ]


ARGUMENTS = {
    "dlq resubmit": ["m-1", "--file", "-"],
    "orders submit": ["{}"],
    "orders show": ["a"],
    "prove": ["a", "--out", "a.proof.json"],
    "orders export": ["-", "--format", "csv"],
    "dlq show": ["m"],
    "dlq redrive": ["--all"],
    "dlq discard": ["--all", "--why", "x"],
    "replay": ["--into", "t"],
    "pause": ["--why", "x"],
}
ONLY_LOCAL = {"worker", "api"}
ONLY_DEPLOYED = {"resources up", "resources show", "resources down", "deploy", "destroy", "lint"}


@pytest.mark.parametrize("name", [n for n in every_command_over_a_stage() if n not in ONLY_LOCAL])
def test_a_stage_without_credentials_is_out_of_reach(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    project = recorded_project(tmp_path)
    for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(key, raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    options = ["--port", str(free_port())] if name == "console" else []
    options += project_option(name, project)

    done = CliRunner().invoke(
        main,
        [*name.split(), *ARGUMENTS.get(name, []), "--stage", "dev", *options],
        obj=desks_of(project),
    )

    assert done.exit_code == OUT_OF_REACH, done.output
    assert "credentials" in done.stderr


@pytest.mark.parametrize(
    "name", [n for n in every_command_over_a_stage() if n not in ONLY_DEPLOYED]
)
def test_a_local_stage_that_does_not_run_is_out_of_reach(name: str) -> None:
    port = ["--port", str(free_port())] if name in {"api", "console"} else []

    done = CliRunner().invoke(
        main, [*name.split(), *ARGUMENTS.get(name, []), "--aws-port", str(free_port()), *port]
    )

    assert done.exit_code == OUT_OF_REACH, done.output
    assert "Nothing runs at" in done.stderr
