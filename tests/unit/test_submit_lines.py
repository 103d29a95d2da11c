"""`orders submit FILE.ndjson`: a file of orders through the API, as users type it."""

import errno
import fcntl
import json
import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple, cast

import boto3
import pytest
from botocore.credentials import Credentials
from click.testing import CliRunner, Result

from ops import patience
from ops.bulk.sender import Sender
from ops.cli import orders_submit_lines
from ops.cli.commands import main
from ops.desk.stage import Stage
from ops.ports import free_port
from ops.stop_signals import StopRequested
from tests.batch_api import FakeBatchApi, answering, confirming, failing, serving
from tests.builders import order_text

VALID, INVALID, UNREADABLE = order_text("a"), order_text("b", amount=0), '{"id": "c/1"}'
LINES = f"{VALID}\n\n{INVALID}\n{UNREADABLE}\n{VALID}\n"
FAILURES = (
    answering(502),
    answering(503, {"detail": "Later."}, "0"),
    failing(ConnectionResetError(), taken=True),
    answering(202, "{"),
    confirming(lambda number: number > 1),
)


class Desk(NamedTuple):
    """An operator at a stage whose API is a fake, and the folder where the commands are typed."""

    api: FakeBatchApi
    url: str
    stage: str = "local"

    def types(self, *words: str, stdin: str = "", **environment: str) -> Result:
        command = Stage(self.stage, {}, cast("boto3.Session", None)).command
        credentials = Credentials("AKIAEXAMPLE", "secret")
        session = SimpleNamespace(region_name="eu-west-1", get_credentials=lambda: credentials)
        stage = SimpleNamespace(
            name=self.stage,
            is_local=self.stage == "local",
            operator="arn:aws:iam::111122223333:user/ana",
            session=session,
            command=command,
        )
        terminal = {"COLUMNS": "200", "NO_COLOR": "1", "LC_ALL": "C.UTF-8", **environment}
        done = CliRunner(env=terminal).invoke(
            main,
            ["orders", "submit", *words],
            input=stdin,
            obj=lambda *_: SimpleNamespace(stage=stage, unreadable=()),
        )
        assert isinstance(done.exception, SystemExit | None), done.exc_info
        return done

    def submits(self, *words: str, stdin: str = "", **environment: str) -> Result:
        return self.types(*words, "--api-url", self.url, stdin=stdin, **environment)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "fsync", lambda _: None)
    monkeypatch.setattr(patience, "FIRST_WAIT_SECONDS", 0.0)
    Path("orders.ndjson").write_text(LINES, "utf-8")
    api = FakeBatchApi()
    with serving(api) as url:
        yield Desk(api, url)


def rows(done: Result) -> dict[str, str]:
    """Read the facts that a command shows."""
    lines = (re.split(r"  +", line.strip(), maxsplit=1) for line in done.stdout.splitlines())
    return {line[0]: line[1].strip() for line in lines if len(line) == 2}


def next_command(done: Result) -> list[str]:
    """Find the words that the command says to type, after those of `orders submit`."""
    (typed,) = re.findall(r"python -m ops orders submit (.*)$", done.stderr, re.MULTILINE)
    return shlex.split(typed)


def test_it_says_what_became_of_the_lines(desk: Desk) -> None:
    done = desk.submits("orders.ndjson")

    told = rows(done)
    assert done.exit_code == 1
    assert told.pop("time").endswith("orders/s")
    assert told == {
        "file": "orders.ndjson",
        "queued": "3 (1 of them not valid)",
        "repeated": "1",
        "refused": "1",
        "refused lines": "orders.ndjson.refused.ndjson",
        "and why": "orders.ndjson.refused.txt",
    }
    assert "python -m ops rejects" in done.stderr
    assert Path("orders.ndjson.refused.ndjson").read_text("utf-8") == f"{UNREADABLE}\n"
    assert Path("orders.ndjson.refused.txt").read_text("utf-8").startswith("line 4: unreadable")


def test_programs_get_one_object(desk: Desk) -> None:
    done = desk.submits("orders.ndjson", "--json")

    told = json.loads(done.stdout)
    assert told.pop("seconds") >= 0
    assert told == {
        "file": "orders.ndjson",
        "queued": 3,
        "valid": 2,
        "invalid": 1,
        "repeated": 1,
        "refused": 1,
        "refusedLines": "orders.ndjson.refused.ndjson",
        "reasons": "orders.ndjson.refused.txt",
        "handedInNow": 4,
    }


