"""`health`, `stats` and `audit`: how a stage is, and what operators did to it."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click
from rich.text import Text

from chalicelib.health import HealthStatus
from chalicelib.representation import health_json
from chalicelib.submissions import Status, iso
from ops.cli.exits import FOUND_WANTING
from ops.cli.session import (
    Duration,
    Session,
    desk_command,
    limit_option,
    period,
    period_options,
    show_accounts_option,
)
from ops.cli.tables import facts, limited, moment, show_rows
from ops.desk.masking import masked_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ops.cli.tables import Cell
    from ops.desk.audit_trail import Action
    from ops.desk.stats import Slice, Statistics

HEALTH_STYLES = {HealthStatus.PASS: "green", HealthStatus.WARN: "yellow", HealthStatus.FAIL: "red"}
SHOWN_DETAIL = 120
# For machines: the order and the submission say as much to people.
NOT_SHOWN = {"payloadSha256", "key"}


@click.command(epilog="Example: python -m ops health --stage prod")
@desk_command
def health(session: Session) -> None:
    """
    Check each thing that the system depends on.

    Exit code 1: one of them fails. A warning (the DLQ is not empty) is none.
    """
    report = session.desk.health()
    if session.as_json:
        session.line(health_json(report))
    else:
        show_rows(
            session.out,
            ("dependency", "status", "ms", "remark"),
            (
                (
                    name,
                    Text(check.status.value, HEALTH_STYLES[check.status]),
                    str(check.observed_ms),
                    check.output,
                )
                for name, check in report.checks.items()
            ),
            "Nothing to check.",
        )
    if report.status is HealthStatus.FAIL:
        sys.exit(FOUND_WANTING)


@click.command(
    epilog="""\b
Example: python -m ops stats --last 24h --slices 24
Example: python -m ops stats --last 15m --json"""
)
@click.option("--last", type=Duration(), default=timedelta(hours=1), help="[default: 1h]")
@click.option("--slices", type=click.IntRange(1, 500), default=6, show_default=True)
@desk_command
def stats(session: Session, last: timedelta, slices: int) -> None:
    """
    Show counts, ages and depths.

    Of the last hour, or as --last says. The age of an order is the time from its being handed in
    to its being recorded. Percentiles are right to within 5%.
    """
    with session.progress("reading records"):
        statistics = session.desk.stats.of_last(last, slices=slices)
    depths = session.desk.stats.depths()
    if session.as_json:
        session.line(_stats_json(statistics, depths))
        return
    total = statistics.total
    facts(
        session.out,
        [
            ("recorded", f"{total.count:,} in {_words(last)}"),
            ("by channel", _counts(total.by_channel) or None),
            ("queue", f"{depths['queue']:,} waiting, {depths['inFlight']:,} being processed"),
            (
                "dead letters",
                f"{depths['deadLetters']:,}, {depths['deadLettersHidden']:,} with an operator",
            ),
        ],
    )
    show_rows(
        session.out,
        ("from (UTC)", *(status.value for status in Status), "conflicts", "p50 ms", "p95 ms"),
        [*map(_slice_row, statistics.slices), _slice_row(total, "all")],
        "",
    )


@click.command(
    epilog="""\b
Example: python -m ops audit --from 2026-01-01
Example: python -m ops audit --json | jq 'select(.what == "dlq.discard")'"""
)
@period_options
@limit_option
@show_accounts_option
@desk_command
def audit(session: Session, limit: int, show_accounts: bool, first_day: Any, last_day: Any) -> None:
    """
    Show what operators did, newest first.

    Who, when, what and why. A discarded dead letter's text is kept here, with its accounts masked.
    """
    first, last = period(first_day, last_day)
    if show_accounts:
        session.desk.record_accounts_shown("audit trail")
    actions = limited(session.desk.audit_trail.newest_first(first, last), limit)
    if session.as_json:
        for action in actions:
            session.line(_action_json(action, show_accounts=show_accounts))
        return
    show_rows(
        session.out,
        ("when (UTC)", "who", "what", "why", "details"),
        (_action_row(action, show_accounts=show_accounts) for action in actions),
        f"No operator did anything from {first} to {last}.",
    )


def _slice_row(part: Slice, name: str | None = None) -> Sequence[Cell]:
    return (
        name or moment(part.start),
        *(f"{part.by_status[status.value]:,}" for status in Status),
        f"{part.conflicts:,}",
        *(_age(part, percent) for percent in (50, 95)),
    )


def _age(part: Slice, percent: float) -> str:
    age = part.ages.percentile(percent)
    return "" if age is None else f"{age:,}"


def _stats_json(statistics: Statistics, depths: Mapping[str, int]) -> dict[str, Any]:
    return {
        "from": iso(statistics.start),
        "to": iso(statistics.end),
        "complete": statistics.complete,
        "depths": dict(depths),
        "total": _slice_json(statistics.total),
        "slices": [_slice_json(part) for part in statistics.slices],
    }


def _slice_json(part: Slice) -> dict[str, Any]:
    return {
        "start": iso(part.start),
        "count": part.count,
        "byStatus": {status.value: part.by_status[status.value] for status in Status},
        "byChannel": dict(part.by_channel),
        "conflicts": part.conflicts,
        "corrections": part.corrections,
        "retried": part.retried,
        "ageMs": {f"p{percent}": part.ages.percentile(percent) for percent in (50, 95, 99)},
    }


def _action_json(action: Action, *, show_accounts: bool) -> dict[str, Any]:
    return {
        "at": iso(action.at),
        "who": action.who,
        "what": action.what,
        "stage": action.stage,
        "why": action.why,
        "details": _details(action, show_accounts=show_accounts),
    }


def _action_row(action: Action, *, show_accounts: bool) -> Sequence[Cell]:
    details = _details(action, show_accounts=show_accounts)
    shown = ", ".join(
        f"{name} {value[:SHOWN_DETAIL]}{'…' if len(value) > SHOWN_DETAIL else ''}"
        for name, value in details.items()
        if name not in NOT_SHOWN
    )
    return (moment(action.at), action.who, action.what, action.why, shown)


def _details(action: Action, *, show_accounts: bool) -> dict[str, str]:
    """The text of a discarded letter is in its entry, and holds accounts."""
    return {
        name: masked_text(value) if name == "payload" and not show_accounts else value
        for name, value in sorted(action.details.items())
    }


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in sorted(counts.items()))


def _words(period: timedelta) -> str:
    hours = period / timedelta(hours=1)
    return f"{hours:g} h" if hours >= 1 else f"{hours * 60:g} min"


COMMANDS = (health, stats, audit)
