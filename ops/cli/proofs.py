"""`prove` and `verify-proof`: a file that proves one record to whoever has nothing but the file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from chalicelib.http.representation import to_json
from chalicelib.orders.order import is_order_id
from chalicelib.orders.times import iso
from chalicelib.services.queries import OrderNotFound
from ops.bulk.durable import replace
from ops.cli.exits import FoundWanting, OutOfReach
from ops.cli.parameters import OrderId, yes_option
from ops.cli.public_keys import keys_said, public_key_option, read_public_key
from ops.cli.session import TABLE_WIDTH, Session, desk_command
from ops.cli.shown_submissions import Wanted, read_submission, submission_options
from ops.cli.tables import show_facts
from ops.desk.masking import masked_text
from ops.desk.proof_file import MOST_BYTES, BadProof, Proof, ProofFails
from ops.desk.proofs import NoProof, NotSealed
from ops.desk.seal_keys import BadKey, PublicKey
from ops.terminal.consoles import PlainConsole
from ops.terminal.lines import agrees, failing_in_one_line, say

if TYPE_CHECKING:
    from chalicelib.orders.record import Record
    from ops.desk.proof_file import Proved

MADE_OF_ACCOUNTS = (
    "The file holds the record's accounts, as they were sealed: the audit trail has an entry."
)


@click.command(
    "prove",
    epilog="""\b
Example: python -m ops prove order-001 --out order-001.proof.json""",
)
@click.argument("order_id", type=OrderId())
@submission_options
@click.option(
    "--out",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="The file to write.",
)
@yes_option
@desk_command
def prove(
    session: Session,
    order_id: str,
    *,
    submission_id: str | None,
    sha256: str | None,
    file: Path,
    yes: bool,
) -> None:
    """
    Write a file that proves what a record holds, and that it was sealed so.

    It proves the order's accepted record, or else its first one; --submission names another. The
    file has the record with its accounts, which a masked one would not prove: so the audit trail
    gets an entry first. `verify-proof` needs nothing but the file.

    Exit code 1: nothing is recorded, it is not sealed yet, or it is not as it was sealed.
    """
    if sha256 and not submission_id:
        raise click.UsageError("--sha256 chooses among the payloads of a --submission.")
    record = _record(session, order_id, submission_id, sha256)
    if not yes and file.exists():
        agrees(f"{_named(file)} is there already. Overwrite it?", abort=True, err=True)
    proof = _proof(session, record)
    session.show_accounts(f"proof of order {order_id}")
    try:
        replace(file, proof.to_json())
    except OSError as error:
        raise click.ClickException(f"{_named(file)} can't be written: {error.strerror}.") from error
    _say_written(session, file, proof)


def _record(
    session: Session, order_id: str, submission_id: str | None, payload_sha256: str | None
) -> Record:
    desk = session.desk
    if submission_id:
        wanted = Wanted(order_id, submission_id, payload_sha256)
        return read_submission(session, wanted).record
    try:
        return desk.orders.show(order_id).order
    except OrderNotFound as error:
        raise FoundWanting(
            f"Nothing is recorded of {order_id} on stage {desk.stage.name}."
        ) from error


def _proof(session: Session, record: Record) -> Proof:
    stage = session.desk.stage
    try:
        with keys_said():
            return session.desk.seals.proofs().of(record)
    except NotSealed as error:
        raise FoundWanting(
            f"There is no proof yet: {error}. `{stage.command('seal')}` seals what is over."
        ) from error
    except NoProof as error:
        raise FoundWanting(
            f"There is no proof: {error}. `{stage.command('verify-seals --table')}` names all such."
        ) from error


def _say_written(session: Session, file: Path, proof: Proof) -> None:
    if session.as_json:
        session.print_json({"file": _named(file), "seal": proof.seal.digest.hex()})
        return
    session.out.print(f"{_named(file)} proves record {masked_text(proof.leaf.record_id)}.")
    session.note(MADE_OF_ACCOUNTS)


@click.command(
    "verify-proof",
    epilog="""\b
