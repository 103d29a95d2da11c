"""
`python -m ops`, as typed, over one local stack: each command as a process of its own.

Only the command under test: the others that a test needs run inside this process, quicker.
"""

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet
import pytest
from click.testing import CliRunner

from chalicelib.aws.s3 import OrderArchive
from chalicelib.orders.record import Record
from chalicelib.services.queries import OrderNotFound
from ops.cli.commands import main
from ops.desk import look
from ops.desk.desk import Desk
from ops.desk.stage import Stage, connect
from ops.local.stack import LocalStack
from ops.ports import free_port
from tests.builders import order_text, submission
from tests.e2e.client import eventually

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

LIMIT_SECONDS = 60
# A desk whose process ends right before the first letter is deleted.
KILLED_BEFORE_DELETE = """
import os, signal, sys
from ops.cli.commands import main
from ops.desk import dead_letter_queue, look
look.LOOK_SECONDS = 2
dead_letter_queue.DeadLetterQueue.delete = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
main(sys.argv[1:])
"""

Completed = subprocess.CompletedProcess[str]
# Wide enough for any table, without colours, and in English.
TERMINAL = {"COLUMNS": "220", "NO_COLOR": "1", "LC_ALL": "C.UTF-8"}


class Operator:
    """Types commands."""

    def __init__(self, stack: LocalStack, stage: Stage, ops: Sequence[str]) -> None:
        self.stack = stack
        self.ops = ops
        self.stage = stage
        self.desk = Desk(stage)
        self.sqs: SQSClient = stage.sqs

    def command(self, *arguments: str) -> list[str]:
        return [*self.ops, *self.arguments(*arguments)]

    def arguments(self, *arguments: str) -> list[str]:
        return [*arguments, "--aws-port", str(self.stack.aws_port)]

    def run(self, *arguments: str, answer: str | None = None) -> Completed:
        return run(self.command(*arguments), answer)

    def types(self, *arguments: str, exit_code: int = 0, answer: str | None = None) -> str:
        """Run a command, check its exit code, and return its output; stderr too if it must fail."""
        done = self.run(*arguments, answer=answer)
        assert done.returncode == exit_code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout + (done.stderr if exit_code else "")

    def reads(self, *arguments: str, exit_code: int = 0) -> list[dict[str, Any]]:
        """Read the JSON that a command prints, line by line."""
        done = self.run(*arguments, "--json")
        assert done.returncode == exit_code, done.stdout + done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def waits_for(self, order_id: str, count: int) -> list[Record]:
        """Wait until an order has so many records, and return them."""

        def look() -> list[Record] | None:
            with suppress(OrderNotFound):
                records = list(self.desk.orders.history(order_id))
                return records if len(records) >= count else None
            return None

        return eventually(look)

    def dead_letter(self, body: str) -> str:
        """Put a message on the dead-letter queue, as SQS moves one there: its id."""
        url = self.stage.settings.dead_letter_queue_url
        return self.sqs.send_message(QueueUrl=url, MessageBody=body)["MessageId"]


class QuickOperator(Operator):
    """Runs commands inside this process."""

    def run(self, *arguments: str, answer: str | None = None) -> Completed:
        command = self.arguments(*arguments)
        done = CliRunner(env=TERMINAL).invoke(main, command, input=answer)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exc_info
        return Completed(command, done.exit_code, done.stdout, done.stderr)


def run(command: Sequence[str], answer: str | None = None) -> Completed:
    return subprocess.run(
        command,
        input=answer or "",
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
        env=os.environ | TERMINAL,
    )


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory, ops: list[str]) -> Iterator[Operator]:
    """Start a stage with an accepted order, a duplicate of it with another amount, and a reject."""
    log = tmp_path_factory.mktemp("ops") / "log"
    with LocalStack(visibility_timeout_seconds=1, max_receive_count=5, log_file=log) as stack:
        operator = Operator(stack, connect(aws_port=stack.aws_port), ops)
        orders = operator.desk.orders
        (receipt,) = operator.reads("orders", "submit", order_text("first"))
        assert (receipt["orderId"], receipt["valid"]) == ("first", True)
        operator.waits_for("first", 1)
        orders.submit(order_text("first", amount=1, channel="web").encode())
        orders.submit(order_text("bad", amount=0).encode())
        operator.waits_for("first", 2)
        operator.waits_for("bad", 1)
        yield operator


