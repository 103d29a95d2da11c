"""The overview: which channels are silent."""

import re

import pytest

from chalicelib.orders.order import parse_order
from chalicelib.orders.settle import settle
from chalicelib.orders.submission import Submission
from chalicelib.orders.times import now
from ops.desk.desk import Desk
from tests.builders import order_text
from tests.console_pages import console_of
from tests.coroutines import run_apart
from tests.full_stage import stage_holding


def empty(desk: Desk) -> None:
    """Delete every item of the table."""
    client, table = desk.stage.dynamodb, desk.stage.settings.table
    for item in client.scan(TableName=table)["Items"]:
        key = {name: item[name] for name in ("orderId", "recordId")}
        client.delete_item(TableName=table, Key=key)


def overview(desk: Desk) -> str:
    async def look() -> str:
        async with console_of(desk) as visitors:
            return (await visitors.open("/")).text

    return run_apart(look())


@pytest.mark.parametrize(
    ("channels", "silent"),
    [
        (["web"], ["Mobile, ATM"]),
        (["web", "mobile", "atm"], []),
        # Then nothing at all came, which the page says.
        ([], []),
    ],
)
def test_the_overview_names_the_channels_of_which_no_order_came(
    channels: list[str], silent: list[str]
) -> None:
    with stage_holding("plain") as desk:
        empty(desk)
        for channel in channels:
            order = parse_order(order_text(f"of-{channel}", channel=channel))
            settle(Submission(order, channel, now()), desk.records.take, now())

        text = overview(desk)

    assert re.findall(r"No order in this period by: ([^.]+)\.", text) == silent
