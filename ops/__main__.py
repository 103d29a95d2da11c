"""`python -m ops`: the commands of developers and operators."""

import click

from ops.commands import console, dead_letters, local, orders, upkeep, watch


@click.group(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: python -m ops run --port 8080",
)
def main() -> None:
    """Run, watch and deploy the order system."""


for group in (local, orders, dead_letters, watch, upkeep, console):
    for command in group.COMMANDS:
        main.add_command(command)

if __name__ == "__main__":
    main(prog_name="python -m ops")
