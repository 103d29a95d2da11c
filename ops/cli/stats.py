"""`stats`: counts, ages and depths."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from chalicelib.orders.record import Status
from chalicelib.orders.times import iso
from ops.cli.parameters import Duration
from ops.cli.session import Session, desk_command
from ops.cli.tables import moment, show_facts, show_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ops.desk.stats import Slice, Statistics
    from ops.terminal.tables import Cell


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
        session.print_json(_stats_json(statistics, depths))
        return
    total = statistics.total
    show_facts(
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


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in sorted(counts.items()))


def _words(period: timedelta) -> str:
    hours = period / timedelta(hours=1)
    return f"{hours:g} h" if hours >= 1 else f"{hours * 60:g} min"


COMMANDS = (stats,)