@pytest.fixture
def quick(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> QuickOperator:
    # The emulator has one server: a short poll asks all of it.
    monkeypatch.setattr(look, "WAIT_SECONDS", 0)
    return QuickOperator(operator.stack, operator.stage, operator.ops)


def test_an_unreadable_order_is_refused(quick: QuickOperator) -> None:
    assert "Nothing was queued" in quick.types("orders", "submit", "[]", exit_code=1)
    assert "Give the order's JSON" in quick.types("orders", "submit", exit_code=2)
    assert "not_positive" in quick.types("orders", "submit", order_text("shown", amount=0))


def test_an_order_is_shown_with_its_history(operator: Operator, quick: QuickOperator) -> None:
    printed = operator.types("orders", "show", "first")

    assert "****1111" in printed
    assert "1111111" not in printed
    assert "differs: amount, channel" in printed
    assert "may still be on the queue" in quick.types("orders", "show", "none", exit_code=1)


def test_one_submission_of_an_order_is_shown(operator: Operator) -> None:
    (order,) = operator.reads("orders", "show", "first")
    submission_id = order["records"][1]["submissionId"]

    printed = operator.types("orders", "show", "first", "--submission", submission_id)

    assert re.search(r"^status +DUPLICATE", printed, re.MULTILINE)
    assert re.search(r"^differs in +amount, channel", printed, re.MULTILINE)


def test_orders_are_listed_and_filtered(operator: Operator, quick: QuickOperator) -> None:
    assert "REJECTED" in operator.types("orders", "list")
    accepted = quick.reads("orders", "list", "--status", "ACCEPTED")
    assert [record["orderId"] for record in accepted] == ["first"]
    assert accepted[0]["fromAccount"] == "****1111"
    (conflict,) = operator.reads("duplicates", "--conflicts")
    assert conflict["differs"] == ["amount", "channel"]
    (group,) = operator.reads("rejects")
    assert (group["code"], group["orders"][-1]) == ("not_positive", "bad")


def test_orders_are_found_by_account_amount_and_caller(
    operator: Operator, quick: QuickOperator
) -> None:
    search = ("orders", "list", "--account", "1111111", "--amount", "2580.0")
    (found,) = operator.reads(*search, "--submitted-by", operator.stage.operator)
    nobody = quick.reads(*search, "--submitted-by", "arn:aws:iam::111122223333:role/nobody")
    (entry, *_) = quick.reads("audit")

    assert (found["orderId"], found["fromAccount"]) == ("first", "****1111")
    assert nobody == []
    assert (entry["what"], entry["details"]["account"]) == ("accounts.searched", "****1111")
    assert "'--amount'" in quick.types("orders", "list", "--amount", "2,580", exit_code=2)


def test_a_day_is_sealed_once_whoever_seals_it_at_the_same_time(operator: Operator) -> None:
    day = datetime.now(UTC).replace(hour=12, microsecond=0) - timedelta(days=30)
    rejected = submission(order_text("sealed", amount=0))
    operator.desk.records.take(Record.of_first(rejected, day))
    named = ("--from", f"{day:%Y-%m-%d}", "--through", f"{day:%Y-%m-%d}")

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda _: operator.reads("seal", *named), range(2)))

    (made,) = {json.dumps(line, sort_keys=True) for lines in done for line in lines}
    assert json.loads(made)["records"] == 1
    assert "Nothing to seal" in operator.types("seal", *named)
    actions = [each["what"] for each in operator.reads("audit")]
    assert "seals.made" in actions


def test_showing_whole_accounts_writes_an_audit_entry(
    operator: Operator, quick: QuickOperator
) -> None:
    printed = quick.types("orders", "show", "first", "--payload", "--show-accounts")

    assert json.loads(printed)["fromAccount"] == "1111111"
    (newest,) = operator.reads("audit", "--limit", "1")
    assert (newest["what"], newest["details"]) == ("accounts.shown", {"where": "order first"})
    assert newest["who"].startswith("arn:aws:")


