"""`cost`: what orders cost on AWS."""

import click

from ops.cost.bill import NotMeasured, bill, keys_bill, measured_design, prices, when_measured
from ops.cost.standing import stage_template, standing_charges
from ops.terminal.lines import say

# Next to which ours is shown: what most public order processors do.
COMMON_DESIGN, COMMON_BATCH_SIZE = "serial_boto3", 1


@click.command(epilog="Example: python -m ops cost --orders 1000000 --batch 100")
@click.option(
    "--orders",
    type=click.IntRange(1),
    default=1_000_000,
    show_default=True,
    help="Orders handed in through the API.",
)
@click.option(
    "--batch",
    "batch_size",
    type=click.IntRange(1),
    default=10,
    show_default=True,
    help="Messages in a batch: one of those that `make bench` measures.",
)
@click.option(
    "--channels",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Channels that orders name: each has metrics of its own.",
)
def cost(orders: int, batch_size: int, channels: int) -> None:
    """
    Compute the bill for a number of orders.

    Beside it stands the bill of a query-then-put design, and below it the monthly cost of a stage,
    whatever its traffic.
    """
    price = prices()
    try:
        ours = bill(measured_design("ours", batch_size), orders, price)
    except NotMeasured as error:
        raise click.BadParameter(f"{error}.", param_hint="--batch") from error
    common = bill(measured_design(COMMON_DESIGN, COMMON_BATCH_SIZE), orders, price)
    say(f"{orders:,} orders, {price['currency']}, {price['region']}", "")
    say(_line("", f"batch {batch_size}", "query then put, batch 1"))
    for component, amount in ours.items():
        say(_line(component, f"{amount:,.2f}", f"{common[component]:,.2f}"))
    say(_line("Total", f"{sum(ours.values()):,.2f}", f"{sum(common.values()):,.2f}"))
    say(_line("An Idempotency-Key for each", f"{keys_bill(orders, price):,.2f}"))
    standing = standing_charges(price, channels, stage_template())
    say("", "A stage for a month, whatever its traffic", "")
    for part, amount in {**standing, "Total": sum(standing.values())}.items():
        say(_line(part, f"{amount:,.2f}"))
    say("", f"Prices as of {price['as_of']} or later: {price['source']}.")
    say(f"Calls, units, bytes and times as measured {when_measured()}.")


def _line(component: str, ours: str, common: str = "") -> str:
    return f"{component:<32}{ours:>14}{common:>26}".rstrip()


COMMANDS = [cost]
