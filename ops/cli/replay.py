"""`replay`: the table rebuilt from the archive, and the proof that they are equal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from ops.cli.decisions import decision_json
from ops.cli.exits import FOUND_WANTING
from ops.cli.parameters import show_accounts_option, why_option, yes_option
from ops.cli.session import Session, desk_command
from ops.cli.tables import show_rows
from ops.desk.order_table import LEFT_OUT
from ops.desk.proof import Difference, Progress
from ops.desk.replay import TableNotEmpty

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ops.desk.order_table import OrderTable
    from ops.desk.proof import Unequal

SHOWN = 20
WHAT_IT_MEANS = {
    Difference.MISSING: "recorded, but not rebuilt",
    Difference.EXTRA: "rebuilt, but not recorded",
    Difference.CONTENT: "not the same content",
    Difference.VERDICT: "another verdict: S3 does not tell which submission was recorded first",
    Difference.ALTERED: "the object's bytes are not those that its key names",
    Difference.UNREADABLE: "no order can be read from the object",
    Difference.DISCARDED: "left out, as an operator decided",
}


@click.command(
    epilog="""\b
Example: python -m ops replay --into orders-local.rebuilt --create
Example: python -m ops replay --into orders-prod --stage prod"""
)
@click.option("--into", required=True, help="The table to rebuild into. It must be empty.")
@click.option("--create", is_flag=True, help="Create it, to be compared and deleted.")
@click.option("--resume", is_flag=True, help="Go on with a replay that was broken off.")
@click.option("--prove-only", is_flag=True, help="Rebuild nothing, only compare.")
@why_option
@show_accounts_option
@yes_option
@desk_command
def replay(
    session: Session,
    *,
    into: str,
    create: bool,
    resume: bool,
    prove_only: bool,
    why: str,
    show_accounts: bool,
    yes: bool,
) -> None:
    """
    Rebuild the table's records from S3.

    They go into an empty table, and are proven equal. Every object is read, checked against the
    SHA-256 in its key, and settled as the processor does. Then the rebuilt table is compared,
    over all records that have an object, with the stage's own table; or with the objects
    themselves, if it is the stage's own that was rebuilt.

    \b
    What S3 does not hold can't come back:
    - rejected orders, and that a correction came after one;
    - times (a rebuilt record has its object's), receive counts (0), who handed it in, and a channel
      that came as a message attribute;
    - which of several submissions of an order was recorded first, if that is not the one that was
      archived first.
    What operators discarded is left out, unless `reconcile --repair` has written down that it was
    processed all the same, since its sender handed it in again.

    Equality is proven over the rest. Verdicts that came out otherwise are counted.

    Exit code 1: not equal.
    """
    if show_accounts:
        session.show_accounts(f"replay into {into}")
    target = _target_table(session, into, create=create, yes=yes)
    progress = Progress()
    unequal: list[Unequal] = []
    if not prove_only:
        own = into == _own_table(session)
        live = f", the live table of stage {session.desk.stage.name}" if own else ""
        session.confirm(f"Rebuild records from S3 into table {into}{live}?", yes=yes)
        _rebuild(session, target, progress, unequal, resume=resume, why=why)
    _prove(session, target, progress, unequal, after_rebuild=not prove_only)
    _show_proof(session, into, progress, unequal)
    if not progress.is_equal:
        sys.exit(FOUND_WANTING)


def _own_table(session: Session) -> str:
    return session.desk.stage.settings.table


def _target_table(session: Session, into: str, *, create: bool, yes: bool) -> OrderTable:
    target = session.desk.table(into)
    if not target.exists():
        if not create:
            raise click.UsageError(f"There is no table {into}: --create makes it.")
        session.confirm(f"Create table {into}?", yes=yes)
        target.create_like(_own_table(session), session.desk.stage.kms_key_arn)
        session.note(
            f"Made table {into}, to be compared: it has no {', no '.join(LEFT_OUT.values())}. "
            "Delete it afterwards, since it holds orders."
        )
    return target


def _rebuild(
    session: Session,
    target: OrderTable,
    progress: Progress,
    unequal: list[Unequal],
    *,
    resume: bool,
    why: str,
) -> None:
    take = session.desk.record_store(target.name).take
    rebuilding = session.desk.replay.rebuild(progress, target, take, resume=resume, why=why)
    try:
        with session.progress("objects") as show:
            progress.on_change = lambda: show(progress.objects)
            _collect(session, rebuilding, unequal)
    except TableNotEmpty as error:
        raise click.ClickException(str(error)) from error


def _prove(
    session: Session,
    target: OrderTable,
    progress: Progress,
    unequal: list[Unequal],
    *,
    after_rebuild: bool,
) -> None:
    desk, own = session.desk, _own_table(session)
    proof = (
        desk.replay.prove_against_archive(progress, target, after_rebuild=after_rebuild)
        if target.name == own
        else desk.replay.prove(progress, desk.table(own), target)
    )
    with session.progress("records compared") as show:
        progress.on_change = lambda: show(progress.compared)
        _collect(session, proof, unequal)


def _collect(session: Session, source: Iterator[Unequal], unequal: list[Unequal]) -> None:
    for each in source:
        shown = each if session.accounts_shown else each.masked
        if session.as_json:
            session.print_json(_difference_json(shown))
        elif sum(other.kind is each.kind for other in unequal) < SHOWN:
            unequal.append(shown)


def _difference_json(unequal: Unequal) -> dict[str, Any]:
    decision = decision_json(unequal.decision) if unequal.decision else None
    return {
        "type": "difference",
        "kind": unequal.kind.value,
        "key": unequal.key,
        "decision": decision,
    }


def _show_proof(session: Session, into: str, progress: Progress, unequal: list[Unequal]) -> None:
    own = _own_table(session)
    against = "the archive" if into == own else own
    if session.as_json:
        session.print_json(_proof_json(into, against, progress))
        return
    session.out.print(
        f"{progress.objects:,} objects read, {progress.rebuilt:,} submissions settled into {into}."
    )
    rows = ((each.kind.value, each.key, each.note or WHAT_IT_MEANS[each.kind]) for each in unequal)
    if unequal:
        show_rows(session.out, ("difference", "key", "what it means"), rows, "")
    for each in unequal:
        if each.decision:
            session.out.print(f"{each.key}: {each.decision}.")
    verdict = "Equal" if progress.is_equal else "NOT EQUAL"
    of_objects = progress.objects or into == own
    scope = (
        "all that S3 holds" if of_objects else "the records of S3's objects, which were not read"
    )
    told = ", ".join(f"{n:,} {kind.value}" for kind, n in sorted(progress.differences.items()))
    session.out.print(
        f"{verdict} in {scope}: {progress.compared:,} compared with {against}, "
        f"{progress.equal:,} the same{f', {told}' if told else ''}."
    )


def _proof_json(into: str, against: str, progress: Progress) -> dict[str, Any]:
    return {
        "type": "summary",
        "into": into,
        "against": against,
        "objects": progress.objects,
        "rebuilt": progress.rebuilt,
        "compared": progress.compared,
        "equal": progress.equal,
        "differences": {kind.value: n for kind, n in progress.differences.items()},
        "isEqual": progress.is_equal,
    }


COMMANDS = (replay,)
