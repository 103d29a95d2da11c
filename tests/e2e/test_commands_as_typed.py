"""
Every command of README and docs runs as it stands, in a fresh shell.

A command that fails here is wrong on its page, or needs something. tests/commands/chosen.py has
the values for what stands for the reader's own (`FILLED`), and the commands that can't be run here,
with the reason (`NOT_RUN`); tests/unit/test_shown_commands.py checks the grammar of all.
tests/commands/typist.py has their order, what they answer and how they end, if not with 0.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builders import order_text
from tests.commands.checkout import Checkout
from tests.commands.chosen import NOT_RUN, typed_commands, why_not_run
from tests.commands.typist import Typist

pytestmark = pytest.mark.timeout(300)

START = 'make run OPTIONS="--no-console --events eventbridge"'
BANNER = re.compile(r"^  ((?:curl|python|make) (?:.*\\\n)*.*)$", re.MULTILINE)
TYPED = typed_commands()
RUN = {each: places for each, places in TYPED.items() if not why_not_run(each)}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory, deployments: Path) -> Iterator[Checkout]:
    checkout = Checkout(tmp_path_factory.mktemp("as typed") / "orders", deployments)
    for name in ("order.json", "order-7b.json"):
        (checkout.directory / name).write_text(order_text(f"mended-{name[:7]}"))
    (checkout.directory / "orders.ndjson").write_text(shown_lines(), "utf-8")
    ready = checkout.type("make --question .venv .venv-aws")
    assert ready.exit_code == 0, "type `make .venv .venv-aws` first: no test installs anything"
    with checkout.warm():
        yield checkout


def shown_lines() -> str:
    """Read the file of orders that docs/operators.md shows."""
    page = Path("docs/operators.md").read_text("utf-8")
    return re.search(r"This is `orders.ndjson`:\n\n```json\n(.*?)```", page, re.DOTALL)[1]  # type: ignore[index]


def test_make_run_shows_commands_that_work(checkout: Checkout) -> None:
    """The first command of all, and those that it prints."""
    with checkout.running("make run", "Ctrl-C stops everything") as log:
        printed = BANNER.findall(log.read_text("utf-8"))
        failed = [
            f"{command}\nended with {done.exit_code}: {done.said}"
            for command in printed
            if (done := checkout.type(command)).exit_code
        ]

    assert len(printed) >= 3, log.read_text("utf-8")
    assert not failed, "\n".join(failed)
    assert "Traceback" not in log.read_text("utf-8")


def test_every_command_of_the_pages_runs_as_it_stands(checkout: Checkout) -> None:
    with checkout.running(START, "Ctrl-C stops everything"):
        failed = Typist(checkout, RUN).type_all()

    assert not failed, "\n\n".join([*failed, __doc__ or ""])


def test_make_knows_what_is_not_run_here(checkout: Checkout) -> None:
    commands = [each for each in TYPED if each.startswith("make ") and why_not_run(each)]

    failed = [each for each in commands if checkout.type(f"{each} --dry-run").exit_code]

    assert commands
    assert not failed


@pytest.mark.parametrize("pattern", NOT_RUN)
def test_each_reason_not_to_run_a_command_is_for_one(pattern: str) -> None:
    assert any(re.search(pattern, command) for command in TYPED), "take it out of NOT_RUN"
