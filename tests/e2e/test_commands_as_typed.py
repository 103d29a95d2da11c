"""
Every command of README and docs runs as it stands, in a fresh shell.

A command that fails is wrong on its page, or needs something: what stands for a value
is in `FILLED`, what comes before it in `_before`, an exit code other than 0 in `ENDS_WITH`. One
that can't be run here is in `NOT_RUN`, with the reason; its grammar is checked all the same, in
tests/unit/test_shown_commands.py.
"""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import boto3
import pytest

from ops.local_stage import ACCESS_KEY, REGION, SECRET_KEY
from tests.builders import order_text
from tests.commands.checkout import Checkout, Done
from tests.commands.grammar import Incomplete, require_typable
from tests.commands.pages import Shown, commands_of_pages
from tests.commands.printed import commands_in
from tests.e2e.client import ApiClient, eventually

Found = TypeVar("Found")

pytestmark = pytest.mark.timeout(300)

NOT_RUN = {
    r"^make (test|check|unit|lint|coverage|chaos|fuzz|screenshots|bench|bench-scale)\b": (
        "it is the tests, the gate or a measurement: minutes"
    ),
    r"^make (lock|audit|aws-parts|vendor|\.venv\S*)\b|PYTHON=": "it installs, or asks PyPI",
    r"^make run\b": "test_make_run.py types it, and so does the first test below",
    r"ops events tail --stage": "test_events_tail.py does: it needs a stage that publishes events",
    r"^(aws|sam|docker|npm) ": "it is not needed, so it may not be installed",
    r"^git tag|^rm -r vendor": "it is of a release, or undoes a command that is not run",
    r"^SIMULATION=deep": "minutes",
    r"^python -m ops (deploy|package)\b": "`make deploy` and `make package` type this very line",
    r"python -m ops verify(?! --only)": "test_verify.py types it: all checks",
    r"^make deploy STAGE=prod": "it shows a refusal of a stage that wants another Python",
}
FILLED = {
    r"\bMESSAGE[-_]ID\b|\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b": "LETTER",
    r"\bSTAGE\b(?!=)": "dev",
    r"\b(ORDER[-_])?ID\b": "order-001",
    r"\bNAME\b": "eu",
    r" OUT=build$": "",  # as without it
}
"""What stands on a page for a value of one's own. LETTER is the id of a dead letter."""
RUNS_FOR_EVER = {
    r"python -m ops console": "Console of stage",
    r"python -m ops events tail": "Ctrl-C",  # nobody hands an order in meanwhile
    r"python -m ops orders tail(?!.*--count)": "Ctrl-C",
}
"""Commands that Ctrl-C ends, with what they say once they are up."""
ENDS_WITH = {
    r"python -m ops lint": {1},  # the emulator keeps no point-in-time recovery
    r"python -m ops (reconcile|health)": {0, 1},  # something may be wrong just then
}
ANSWERS = {r"--delete-data": "dev\n"}
"""What is typed where a command asks; elsewhere yes."""
ORDER_OF_A_STAGE = (
    r"health --stage prod",  # docs/operators.md shows it without resources
    r"resources up",
    r"git diff",
    r"chalice deploy",
    r"chalice delete",
    r"make deploy",
    r"dlq redrive --all",  # before a letter is resubmitted, which can't be redriven then
    r"",  # all others
    r"make destroy(?!.*--delete-data)",
    r"--delete-data",
    r"^(unset|git checkout|rm) ",
)
"""What is typed first and last for stages on AWS; README's and the pages' own order."""
ON_AWS = re.compile(r"--stage (?!local)|STAGE=|^chalice|\$URL|^git|AWS_|^rm ")
CHANGES = re.compile(r"ops (dlq|verify|reconcile|replay|orders submit)")
REHEARSAL = (
    f"export AWS_ENDPOINT_URL=http://127.0.0.1:4566 AWS_ACCESS_KEY_ID={ACCESS_KEY} "
    f"AWS_SECRET_ACCESS_KEY={SECRET_KEY} AWS_DEFAULT_REGION={REGION}"
)
HISTORY = "CHANGELOG.md"
"""It tells of commands, and has none to type."""
START = 'make run OPTIONS="--no-console --events eventbridge"'
BANNER = re.compile(r"^  ((?:curl|python|make) (?:.*\\\n)*.*)$", re.MULTILINE)


def typed_commands() -> dict[str, list[Shown]]:
    """Find the commands to run, each once, with the places that show it."""
    found: dict[str, list[Shown]] = {}
    for shown in commands_of_pages():
        if shown.page != HISTORY and not _is_of_the_tour(shown) and not _is_a_name(shown):
            found.setdefault(filled(shown.text), []).append(shown)
    return found


def _is_of_the_tour(shown: Shown) -> bool:
    """test_readme.py types it, and compares all that it prints."""
    return shown.page.startswith("README") and shown.output is not None


def _is_a_name(shown: Shown) -> bool:
    """Tell whether a sentence names a command that needs more to be typed, as `make deploy`."""
    try:
        require_typable(shown.text)
    except Incomplete:
        return shown.in_sentence
    except ValueError:
        pass  # test_shown_commands.py says so; here it fails as it does for a reader
    return False


def filled(command: str) -> str:
    """Fill in what stands for a value, and leave the comment out."""
    for pattern, value in {r" +# .*$": "", **FILLED}.items():
        command = re.sub(pattern, value, command)
    return command


def why_not_run(command: str) -> str | None:
    return next((why for pattern, why in NOT_RUN.items() if re.search(pattern, command)), None)