def test_a_period_is_exported(operator: Operator, quick: QuickOperator, tmp_path: Path) -> None:
    parquet = tmp_path / "orders.parquet"
    operator.types("orders", "export", str(parquet), "--duplicate")
    text = operator.types("orders", "export", "-", "--format", "csv", "--valid")

    assert pyarrow.parquet.read_table(parquet)["orderId"].to_pylist() == ["first"]
    assert [row["orderId"] for row in csv.DictReader(io.StringIO(text))] == ["first", "first"]
    assert not list(tmp_path.glob("*.part"))
    assert "--format" in quick.types("orders", "export", "orders.xml", exit_code=2)


def test_a_tail_shows_new_records(operator: Operator) -> None:
    command = operator.command("orders", "tail", "--json", "--count", "1", "--every", "0.1")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as tail:
        time.sleep(1)
        deadline = time.monotonic() + LIMIT_SECONDS
        while tail.poll() is None and time.monotonic() < deadline:
            queue_url = operator.stage.settings.queue_url
            operator.sqs.send_message(QueueUrl=queue_url, MessageBody=order_text("tailed"))
            time.sleep(0.5)
        assert tail.stdout
        assert json.loads(tail.stdout.read())["orderId"] == "tailed"


def test_orders_that_came_in_under_two_ids_are_suspected(
    operator: Operator, quick: QuickOperator
) -> None:
    for order_id in ("click-1", "click-2"):
        operator.desk.orders.submit(order_text(order_id, amount="31.07").encode())
        operator.waits_for(order_id, 1)

    found = operator.reads("duplicates", "--suspected", exit_code=1)

    (clicks,) = [each for each in found if each["amount"] == 31.07]
    assert [order["orderId"] for order in clicks["orders"]] == ["click-1", "click-2"]
    assert clicks["fromAccount"] == "****1111"
    assert "Nothing is suspected" in quick.types("duplicates", "--suspected", "--to", "2026-01-31")


def test_dead_letters_are_listed_shown_and_left_as_they_were(
    operator: Operator, quick: QuickOperator
) -> None:
    message_id = operator.dead_letter(order_text("letter", fromAccount="99999999"))

    (letter,) = operator.reads("dlq", "list", "--order", "letter")
    (shown,) = operator.reads("dlq", "show", message_id)
    plan = quick.types("dlq", "redrive", "--message", message_id, "--dry-run")
    refused = quick.types("dlq", "redrive", "--order", "letter", exit_code=1, answer="n\n")

    assert (letter["reason"], letter["recorded"]) == ("receives_exhausted", "nothing")
    assert shown["receiveCount"] == letter["receiveCount"] + 1
    assert "99999999" not in json.dumps(shown)
    assert "nothing was changed" in plan
    assert "Redrive 1, at most 20 a second? (stage local, as arn:aws:" in refused
    assert [each["messageId"] for each in quick.reads("dlq", "list")] == [message_id]
    assert "Say which" in quick.types("dlq", "redrive", "--yes", exit_code=2)

    operator.types("dlq", "redrive", "--order", "letter", "--why", "tried", answer="y\n")
    (record,) = operator.waits_for("letter", 1)
    assert record.submission_id == message_id


def letters_in_sight(operator: Operator, order_id: str) -> list[dict[str, Any]]:
    """List an order's letters. While the killed command's letter is hidden, the list says so."""
    done = operator.run("dlq", "list", "--order", order_id, "--json")
    if done.returncode:
        assert (done.returncode, done.stdout) == (1, "")
        assert "About 1 dead letter is hidden" in " ".join(done.stderr.split())
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_redrive_killed_between_send_and_delete_makes_no_duplicate(
    operator: Operator, quick: QuickOperator
) -> None:
    message_id = operator.dead_letter(order_text("killed"))
    arguments = operator.arguments("dlq", "redrive", "--order", "killed", "--yes")
    killed = run([sys.executable, "-c", KILLED_BEFORE_DELETE, *arguments])
    assert killed.returncode == -signal.SIGKILL
    operator.waits_for("killed", 1)

    # Its visibility time-out passes, and the redrive is begun again.
    (letter,) = eventually(lambda: letters_in_sight(quick, "killed"))
    assert (letter["recorded"], letter["recordedStatus"]) == ("this submission", "ACCEPTED")
    quick.types("dlq", "redrive", "--order", "killed", "--yes")
    operator.desk.orders.submit(order_text("after").encode())
    operator.waits_for("after", 1)

    (record,) = operator.waits_for("killed", 1)
    assert record.submission_id == message_id
    assert quick.reads("dlq", "list") == []