def test_a_file_of_which_all_is_queued_ends_with_0(desk: Desk) -> None:
    Path("fine.jsonl").write_text(f"{VALID}\n", "utf-8")

    done = desk.submits("fine.jsonl")

    assert done.exit_code == 0
    assert rows(done)["queued"] == "1"
    assert rows(done)["refused"] == "0"
    assert "rejects" not in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["orders.txt", "--lines"],
        ["--file", "orders.txt", "--lines"],
        ["--file", "orders.ndjson"],
        ["-", "--lines"],
        ["--file", "-", "--lines"],
    ],
    ids=" ".join,
)
def test_a_file_of_lines_is_known_by_its_name_or_by_an_option(desk: Desk, words: list[str]) -> None:
    Path("orders.txt").write_text(LINES, "utf-8")

    done = desk.submits(*words, stdin=LINES)

    assert (done.exit_code, rows(done)["queued"]) == (1, "3 (1 of them not valid)")
    assert len(desk.api.recorded()) == 2


def test_reasons_are_in_the_readers_language(desk: Desk) -> None:
    desk.submits("orders.ndjson", LC_ALL="es_ES.UTF-8")

    ((headers, _),) = desk.api.requests
    assert headers["Accept-Language"] == "es"
    assert "debe ser" in Path("orders.ndjson.refused.txt").read_text("utf-8")


def test_no_account_is_shown(desk: Desk) -> None:
    secret = order_text("55501234567/x", fromAccount="55501234567")
    Path("orders.ndjson").write_text(f"{secret}\n[55501234567]\n", "utf-8")

    done = desk.submits("orders.ndjson")
    judged = desk.types("orders.ndjson", "--dry-run")
    data = desk.types("orders.ndjson", "--dry-run", "--json")

    shown = [done.output, judged.output, data.output]
    shown.append(Path("orders.ndjson.refused.txt").read_text("utf-8"))
    assert not [each for each in shown if "55501234567" in each]
    assert all("****4567" in each for each in shown[1:])


@pytest.mark.parametrize("failure", FAILURES)
def test_an_api_that_fails_now_and_then_is_asked_again(desk: Desk, failure: Any) -> None:
    desk.api.misbehaviours = [failure] * 3

    done = desk.submits("orders.ndjson")

    assert rows(done)["queued"] == "3 (1 of them not valid)"
    assert len(desk.api.recorded()) == 2
    assert done.stderr.count("once more in") == 3


def test_it_gives_up_and_the_next_command_goes_on(desk: Desk) -> None:
    desk.api.misbehaviours = [answering(503, {"detail": "Later."}, "3600")]

    done = desk.submits("orders.ndjson")

    assert done.exit_code == 3
    assert "Error: The API does not take the orders now. 503: Later." in done.stderr
    assert desk.types(*next_command(done)).exit_code == 1
    assert len(desk.api.recorded()) == 2


def test_a_refused_request_ends_it_and_the_next_command_goes_on(desk: Desk) -> None:
    desk.api.misbehaviours = [answering(403, {"detail": "Not you."})]

    done = desk.submits("orders.ndjson")

    assert done.exit_code == 3
    assert "The API refuses the request. 403: Not you." in done.stderr
    assert desk.types(*next_command(done)).exit_code == 1


def test_stdin_that_broke_off_is_handed_in_again_with_its_key(desk: Desk) -> None:
    desk.api.misbehaviours = [
        confirming(lambda number: number == 1),
        answering(503, "", "3600"),
    ]

    done = desk.submits("-", "--lines", stdin=LINES)

    assert done.exit_code == 3
    assert "leave no note" in done.stderr
    assert desk.types(*next_command(done), stdin=LINES).exit_code == 1
    assert len(desk.api.recorded()) == 2


def test_two_runs_from_stdin_are_two_submissions(desk: Desk) -> None:
    for _ in range(2):
        desk.submits("-", "--lines", stdin=VALID)

    assert len(desk.api.recorded()) == 2


def test_a_signal_ends_it_and_the_next_command_goes_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise StopRequested

    with monkeypatch.context() as interrupted:
        interrupted.setattr(Sender, "hand_in", stop)
        done = desk.submits("orders.ndjson")

    assert done.exit_code == 130
    assert "Stopped." in done.stderr
    assert desk.types(*next_command(done)).exit_code == 1


