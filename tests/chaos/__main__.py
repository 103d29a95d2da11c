"""`python -m tests.chaos`: the exit code is 0 if nothing was lost and nothing counted twice."""

import os
import sys
import tempfile
import time
from pathlib import Path

import click

from tests.chaos.report import table
from tests.chaos.run import Settings, run
from tests.environment import same_everywhere


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--orders", type=click.IntRange(50, 100_000), default=5_000, show_default=True)
@click.option("--clients", type=click.IntRange(2, 32), default=8, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True, help="Of orders, faults and kills.")
@click.option("--partial-batch", is_flag=True, help="As a packaged deployment answers for batches.")
@click.option(
    "--log", "log_file", type=click.Path(path_type=Path), help="Keep the log of API and worker."
)
def main(orders: int, clients: int, seed: int, partial_batch: bool, log_file: Path | None) -> None:
    """Hand orders in while everything fails now and then, and account for each of them."""
    same = same_everywhere(os.environ)
    os.environ.clear()
    os.environ.update(same)
    began_at = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="orders-chaos-") as directory:
        result = run(
            Settings(orders=orders, clients=clients, seed=seed, partial_batch=partial_batch),
            log_file or Path(directory) / "log",
            lambda step: click.echo(f"  {time.monotonic() - began_at:5.1f} s  {step} ..."),
        )
    click.echo(f"\n{table(result)}\n")
    for findings in (result.before_redrive, result.findings):
        for name in findings.counts:
            for entry in getattr(findings, name)[:20]:
                click.secho(f"{name}: {entry}", fg="red", err=True)
    if result.holds:
        click.secho("Nothing was lost, and nothing was counted twice.", fg="green", bold=True)
    sys.exit(not result.holds)


if __name__ == "__main__":
    main()
