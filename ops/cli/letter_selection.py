"""The options that choose dead letters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ops.cli.options import options
from ops.cli.parameters import Moment, OrderId
from ops.desk.letter_reasons import REASONS
from ops.desk.letters import Selection

if TYPE_CHECKING:
    from datetime import datetime

selection_options = options(
    click.option("--message", "message_ids", multiple=True, help="This message; may be repeated."),
    click.option(
        "--reason",
        type=click.Choice(REASONS),
        metavar="REASON",
        help="Those with this reason, as `dlq list` shows it.",
    ),
    click.option("--order", "order_id", type=OrderId(), help="Those of this order."),
    click.option("--since", type=Moment(), help="Those last seen since then: 2h, or a time."),
)


def selection_of(
    message_ids: tuple[str, ...],
    reason: str | None,
    order_id: str | None,
    since: datetime | None,
) -> Selection:
    """Make the selection that the options ask for."""
    return Selection(frozenset(message_ids), reason, order_id, since)