def test_a_file_that_is_done_says_so_and_begins_anew_if_asked(desk: Desk) -> None:
    desk.submits("orders.ndjson")
    requests = len(desk.api.requests)

    done = desk.submits("orders.ndjson")

    assert done.exit_code == 1
    assert "orders.ndjson was handed in to its end at 2" in done.stderr
    assert rows(done)["queued"] == "3 (1 of them not valid)"
    assert "time" not in rows(done)
    assert len(desk.api.requests) == requests
    again = next(line for line in done.stderr.splitlines() if "--afresh" in line)
    assert desk.types(*shlex.split(again.partition("orders submit ")[2])).exit_code == 1
    assert len(desk.api.recorded()) == 4


def test_begun_anew_it_has_another_key_than_the_one_that_was_typed(desk: Desk) -> None:
    desk.submits("orders.ndjson", "--idempotency-key", "november")

    done = desk.submits("orders.ndjson", "--idempotency-key", "december")

    assert "begun with another --idempotency-key" in done.stderr
    assert desk.types(*next_command(done)).exit_code == 1
    keys = [headers["Idempotency-Key"] for headers, _ in desk.api.requests]
    assert keys[0] == "november"
    assert keys[1] not in {"november", "december"}


def test_a_changed_file_is_refused_with_what_to_type(desk: Desk) -> None:
    desk.submits("orders.ndjson")
    Path("orders.ndjson").write_text(f"{VALID}\n", "utf-8")

    done = desk.submits("orders.ndjson")

    assert done.exit_code == 1
    assert "Error: orders.ndjson is not the file any more that was begun." in done.stderr
    assert "--afresh" in next_command(done)
    assert desk.types(*next_command(done)).exit_code == 0


def test_a_changed_file_doubles_no_line_that_is_queued_already(desk: Desk) -> None:
    desk.submits("orders.ndjson")
    changed = order_text("b", amount=7)
    Path("orders.ndjson").write_text(f"{LINES.replace(INVALID, changed)}", "utf-8")

    desk.types(*next_command(desk.submits("orders.ndjson")))

    recorded = [line.decode() for line in desk.api.recorded()]
    assert sorted(recorded) == sorted([VALID, INVALID, changed])


def test_another_stage_is_refused_with_what_to_type(desk: Desk) -> None:
    desk.submits("orders.ndjson")

    done = desk._replace(stage="dev").submits("orders.ndjson")

    assert done.exit_code == 1
    assert "was begun on stage local by arn:aws:iam::111122223333:user/ana" in done.stderr
    assert {"--afresh", "--stage", "dev"} <= set(next_command(done))


def test_another_address_elsewhere_is_refused(desk: Desk) -> None:
    """It may be the API of another stage than the one that is named."""
    desk.submits("orders.ndjson")

    done = desk.types("orders.ndjson", "--api-url", "https://a1.example/prod")

    assert done.exit_code == 1
    assert "orders.ndjson was begun on stage local by" in done.stderr


def test_a_second_process_is_refused(desk: Desk) -> None:
    with Path("orders.ndjson").open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        done = desk.submits("orders.ndjson")

    assert done.exit_code == 3
    assert "Another process hands orders.ndjson in." in done.stderr
    assert not desk.api.requests


def test_a_note_that_can_not_be_written_ends_it(desk: Desk) -> None:
    Path("orders.ndjson.progress.new").mkdir()

    done = desk.submits("orders.ndjson")

    assert done.exit_code == 3
    assert "orders.ndjson.progress.new" in done.stderr
    assert not desk.api.requests


def test_a_disk_that_is_full_ends_it_and_the_next_command_goes_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as full:
        full.setattr(os, "fsync", fail)
        done = desk.submits("orders.ndjson")

    assert done.exit_code == 3
    assert "The files beside the lines: No space left on device." in done.stderr
    assert desk.types(*next_command(done)).exit_code == 1
    assert len(desk.api.recorded()) == 2


def test_each_request_to_a_deployed_stage_is_signed_by_the_operator(desk: Desk) -> None:
    desk.api.misbehaviours = [answering(503)]

    desk._replace(stage="dev").submits("orders.ndjson", "--idempotency-key", "k")

    signatures = [headers["Authorization"] for headers, _ in desk.api.requests]
    assert len(signatures) == 2
    for signature in signatures:
        assert signature.startswith("AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/")
        assert "/eu-west-1/execute-api/aws4_request" in signature
        assert "content-type;" in signature
        assert "idempotency-key;" in signature


def test_an_api_that_does_not_answer_is_out_of_reach(desk: Desk) -> None:
    done = desk.types("orders.ndjson", "--api-url", f"http://127.0.0.1:{free_port()}")

    assert done.exit_code == 3
    assert "say with --api-url where the API is" in done.stderr


