"""`ops seal`: which days it seals, and what it says."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

import pytest
from click.testing import Result

from chalicelib.orders.record import Record
from chalicelib.services.seal import Seal, seal_key
from chalicelib.settings import SEAL_KEY
from ops.desk.desk import Desk
from ops.desk.seal_keys import PublicKey
from ops.desk.stage import Stage
from ops.desk.stage_key import stage_public_key
from tests.builders import order_text, submission
from tests.full_stage import stage_holding
from tests.surfaces import type_words

# Before all that a stage is filled with.
NOW = datetime(2020, 5, 17, 12, tzinfo=UTC)
TODAY = NOW.date()
FIRST = TODAY - timedelta(days=3)
YESTERDAY = TODAY - timedelta(days=1)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Open a local stage, a day after the last of its records: three days can be sealed."""
    with stage_holding("plain") as desk:
        environment = {**desk.stage.environment}
        del environment[SEAL_KEY]
        made = replace(
            cast("Any", desk.stage), environment=environment, key_file=key_file(tmp_path)
        )
        local = Desk(cast("Stage", made), clock=lambda: NOW)
        moment = NOW - timedelta(days=3)
        local.records.take(Record.of_first(submission(order_text("order-1")), moment))
        yield local


def key_file(folder: Path) -> Path:
    return folder / "keys" / "seal-key.pem"


def seal(desk: Desk, *words: str, exit_code: int = 0) -> Result:
    done = type_words(desk, ["seal", *words])
    assert done.exit_code == exit_code, done.output
    return done


def sealed(desk: Desk, day: date) -> Seal:
    answer = desk.stage.s3.get_object(Bucket=desk.stage.settings.bucket, Key=seal_key(day))
    return Seal.from_json(answer["Body"].read())


def trail(desk: Desk) -> list[dict[str, str]]:
    actions = desk.audit_trail.newest_first(FIRST, TODAY)
    return [dict(action.details) for action in actions if action.what == "seals.made"]


def test_each_day_that_is_over_is_sealed_and_shown(desk: Desk) -> None:
    done = seal(desk)

    lines = done.stdout.splitlines()
    days = [FIRST + timedelta(days=number) for number in range(3)]
    assert [line[:10] for line in lines[::3]] == [str(day) for day in days]
    assert re.fullmatch(rf"{FIRST}  1 records, 0 entries: [0-9.]+ s", lines[0])
    for day, root, digest in zip(days, lines[1::3], lines[2::3], strict=True):
        assert root == f"  root    {sealed(desk, day).statement.root}"
        assert digest == f"  digest  {sha256(sealed(desk, day).text.encode()).hexdigest()}"
    assert re.search(r"Days sealed: 3. [0-9.]+ s.", done.stderr)


def test_the_key_file_of_the_local_stage_signs(desk: Desk) -> None:
    seal(desk)

    made = sealed(desk, FIRST)
    key = stage_public_key(desk.stage)
    assert isinstance(key, PublicKey)
    assert key.verify(made.signature, made.digest)
    assert desk.stage.key_file.exists()


def test_the_audit_trail_says_first_what_is_sealed_why_and_by_whom(desk: Desk) -> None:
    seal(desk, "--why", "for the auditor")

    (entry,) = trail(desk)
    assert entry == {"first": str(FIRST), "last": str(YESTERDAY)}


def test_nothing_to_seal_is_said_and_no_entry_is_written(desk: Desk) -> None:
    seal(desk)

    done = seal(desk)

    assert done.stdout.startswith("Nothing to seal")
    assert "A day is over 15 minutes after midnight" in done.stdout
    assert len(trail(desk)) == 1


def test_days_can_be_named(desk: Desk) -> None:
    start = FIRST + timedelta(days=1)

    done = seal(desk, "--from", str(start), "--through", str(start), "--json")

    (line,) = map(json.loads, done.stdout.splitlines())
    made = sealed(desk, start)
    assert line.pop("seconds") >= 0
    assert line == {
        "day": str(start),
        "records": 0,
        "entries": 0,
        "late": 0,
        "root": made.statement.root,
        "digest": made.digest.hex(),
        "keyId": made.key_id,
    }


def test_nothing_to_seal_is_no_line_for_machines(desk: Desk) -> None:
    seal(desk)

    assert seal(desk, "--json").stdout == ""


def test_what_came_late_is_said(desk: Desk) -> None:
    seal(desk, "--through", str(FIRST))
    moment = NOW.replace(hour=11) - timedelta(days=3)
    desk.records.take(Record.of_first(submission(order_text("order-2")), moment))

    done = seal(desk)

    assert "1 records, 0 entries, 1 of them late" in done.stdout.splitlines()[0]


@pytest.mark.parametrize("option", ["--through", "--from"])
def test_a_day_that_is_not_over_is_refused_with_what_to_type(desk: Desk, option: str) -> None:
    done = seal(desk, option, str(TODAY), exit_code=1)

    assert f"{TODAY} is not over: it can be sealed from" in done.stderr
    assert "To seal what is over, type `python -m ops seal`." in done.stderr
    assert trail(desk) == []


def test_a_gap_in_the_chain_is_refused_with_what_to_type(desk: Desk) -> None:
    seal(desk, "--through", str(FIRST))

    done = seal(desk, "--from", str(YESTERDAY), exit_code=1)

    assert f"the seals begin with {FIRST}" in done.stderr
    assert "type `python -m ops seal`" in done.stderr


def test_a_first_day_long_ago_is_asked_about(desk: Desk) -> None:
    moment = NOW.replace(year=1971, month=1, day=1)
    desk.records.take(Record.of_first(submission(order_text("order-0")), moment))

    done = seal(desk, exit_code=1)

    assert "1971-01-01: these are too many days at once. Say with --from" in done.stderr


def test_a_stage_on_aws_without_a_key_is_told_what_to_do(desk: Desk) -> None:
    deployed = replace(cast("Any", desk.stage), name="dev")

    done = seal(Desk(deployed), "--stage", "dev", exit_code=3)

    assert "Stage dev has no key to sign seals with" in done.stderr
    assert "SealKeyArn" in done.stderr
    assert "`python -m ops resources up --stage dev`" in done.stderr


def test_a_key_file_that_is_none_is_named(desk: Desk) -> None:
    desk.stage.key_file.parent.mkdir()
    desk.stage.key_file.write_text("no key", encoding="utf-8")

    done = seal(desk, exit_code=3)

    assert "seal-key.pem holds no private key" in done.stderr


def test_a_chain_that_is_broken_ends_it(desk: Desk) -> None:
    seal(desk, "--through", str(YESTERDAY - timedelta(days=1)))
    bucket, key = desk.stage.settings.bucket, seal_key(FIRST)
    desk.stage.s3.delete_object(Bucket=bucket, Key=key)

    done = seal(desk, exit_code=1)

    assert f"the seal of {FIRST} is gone" in done.stderr
    assert "docs/operating.md" in done.stderr


def test_a_day_that_somebody_else_sealed_meanwhile_is_counted(desk: Desk) -> None:
    sealing = desk.sealing
    days = sealing.unsealed_days()

    class Late:
        """Lists the days that are to be sealed, before somebody else seals one of them."""

        def unsealed_days(self, *_: object) -> list[date]:
            list(sealing.seal(days[:1]))
            return days

        def seal(self, of: list[date]) -> Iterator[Seal]:
            return sealing.seal(of)

    vars(desk)["sealing"] = Late()

    done = seal(desk)

    assert "Days sealed: 3, 1 of them by somebody else meanwhile." in done.stderr