Example: python -m ops verify-proof order-001.proof.json --public-key key.pem""",
)
@click.argument("file", type=click.Path(path_type=Path))
@public_key_option
@click.option("--json", "as_json", is_flag=True, help="JSON instead of a list.")
def verify_proof(file: Path, *, public_key: str | None, as_json: bool) -> None:
    """
    Verify a file of `prove`, by itself: it asks neither a stage nor AWS nor a network.

    The file brings a public key along, which is its own word only: give the one that you have from
    elsewhere with --public-key. docs/audit.md does the same with openssl, jq and sha256sum.

    Exit code 1: the file proves nothing. The message says which step fails.
    """
    with failing_in_one_line():
        proof = _read(file)
        key = read_public_key(public_key) if public_key else _own_key(proof, file)
        try:
            proved = proof.verify(key)
        except ProofFails as error:
            raise FoundWanting(f"{_named(file)} proves nothing: {error}.") from error
    _show_proved(proved, key.fingerprint, own_word=public_key is None, as_json=as_json)


def _read(file: Path) -> Proof:
    try:
        with file.open("rb") as opened:
            content = opened.read(MOST_BYTES + 1)
        return Proof.from_json(content)
    except OSError as error:
        raise OutOfReach(f"{_named(file)} can't be read: {error.strerror}.") from error
    except BadProof as error:
        raise FoundWanting(f"{_named(file)} is no proof: {error}.") from error


def _named(file: Path) -> str:
    """Name a file. Its name may be an account."""
    return masked_text(str(file))


def _own_key(proof: Proof, file: Path) -> PublicKey:
    try:
        return PublicKey.from_pem(proof.public_key.encode())
    except BadKey as error:
        raise FoundWanting(f"{_named(file)} brings no public key along: {error}.") from error


def _show_proved(proved: Proved, fingerprint: str, *, own_word: bool, as_json: bool) -> None:
    statement, leaf = proved.statement, proved.leaf
    facts = {
        "order": leaf.order_id if is_order_id(leaf.order_id) else masked_text(leaf.order_id),
        "record": masked_text(leaf.record_id),
        "submission": masked_text(proved.text("submissionId")),
        "status": masked_text(proved.text("status")),
        "receivedAt": masked_text(proved.text("receivedAt")),
        "processedAt": masked_text(proved.text("processedAt")),
        "payloadSha256": masked_text(proved.text("payloadSha256")),
        "stage": masked_text(statement.stage),
        "sealOf": str(statement.day),
        "sealedAt": iso(statement.sealed_at),
        "leaf": proved.place,
        "leaves": statement.leaves,
        "sealDigest": proved.digest,
        "key": fingerprint,
        "keyIsTheFilesOwn": own_word,
    }
    if as_json:
        say(to_json(facts))
        return
    out = PlainConsole()
    out.width = max(out.width, TABLE_WIDTH)
    out.print("Proved: this record was sealed as it stands in the file.")
    show_facts(out, [(LABELS[name], str(value)) for name, value in facts.items() if name in LABELS])
    if own_word:
        out.print(OWN_WORD)


LABELS = {
    "order": "order",
    "record": "record",
    "submission": "submission",
    "status": "status",
    "receivedAt": "received at",
    "processedAt": "processed at",
    "payloadSha256": "SHA-256 of the order as received",
    "stage": "stage",
    "sealOf": "seal of day",
    "sealedAt": "sealed at",
    "sealDigest": "digest of the seal",
    "key": "signed by key",
}
OWN_WORD = (
    "That this is the stage's key is the file's own word: whoever made the file may have made the "
    "key too. Compare its fingerprint with the one that you have from elsewhere, or give that key "
    "with --public-key."
)
COMMANDS = (prove, verify_proof)