@pytest.mark.parametrize(
    "url",
    [
        *("", "nowhere", "http://", "http://a b", "http://a/?b", "ftp://127.0.0.1", "http://ñ"),
        *("http://[::1", "http://127.0.0.1:x/y", "http://127.0.0.1:99999"),
    ],
)
def test_an_address_that_is_none_is_a_typing_error(desk: Desk, url: str) -> None:
    done = desk.types("orders.ndjson", "--api-url", url)

    assert done.exit_code == 2
    assert "is not an address like http://127.0.0.1:8000" in done.stderr


def test_an_address_at_which_nothing_is_is_out_of_reach(desk: Desk) -> None:
    assert desk.types("orders.ndjson", "--api-url", "http://nowhere.invalid").exit_code == 3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["none.ndjson"], "There is no file none.ndjson."),
        (["none.ndjson", "--dry-run"], "There is no file none.ndjson."),
        ([".", "--lines"], "There is no file ."),
        ([VALID, "--lines"], "There is no file {"),
        ([VALID, "--afresh"], "--afresh and --api-url are for a file of lines."),
        ([VALID, "--api-url", "http://x"], "--afresh and --api-url are for a file of lines."),
        (["-", "--lines", "--afresh"], "--afresh is for a file"),
        (["--lines"], "Give the order's JSON, or --file."),
        (["orders.ndjson", "--file", "orders.ndjson"], "Give the order's JSON, or --file."),
    ],
)
def test_what_does_not_fit_together_is_a_typing_error(
    desk: Desk, words: list[str], said: str
) -> None:
    done = desk.types(*words)

    assert done.exit_code == 2
    assert said in done.stderr
    assert not desk.api.requests


@pytest.mark.parametrize("key", ["", "a b", "ñ", "x" * 256])
def test_a_key_that_can_not_be_used_ends_it_before_anything_is_written(
    desk: Desk, key: str
) -> None:
    done = desk.submits("orders.ndjson", "--idempotency-key", key)

    assert done.exit_code == 1
    assert "The Idempotency-Key must be 1 to 255" in done.stderr
    assert not desk.api.requests
    assert not Path("orders.ndjson.progress").exists()


@pytest.mark.parametrize("words", [["orders.ndjson"], ["-", "--lines"]], ids=" ".join)
def test_a_dry_run_judges_every_line_without_a_stage(desk: Desk, words: list[str]) -> None:
    nothing_runs = ["--dry-run", "--aws-port", str(free_port())]

    done = desk.types(*words, *nothing_runs, stdin=LINES)

    first, second, *_ = done.stdout.splitlines()
    assert done.exit_code == 1
    assert first == "line 3: b: amount not_positive: must be more than 0: got 0"
    assert second.startswith("line 4: The id of this line's order must be a string of 1 to 64")
    assert rows(done) == {"valid": "2", "not valid": "1", "no order": "1"}
    assert "A dry run: nothing was queued." in done.stdout
    assert sorted(path.name for path in Path().iterdir()) == ["orders.ndjson"]


def test_a_dry_run_for_programs_has_a_line_for_each_that_is_wrong(desk: Desk) -> None:
    done = desk.types("orders.ndjson", "--dry-run", "--json")

    invalid, refused, summary = map(json.loads, done.stdout.splitlines())
    assert (invalid["line"], invalid["orderId"], invalid["valid"]) == (3, "b", False)
    assert (refused["line"], refused["status"]) == (4, "REFUSED")
    assert refused["problem"]["reason"] == "bad_id"
    assert summary == {
        "type": "summary",
        "status": "NOT_QUEUED",
        "valid": 2,
        "invalid": 1,
        "refused": 1,
    }


@pytest.mark.parametrize(
    ("content", "exit_code"), [("", 0), (f"{VALID}\n", 0), (f"{'x' * 300_000}\n", 1)]
)
def test_a_dry_run_ends_with_0_if_all_is_well(desk: Desk, content: str, exit_code: int) -> None:
    Path("orders.ndjson").write_text(content, "utf-8")

    assert desk.types("orders.ndjson", "--dry-run").exit_code == exit_code


def test_progress_is_told_in_lines_where_no_terminal_is(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orders_submit_lines, "SECONDS_BETWEEN_NOTES", -1.0)

    done = desk.submits("orders.ndjson")

    assert "5 of 5 lines, 1 refused" in done.stderr


def test_no_line_of_progress_is_told_at_a_terminal(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orders_submit_lines, "SECONDS_BETWEEN_NOTES", -1.0)
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _: True)

    done = desk.submits("orders.ndjson")

    assert "lines, 1 refused" not in done.stderr
