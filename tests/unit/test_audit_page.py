"""docs/audit.md: its commands end as it says, and its script verifies a proof by itself."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from ops.cli.commands import main
from ops.desk.seal_findings import SealFault
from tests.made_proofs import KEY, SigningKey
from tests.sealed_stage import SealedStage, sealed_stage

PAGE = Path("docs/audit.md").read_text(encoding="utf-8")
TYPED = re.findall(r"^\$ python -m ops (.*)$", PAGE, re.MULTILINE)
SCRIPT = re.search(r"```bash\n(#!.*?)```", PAGE, re.DOTALL)[1]  # type: ignore[index]
NEEDED = ("bash", "jq", "openssl", "sha256sum")
PROOF = "order-02-0.proof.json"
needs_programs = pytest.mark.skipif(
    not all(map(shutil.which, NEEDED)), reason=f"one of {', '.join(NEEDED)} is missing"
)


@pytest.fixture(scope="module")
def stage() -> Iterator[SealedStage]:
    with sealed_stage() as stage:
        vars(stage.desk)["seals"] = stage.seals()
        yield stage


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a folder with the auditor's copy of the key, and go there."""
    (tmp_path / "key.pem").write_text(KEY.pem, encoding="utf-8")
    (tmp_path / "check-proof.sh").write_text(SCRIPT, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(stage: SealedStage, line: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, line.split(), obj=lambda *_: stage.desk)
    return done.exit_code, done.output


def checked(proof: str = PROOF, key: str = "key.pem") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [shutil.which("bash") or "", "check-proof.sh", proof, key],
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )


def test_the_commands_of_the_page_say_what_it_shows(stage: SealedStage, folder: Path) -> None:
    assert folder
    kept = stage.kept()
    for line in TYPED:
        if "--from" in line:
            # As the page says: a record deleted, a verdict changed, and a text.
            stage.put(stage.item("order-02-1") | {"status": {"S": "REJECTED"}})
            stage.delete(stage.item("order-01-0"))
            stage.put(stage.item("order-03-2") | {"payload": {"S": "{}"}})
        code, said = run(stage, line)
        assert code == ("--from" in line), said
        stage.restore(kept)
        last = said.rstrip().rpartition("\n")[2].split("  ")[0]
        assert last in PAGE

    assert len(TYPED) == 4


def test_the_page_explains_every_finding() -> None:
    rows = " ".join(re.findall(r"^\| (`.*?) \|", PAGE, re.MULTILINE))

    assert {fault.value for fault in SealFault} <= set(re.findall(r"`(\w+)`", rows))


@needs_programs
@pytest.mark.parametrize("order", ["order-01-0", "order-02-0", "order-02-1", "order-03-2"])
def test_the_script_verifies_a_proof(stage: SealedStage, folder: Path, order: str) -> None:
    assert folder
    assert run(stage, f"prove {order} --out {PROOF}")[0] == 0

    done = checked()

    assert done.returncode == 0, done.stderr
    assert f'"order": "{order}"' in done.stdout
    assert stage.item(order)["payloadSha256"]["S"] in done.stdout


@needs_programs
@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (r"1111111", "2222222", "another item"),
        (r'"index": \d+', '"index": 99', "no such leaf"),
        (r'"index": \d+', '"index": -1', "no such leaf"),
        (r'("path": \[\s+")[0-9a-f]{64}', r"\g<1>" + "0" * 64, "the record is not in the seal"),
        # What `printf %b` would take as the end, and so leave out what is hashed behind it.
        (r'("path": \[\s+"[0-9a-f]{64})', r"\g<1>\\\\c", "the path has something else than hashes"),
        (r'("path": \[\s+"[0-9a-f]{64})', r"\g<1>\\n00", "the path has something else than hashes"),
        (r"(order-02-0)(\\\",\\\"0#FIRST)", r"order-02-9\2", "the line names another record"),
        (r"T01:00", "T02:00", "another key signed it, or none"),
        (r'"signature": "M', '"signature": "N', "another key signed it, or none"),
    ],
)
def test_the_script_verifies_no_changed_proof(
    stage: SealedStage, folder: Path, old: str, new: str, why: str
) -> None:
    file = folder / PROOF
    assert run(stage, f"prove order-02-0 --out {PROOF}")[0] == 0
    text = file.read_text(encoding="utf-8")
    changed = re.sub(old, new, text, count=1)
    assert changed != text
    file.write_text(changed, encoding="utf-8")

    done = checked()

    assert done.returncode == 1
    assert f"NOT PROVED: {why}" in done.stderr


@needs_programs
def test_the_script_knows_another_key(stage: SealedStage, folder: Path) -> None:
    (folder / "other.pem").write_text(SigningKey().pem, encoding="utf-8")
    assert run(stage, f"prove order-02-0 --out {PROOF}")[0] == 0

    assert checked(key="other.pem").returncode == 1


@needs_programs
@pytest.mark.parametrize("content", ["", "hello", "[]", "{}", '{"item": 1}'])
def test_the_script_verifies_no_file_that_is_no_proof(folder: Path, content: str) -> None:
    (folder / PROOF).write_text(content, encoding="utf-8")

    assert checked().returncode != 0