def test_a_discard_needs_a_reason_and_keeps_the_text(
    operator: Operator, quick: QuickOperator
) -> None:
    message_id = operator.dead_letter('{"fromAccount": "99999999"')
    assert "--why" in quick.types("dlq", "discard", "--all", "--yes", exit_code=2)

    (health,) = operator.reads("health")
    (done,) = operator.reads("dlq", "discard", "--all", "--why", "not ours", "--yes")

    assert health["status"] == "warn"
    assert (done["planned"], done["done"]) == (1, 1)
    entries = [each for each in quick.reads("audit") if each["what"] == "dlq.discard"]
    assert entries[0]["details"]["message"] == message_id
    assert entries[0]["details"]["payload"] == '{"fromAccount": "****9999"'
    assert "not ours" in quick.types("audit")


def test_archive_and_table_are_reconciled_and_mended(
    operator: Operator, quick: QuickOperator
) -> None:
    s3, bucket = operator.stage.s3, operator.stage.settings.bucket
    orphan = submission(order_text("orphan"))
    OrderArchive(s3, bucket).keep(orphan)
    lost = operator.waits_for("first", 2)[0].s3_key or ""
    s3.delete_object(Bucket=bucket, Key=lost)
    time.sleep(1.1)

    *found, summary = quick.reads("reconcile", "--in-progress", "1s", exit_code=1)
    mended = operator.types("reconcile", "--in-progress", "1s", "--repair", "--yes")
    (record,) = operator.waits_for("orphan", 1)

    assert {each["kind"]: each["key"] for each in found} == {
        "missing": lost,
        "orphan": orphan.archive_key,
    }
    assert summary["findings"] == 2
    assert "2 repaired, 0 left" in mended
    assert record.submission_id == orphan.submission_id
    assert "Archive and table agree, key by key." in quick.types("reconcile", "--in-progress", "1s")


def test_an_overwritten_object_is_found_is_not_shown_and_is_put_right(
    operator: Operator, quick: QuickOperator
) -> None:
    s3, bucket = operator.stage.s3, operator.stage.settings.bucket
    key = operator.waits_for("first", 2)[0].s3_key or ""
    s3.put_object(Bucket=bucket, Key=key, Body=order_text("first", amount=999_999).encode())

    shown = quick.types("orders", "show", "first", "--payload", exit_code=1)
    *found, summary = quick.reads("reconcile", exit_code=1)
    replayed = quick.types("replay", "--into", "forged", "--create", "--yes", exit_code=1)
    mended = quick.types("reconcile", "--repair", "--yes")

    assert "was altered" in shown
    assert "999999" not in shown
    assert [(each["kind"], each["key"]) for each in found] == [("altered", key)]
    assert summary["compared"] >= 1
    assert "altered" in replayed
    assert "NOT EQUAL in all that S3 holds" in replayed
    assert "1 repaired, 0 left" in mended
    payload = quick.types("orders", "show", "first", "--payload", "--show-accounts")
    assert payload.strip() == order_text("first")
    assert "Archive and table agree, byte for byte." in quick.types("reconcile", "--deep")
    assert "objects compared with their SHA-256; --deep" in quick.types("reconcile")


def test_an_order_in_cold_storage_ends_no_command(operator: Operator, quick: QuickOperator) -> None:
    s3, bucket = operator.stage.s3, operator.stage.settings.bucket
    cold = submission(order_text("cold"))
    where: Any = {"Bucket": bucket, "Key": cold.archive_key}
    # As an object that is older than the checksums of the puts.
    s3.put_object(**where, Body=cold.order.payload.encode(), StorageClass="GLACIER")
    time.sleep(1.1)

    *found, _ = quick.reads("reconcile", "--deep", "--in-progress", "1s", exit_code=1)
    left = quick.types("reconcile", "--in-progress", "1s", "--repair", "--yes", exit_code=1)
    replayed = quick.types("replay", "--into", "cold", "--create", "--yes", exit_code=1)
    s3.delete_object(**where)

    assert [each["kind"] for each in found] == ["unreadable", "orphan"]
    assert "it is in GLACIER" in found[0]["note"]
    assert "left alone: it is in GLACIER" in left
    assert "1 unreadable" in replayed
    assert ", 0 the same" not in replayed


