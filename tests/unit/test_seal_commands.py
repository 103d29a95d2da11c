"""`verify-seals`, `prove` and `verify-proof`: their output, exit codes and audit entries."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from chalicelib.services.seal import ONE_DAY
from ops.cli.commands import main
from tests.made_proofs import KEY, SigningKey, proof_of
from tests.sealed_stage import FIRST, THIRD, SealedStage, sealed_stage

ORDER = "order-02-0"


@pytest.fixture(scope="module")
def one_stage() -> Iterator[SealedStage]:
    with sealed_stage() as stage:
        yield stage


@pytest.fixture
def stage(one_stage: SealedStage) -> Iterator[SealedStage]:
    with one_stage.left_as_it_was():
        yield one_stage


def run(stage: SealedStage | None, *words: object) -> Result:
    def open_desk(*_: object) -> Any:
        assert stage
        vars(stage.desk)["seals"] = stage.seals()
        return stage.desk

    return CliRunner().invoke(main, [*map(str, words)], obj=open_desk)


def lines(done: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def pem(folder: Path, key: SigningKey = KEY) -> Path:
    file = folder / "key.pem"
    file.write_text(key.pem, encoding="utf-8")
    return file


def test_a_stage_as_it_was_sealed_is_well(stage: SealedStage) -> None:
    done = run(stage, "verify-seals", "--archive")

    assert done.exit_code == 0
    assert "All is as it was sealed." in done.stdout
    assert "9 records, 3 entries" in done.stdout
    newest = stage.seals().run().newest
    assert f"{THIRD}, digest {newest.digest}" in " ".join(done.stdout.split())


def test_the_objects_that_are_not_compared_are_said(stage: SealedStage) -> None:
    done = run(stage, "verify-seals")

    assert "--archive does" in done.stdout


def test_findings_are_named_and_end_with_exit_code_1(stage: SealedStage) -> None:
    stage.put(stage.item(ORDER) | {"status": {"S": "REJECTED"}})

    done = run(stage, "verify-seals")

    assert done.exit_code == 1
    assert ORDER in done.stdout
    assert "changed" in done.stdout
    assert "1 finding." in done.stdout


def test_findings_are_objects_of_json(stage: SealedStage) -> None:
    stage.delete(stage.item(ORDER))

    finding, summary = lines(run(stage, "verify-seals", "--json"))

    assert (finding["kind"], finding["orderId"], finding["day"]) == ("removed", ORDER, "2026-03-02")
    assert summary["findings"] == {"removed": 1}
    assert summary["newest"]["day"] == str(THIRD)
    assert (summary["records"], summary["entries"]) == (8, 3)


def test_an_object_that_s3_does_not_give_ends_with_exit_code_3(stage: SealedStage) -> None:
    key = stage.item(ORDER)["s3Key"]["S"]
    body = stage.object(key)
    stage.stage.s3.put_object(Bucket=stage.bucket, Key=key, Body=body, StorageClass="GLACIER")

    done = run(stage, "verify-seals", "--archive")

    stage.delete_object(key)
    assert done.exit_code == 3
    assert "unread" in done.stdout
    assert "1 could not be read" in done.stdout


def test_the_key_that_is_given_is_the_one_that_counts(stage: SealedStage, tmp_path: Path) -> None:
    done = run(stage, "verify-seals", "--public-key", pem(tmp_path, SigningKey()))

    assert done.exit_code == 1
    assert "3 findings." in done.stdout


@pytest.mark.parametrize("content", ["", "hello", "-----BEGIN PUBLIC KEY-----\n"])
def test_a_file_that_is_no_key_is_refused(stage: SealedStage, tmp_path: Path, content: str) -> None:
    file = tmp_path / "key.pem"
    file.write_text(content, encoding="utf-8")

    done = run(stage, "verify-seals", "--public-key", file)

    assert done.exit_code == 2
    assert "is no public key of seals" in done.stderr


def test_a_digest_that_was_noted_is_expected(stage: SealedStage) -> None:
    digest = stage.seals().run().newest.digest

    assert run(stage, "verify-seals", "--expect", digest).exit_code == 0
    done = run(stage, "verify-seals", "--expect", "0" * 64)
    assert done.exit_code == 1
    assert "expected" in done.stdout


def test_days_in_the_wrong_order_are_a_typing_error(stage: SealedStage) -> None:
    assert run(stage, "verify-seals", "--from", THIRD, "--to", FIRST).exit_code == 2


def test_days_that_are_not_sealed_say_which_are(stage: SealedStage) -> None:
    done = run(stage, "verify-seals", "--to", "2020-01-01")

    assert done.exit_code == 1
    assert f"{FIRST} to {THIRD} are sealed" in done.stderr


def proof_file(stage: SealedStage, folder: Path, *words: str, order: str = ORDER) -> Path:
    file = folder / "proof.json"
    done = run(stage, "prove", order, "--out", file, *words)
    assert done.exit_code == 0, done.output
    return file


@pytest.mark.parametrize("order", [ORDER, "order-02-2"])
def test_a_proof_is_verified_without_a_stage(
    stage: SealedStage, tmp_path: Path, order: str
) -> None:
    file = proof_file(stage, tmp_path, order=order)

    done = run(None, "verify-proof", file, "--public-key", pem(tmp_path))

    assert done.exit_code == 0, done.output
    said = " ".join(done.stdout.split())
    assert f"order {order} " in said
    assert stage.item(order)["payloadSha256"]["S"] in said
    assert "seal of day 2026-03-02" in said
    assert "own word" not in said
    assert "1111111" not in said


def test_a_proof_says_that_its_key_is_its_own_word(stage: SealedStage, tmp_path: Path) -> None:
    file = proof_file(stage, tmp_path)

    done = run(None, "verify-proof", file)

    assert done.exit_code == 0
    assert "the file's own word" in " ".join(done.stdout.split())
    (facts,) = lines(run(None, "verify-proof", file, "--json"))
    assert facts["keyIsTheFilesOwn"] is True
    assert facts["order"] == ORDER


def test_a_proof_that_is_verified_by_another_key_proves_nothing(
    stage: SealedStage, tmp_path: Path
) -> None:
    file = proof_file(stage, tmp_path)

    done = run(None, "verify-proof", file, "--public-key", pem(tmp_path, SigningKey()))

    assert done.exit_code == 1
    assert "signature is not this key's" in done.stderr


@pytest.mark.parametrize("more", [(), ("--json",)], ids=["list", "json"])
def test_a_proof_shows_texts_of_others_as_text_and_accounts_masked(
    tmp_path: Path, more: tuple[str, ...]
) -> None:
    """Whoever makes a file with a key of their own writes what they like into it."""
    text = {"S": "\x1b[2J 9121000418450200051332 [red]"}
    names = ("orderId", "recordId", "submissionId", "status", "receivedAt", "payloadSha256")
    file = tmp_path / "proof.json"
    changes: dict[str, Any] = dict.fromkeys(names, text)
    file.write_bytes(proof_of(**changes).to_json())

    done = run(None, "verify-proof", file, *more)

    assert done.exit_code == 0
    assert "\x1b" not in done.stdout
    assert done.stdout.count("[red]") == len(names)
    assert "912100041845" not in done.stdout


@pytest.mark.parametrize("content", ["", "hello", "[]", "[" * 100_000, '{"format": 1}'])
def test_a_file_that_is_no_proof_says_so(tmp_path: Path, content: str) -> None:
    file = tmp_path / "proof.json"
    file.write_text(content, encoding="utf-8")

    done = run(None, "verify-proof", file)

    assert done.exit_code == 1
    assert "is no proof" in done.stderr


@pytest.mark.parametrize("name", ["nothing.json", "."])
def test_a_file_that_cannot_be_read_says_so(tmp_path: Path, name: str) -> None:
    done = run(None, "verify-proof", tmp_path / name)

    assert done.exit_code == 3
    assert "can't be read" in done.stderr


def test_a_proof_file_is_for_its_owner_only(stage: SealedStage, tmp_path: Path) -> None:
    file = proof_file(stage, tmp_path)

    assert file.stat().st_mode & 0o077 == 0


def test_a_proof_is_in_the_audit_trail_before_it_is_written(
    stage: SealedStage, tmp_path: Path
) -> None:
    proof_file(stage, tmp_path)

    today = stage.clock.now.date()
    (action, *_) = stage.desk.audit_trail.newest_first(today, today)
    assert (action.what, action.details["where"]) == ("accounts.shown", f"proof of order {ORDER}")


def test_a_submission_is_proved_by_its_id(stage: SealedStage, tmp_path: Path) -> None:
    submission_id = stage.item(ORDER)["submissionId"]["S"]

    file = proof_file(stage, tmp_path, "--submission", submission_id)

    assert json.loads(file.read_bytes())["line"].count(ORDER) == 1


def test_an_order_that_is_not_recorded_has_no_proof(stage: SealedStage, tmp_path: Path) -> None:
    done = run(stage, "prove", "order-none", "--out", tmp_path / "x.json")

    assert done.exit_code == 1
    assert "Nothing is recorded of order-none" in done.stderr


def test_a_record_that_is_not_sealed_yet_has_no_proof_yet(
    stage: SealedStage, tmp_path: Path
) -> None:
    stage.record("order-new", stage.clock.now.date())

    done = run(stage, "prove", "order-new", "--out", tmp_path / "x.json")

    assert done.exit_code == 1
    assert "no proof yet" in done.stderr
    assert "it can be from 2026-03-05T00:15:00.000Z on" in done.stderr
    assert "python -m ops seal" in done.stderr
    assert not (tmp_path / "x.json").exists()
    today = stage.clock.now.date()
    assert not list(stage.desk.audit_trail.newest_first(today, today)), "no accounts were shown"


def test_a_record_that_came_late_is_proved_by_the_seal_that_took_it_in(
    stage: SealedStage, tmp_path: Path
) -> None:
    stage.record("order-late", THIRD, hour=23)
    file = tmp_path / "x.json"
    early = run(stage, "prove", "order-late", "--out", file)
    stage.seal(upto=THIRD + ONE_DAY)

    assert run(stage, "prove", "order-late", "--out", file).exit_code == 0
    assert "sealed as it stands" in run(None, "verify-proof", file).stdout
    assert "seals of the next two days take in what came late" in early.stderr


def test_a_record_that_came_too_late_has_no_proof_at_all(
    stage: SealedStage, tmp_path: Path
) -> None:
    stage.record("order-added", FIRST, hour=23)

    done = run(stage, "prove", "order-added", "--out", tmp_path / "x.json")

    assert done.exit_code == 1
    assert "There is no proof: it is in no seal" in done.stderr


@pytest.mark.parametrize("position", ["hello", "9999-12-31T00:00:00.000Z#0"])
def test_a_record_at_no_place_of_a_list_has_no_proof(
    stage: SealedStage, tmp_path: Path, position: str
) -> None:
    stage.put(stage.item(ORDER) | {"auditPosition": {"S": position}})

    done = run(stage, "prove", ORDER, "--out", tmp_path / "x.json")

    assert done.exit_code == 1
    assert "There is no proof: its item has no place in the audit any more" in done.stderr


def test_a_record_that_was_changed_has_no_proof(stage: SealedStage, tmp_path: Path) -> None:
    stage.put(stage.item(ORDER) | {"receiveCount": {"N": "7"}})

    done = run(stage, "prove", ORDER, "--out", tmp_path / "x.json")

    assert done.exit_code == 1
    assert "was changed since" in done.stderr


def test_a_record_whose_seal_is_not_right_has_no_proof(stage: SealedStage, tmp_path: Path) -> None:
    stage.delete_object(stage.seal_objects(stage.clock.now.date().replace(day=2))[0])

    done = run(stage, "prove", ORDER, "--out", tmp_path / "x.json")

    assert done.exit_code == 1
    assert "it is gone" in done.stderr


def test_a_file_that_cannot_be_written_says_so(stage: SealedStage, tmp_path: Path) -> None:
    done = run(stage, "prove", ORDER, "--out", tmp_path / "none" / "x.json")

    assert done.exit_code == 1
    assert "can't be written" in done.stderr


def test_a_file_that_is_there_is_overwritten_if_one_says_so(
    stage: SealedStage, tmp_path: Path
) -> None:
    file = tmp_path / "x.json"
    file.write_text("mine", encoding="utf-8")

    assert run(stage, "prove", ORDER, "--out", file).exit_code == 1
    assert file.read_text(encoding="utf-8") == "mine"
    assert run(stage, "prove", ORDER, "--out", file, "--yes").exit_code == 0
