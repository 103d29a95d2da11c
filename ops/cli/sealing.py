"""`seal`: the days that are over, each sealed once."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from chalicelib.services.chain import ChainBroken
from chalicelib.services.sealing import CannotSeal, TooManyDays
from ops.cli.exits import FoundWanting, OutOfReach
from ops.cli.parameters import Day, why_option
from ops.cli.session import Session, desk_command
from ops.desk.key_file import KeyFileUnusable
from ops.desk.stage_key import NoKey

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from chalicelib.services.seal import Seal
    from chalicelib.services.sealing import Sealing


@click.command(
    "seal",
    epilog="""\b
Example: python -m ops seal
Example: python -m ops seal --from 2026-01-01 --through 2026-01-31 --stage prod""",
)
@click.option(
    "--from",
    "first",
    type=Day(),
    help="Day of the first seal of all, in UTC  [default: the first day that has anything]",
)
@click.option(
    "--through", type=Day(), help="Last day to seal, in UTC  [default: the last that is over]"
)
@why_option
@desk_command
def seal(session: Session, *, first: date | None, through: date | None, why: str) -> None:
    """
    Seal each day that is over and has no seal yet.

    A seal holds a hash of each record and of each operators' entry of a UTC day, under one root and
    one signature, and is chained to the seal of the day before. What came in after its day was
    sealed goes into a later seal, as late. It is safe to run again, and to run twice at a time.

    The digest is what the next seal is chained to. Keep the newest one where nobody who may write
    to the stage can change it: it tells whether the end of the chain was cut off.

    A day is over 15 minutes after midnight.
    """
    try:
        sealing = session.desk.sealing
        days = sealing.unsealed_days(first, through)
        if days:
            session.desk.audit_trail.write("seals.made", why=why, first=days[0], last=days[-1])
            _seal(session, sealing, days)
        elif not session.as_json:
            session.out.print(
                "Nothing to seal: each day that is over and has anything is sealed. "
                "A day is over 15 minutes after midnight, in UTC."
            )
    except (NoKey, KeyFileUnusable) as error:
        raise OutOfReach(f"{str(error).rstrip('.')}.") from error
    except CannotSeal as error:
        raise FoundWanting(f"{error}. {_advice(session, error)}") from error
    except ChainBroken as error:
        raise FoundWanting(
            f"No seal can be chained to those before: {error}. See docs/operating.md, under "
            '"A seal is gone, or was changed".'
        ) from error


def _seal(session: Session, sealing: Sealing, days: list[date]) -> None:
    begun = time.monotonic()
    made = 0
    for sealed, seconds in _timed(sealing.seal(days)):
        made += 1
        if session.as_json:
            session.print_json(_seal_json(sealed, seconds))
        else:
            _show(session, sealed, seconds)
    others = len(days) - made
    meanwhile = f", {others:,} of them by somebody else meanwhile" if others else ""
    session.note(f"Days sealed: {len(days):,}{meanwhile}. {time.monotonic() - begun:.1f} s.")


def _advice(session: Session, error: CannotSeal) -> str:
    if isinstance(error, TooManyDays):
        return "Say with --from with which day the seals begin."
    return f"To seal what is over, type `{session.desk.stage.command('seal')}`."


def _timed(seals: Iterator[Seal]) -> Iterator[tuple[Seal, float]]:
    begun = time.monotonic()
    for each in seals:
        yield each, time.monotonic() - begun
        begun = time.monotonic()


def _show(session: Session, sealed: Seal, seconds: float) -> None:
    statement = sealed.statement
    late = f", {statement.late:,} of them late" if statement.late else ""
    session.out.print(
        f"{statement.day}  {statement.records:,} records, {statement.entries:,} entries{late}: "
        f"{seconds:.1f} s"
    )
    session.out.print(f"  root    {statement.root}")
    session.out.print(f"  digest  {sealed.digest.hex()}")


def _seal_json(sealed: Seal, seconds: float) -> dict[str, Any]:
    statement = sealed.statement
    return {
        "day": str(statement.day),
        "records": statement.records,
        "entries": statement.entries,
        "late": statement.late,
        "root": statement.root,
        "digest": sealed.digest.hex(),
        "keyId": sealed.key_id,
        "seconds": round(seconds, 1),
    }


COMMANDS = (seal,)