def test_records_are_rebuilt_and_proven_equal(operator: Operator, quick: QuickOperator) -> None:
    printed = operator.types("replay", "--into", "rebuilt", "--create", "--yes")
    again = quick.types("replay", "--into", "rebuilt", "--yes", exit_code=1)
    (proof,) = quick.reads("replay", "--into", "rebuilt", "--prove-only")

    assert "Equal in all that S3 holds" in printed
    assert "Table rebuilt has records" in again
    assert proof["isEqual"]
    assert proof["compared"] == proof["equal"] > 3
    missing = quick.types("replay", "--into", "nowhere", "--yes", exit_code=2)
    assert "--create makes it" in missing


def test_what_was_discarded_is_neither_repaired_nor_replayed(
    operator: Operator, quick: QuickOperator
) -> None:
    """Its order was handed in under another id: else both would be accepted."""
    message_id = operator.dead_letter(order_text("order-7"))
    made = submission(order_text("order-7"), message_id)
    OrderArchive(operator.stage.s3, operator.stage.settings.bucket).keep(made)
    quick.types("orders", "submit", order_text("order-7b"))
    operator.waits_for("order-7b", 1)
    discard = ("dlq", "discard", "--order", "order-7", "--why", "resubmitted as order-7b", "--yes")
    operator.types(*discard)
    time.sleep(1.1)

    *found, summary = operator.reads("reconcile", "--in-progress", "1s", "--repair", "--yes")
    shown = quick.types("orders", "show", "order-7", exit_code=1)
    *left_out, proof = quick.reads("replay", "--into", "rebuilt-7", "--create", "--yes")

    assert [(each["kind"], each["key"]) for each in found] == [("discarded", made.archive_key)]
    assert found[0]["decision"]["why"] == "resubmitted as order-7b"
    assert (summary["findings"], summary["discarded"]) == (0, 1)
    assert "was discarded by arn:aws:" in shown
    assert [(each["kind"], each["key"]) for each in left_out] == [("discarded", made.archive_key)]
    assert proof["isEqual"]
    with pytest.raises(OrderNotFound):
        operator.desk.orders.show("order-7")


def test_a_letter_that_was_resubmitted_is_not_redriven(
    operator: Operator, quick: QuickOperator, tmp_path: Path
) -> None:
    message_id = operator.dead_letter(order_text("order-8"))
    mended = tmp_path / "order-8b.json"
    mended.write_text(order_text("order-8b"))

    operator.types("dlq", "resubmit", message_id, "--file", str(mended), "--yes")
    operator.waits_for("order-8b", 1)
    refused = quick.types("dlq", "redrive", "--order", "order-8", "--yes", exit_code=1)
    shown = quick.types("dlq", "show", message_id)
    quick.types("dlq", "discard", "--order", "order-8", "--why", "resubmitted", "--yes")

    assert "resubmitted as order-8b by arn:aws:" in " ".join(refused.split())
    assert "resubmitted as order-8b by arn:aws:" in " ".join(shown.split())
    with pytest.raises(OrderNotFound):
        operator.desk.orders.show("order-8")


def test_statistics_are_shown(operator: Operator, quick: QuickOperator) -> None:
    (found,) = quick.reads("stats", "--last", "1h")

    assert found["total"]["byStatus"]["REJECTED"] >= 1
    assert found["total"]["conflicts"] >= 1
    assert found["complete"]
    assert "p95 ms" in operator.types("stats", "--last", "15m", "--slices", "3")


@pytest.mark.any_configuration
def test_an_unreachable_stage_ends_in_a_sentence() -> None:
    ops = [sys.executable, "-m", "ops"]

    silent = run([*ops, "health", "--aws-port", str(free_port())])
    unknown = run([*ops, "dlq", "list", "--stage", "nowhere"])

    assert (silent.returncode, unknown.returncode) == (3, 3)
    assert "start the local stage with `make run AWS_PORT=" in silent.stderr
    assert "There is no stage 'nowhere'" in unknown.stderr
    assert "Traceback" not in silent.stderr + unknown.stderr