TYPED = typed_commands()


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory, deployments: Path) -> Checkout:
    checkout = Checkout(tmp_path_factory.mktemp("as typed") / "orders", deployments)
    for name in ("order.json", "order-7b.json"):
        (checkout.directory / name).write_text(order_text(f"mended-{name[:7]}"))
    ready = checkout.type("make --question .venv .venv-aws")
    assert ready.exit_code == 0, "type `make .venv .venv-aws` first: no test installs anything"
    return checkout


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
        failed = Typist(checkout).type_all(each for each in TYPED if not why_not_run(each))

    assert not failed, "\n\n".join([*failed, __doc__ or ""])


def test_make_knows_what_is_not_run_here(checkout: Checkout) -> None:
    commands = [each for each in TYPED if each.startswith("make ") and why_not_run(each)]

    failed = [each for each in commands if checkout.type(f"{each} --dry-run").exit_code]

    assert commands
    assert not failed


@pytest.mark.parametrize("pattern", NOT_RUN)
def test_each_reason_not_to_run_a_command_is_for_one(pattern: str) -> None:
    assert any(re.search(pattern, command) for command in TYPED), "take it out of NOT_RUN"


class Typist:
    """
    Types commands in three lanes at once.

    One is for the stages on AWS, one for what changes the local stage, one for what reads it.
    """

    def __init__(self, checkout: Checkout) -> None:
        self._checkout = checkout
        self._url = ""
        api = ApiClient(checkout.at_own_ports("http://127.0.0.1:8000"))
        for order in ("order-001", "order-002", "order-003"):
            api.post(order_text(order))
        eventually(lambda: api.get("/orders/order-003").status == 200)

    def type_all(self, commands: Iterator[str]) -> list[str]:
        """Return what went wrong, command by command."""
        lanes: dict[str, list[str]] = {"aws": [], "changes": [], "reads": []}
        for command in commands:
            changes = "changes" if CHANGES.search(command) else "reads"
            lanes["aws" if ON_AWS.search(command) else changes].append(command)
        lanes["aws"].sort(key=_place)
        with ThreadPoolExecutor(len(lanes)) as pool:
            return [
                fault for faults in pool.map(self._type_lane, lanes.values()) for fault in faults
            ]

    def _type_lane(self, commands: list[str]) -> list[str]:
        return [fault for command in commands if (fault := self._fault_of(command))]

    def _fault_of(self, command: str) -> str | None:
        here = self._here(command)
        done = self._type(here)
        if found := re.search(r"Stage dev is up: (\S+)", done.said):
            self._url = found[1]
        fails = _shows_a_failure(TYPED[command])
        ends = {1, 3} if fails else _matching(ENDS_WITH, command, {0})
        where = ", ".join(f"{shown.page}:{shown.line}" for shown in TYPED[command])
        told = f"{where}\n$ {here}\nsaid\n{done.said[-1500:]}\n"
        if done.exit_code not in ends or "Traceback" in done.said:
            return f"{told}and ended with {done.exit_code}, not {ends}."
        if others := set().union(*(_not_as_shown(each, done) for each in TYPED[command])):
            return f"{told}The page shows other headings or next commands than {others}."
        for told_next in commands_in(done.said):
            try:
                require_typable(told_next)
            except Incomplete:
                pass
            except ValueError as error:
                return f"{told}It says to type {told_next!r}: {error}"
        return None

    def _type(self, command: str) -> Done:
        before = self._before(command)
        if ready := _matching(RUNS_FOR_EVER, command, ""):
            try:
                with self._checkout.running(command, ready, before) as log:
                    pass
            except AssertionError as error:
                return Done(None, str(error))
            return Done(0, log.read_text("utf-8"))
        return self._checkout.type(command, before, _matching(ANSWERS, command, "y\ny\n"))

    def _before(self, command: str) -> str:
        if not ON_AWS.search(command):
            return ""
        return self._checkout.at_own_ports(f"{REHEARSAL} URL={self._url}")

    def _here(self, command: str) -> str:
        """Write a command for the ports of the checkout, with a dead letter of its own."""
        if "LETTER" in command:
            command = command.replace("LETTER", self._letter(command))
        return self._checkout.at_own_ports(command)

    def _letter(self, command: str) -> str:
        """Put a dead letter on the queue of a command's stage: its id."""
        stage = re.search(r"--stage (\S+)", command)
        sqs = boto3.client("sqs", endpoint_url=self._checkout.at_own_ports("http://127.0.0.1:4566"))
        queue = sqs.get_queue_url(QueueName=f"orders-dlq-{stage[1] if stage else 'local'}")
        sent = sqs.send_message(QueueUrl=queue["QueueUrl"], MessageBody=order_text("put-away"))
        return sent["MessageId"]


def _not_as_shown(shown: Shown, done: Done) -> set[str]:
    """Find the headings of tables that the page has not, and next commands that were not said."""
    if not shown.output:
        return set()
    headings = _headings(done.said) - _headings(shown.output)
    told = {line for line in shown.output.splitlines() if line.startswith("Next, type: ")}
    return (headings if _headings(shown.output) else set()) | (told - {*done.said.splitlines()})


def _headings(text: str) -> set[str]:
    lines = [" ".join(line.split()) for line in text.splitlines()]
    return {line for line, below in pairwise(lines) if below and not below.strip("─")}


def _place(command: str) -> int:
    others = ORDER_OF_A_STAGE.index("")
    places = (
        place
        for place, pattern in enumerate(ORDER_OF_A_STAGE)
        if pattern and re.search(pattern, command)
    )
    return next(places, others)


def _shows_a_failure(places: list[Shown]) -> bool:
    return any(
        re.search(r"^(Error:|No record)", shown.output or "", re.MULTILINE) for shown in places
    )


def _matching(table: dict[str, Found], command: str, usual: Found) -> Found:
    return next((found for pattern, found in table.items() if re.search(pattern, command)), usual)
