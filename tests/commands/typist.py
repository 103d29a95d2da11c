"""Typing the pages' commands: in what order, after what, and how each ends."""

import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TypeVar

import boto3

from chalicelib.orders.record import FIRST_SLOT
from ops.local_stage import ACCESS_KEY, REGION, SECRET_KEY
from tests.builders import order_text
from tests.commands.checkout import Checkout, Done
from tests.commands.grammar import Incomplete, require_typable
from tests.commands.pages import Shown
from tests.commands.printed import commands_in
from tests.e2e.client import ApiClient, eventually

Found = TypeVar("Found")

RUNS_FOR_EVER = {
    r"python -m ops console": "Console of stage",
    r"python -m ops events tail": "Ctrl-C",  # nobody hands an order in meanwhile
    r"python -m ops orders tail(?!.*--count)": "Ctrl-C",
}
"""Commands that Ctrl-C ends, with what they say once they are up."""
ENDS_WITH = {
    r"python -m ops (reconcile|health)": {0, 1},  # something may be wrong just then
    r"python -m ops seal --stage": {3},  # it has no key to sign with
    r"python -m ops duplicates --suspected": {0, 1},  # it depends on what was handed in
    r"python -m ops orders submit .*--dry-run": {1},  # the page shows an order that is not valid
    r"python -m ops orders submit orders.ndjson": {1},  # one line of it is no order
}
ANSWERS = {r"--delete-data": "dev\n", r"--account -": "1111111\n"}
"""What is typed where a command asks; elsewhere yes."""
ORDER_OF_A_STAGE = (
    r"health --stage prod",  # docs/operators.md shows it without resources
    r"ops stage new",
    r"resources up",
    r"git diff",
    r"chalice deploy",
    r"chalice delete",
    r"make deploy",
    r"dlq redrive --all",  # before a letter is resubmitted, which can't be redriven then
    r"ops pause",
    r"ops resume",  # at once: the others want their orders processed
    r"",  # all others
    r"make destroy(?!.*--delete-data)",
    r"--delete-data",
    r"ops stage remove",
    r"^(unset|git checkout|rm) ",
)
"""What is typed first and last for stages on AWS; README's and the pages' own order."""
ON_AWS = re.compile(r"--stage (?!local)|ops stage|STAGE=|^chalice|\$URL|^git|AWS_|^rm ")
CHANGES = re.compile(r"ops (dlq|verify|reconcile|replay|orders submit|pause|resume)")
REHEARSAL = (
    f"export AWS_ENDPOINT_URL=http://127.0.0.1:4566 AWS_ACCESS_KEY_ID={ACCESS_KEY} "
    f"AWS_SECRET_ACCESS_KEY={SECRET_KEY} AWS_DEFAULT_REGION={REGION}"
)


class Typist:
    """
    Types commands in three lanes at once.

    One is for the stages on AWS, one for what changes the local stage, one for what reads it.
    """

    def __init__(self, checkout: Checkout, places: Mapping[str, Sequence[Shown]]) -> None:
        """`places` has the commands, each with the places that show it."""
        self._checkout = checkout
        self._places = places
        self._url = ""
        api = ApiClient(checkout.at_own_ports("http://127.0.0.1:8000"))
        for order in ("order-001", "order-002", "order-003"):
            api.post(order_text(order))
        eventually(lambda: api.get("/orders/order-003").status == 200)

    def type_all(self) -> list[str]:
        """Return what went wrong, command by command."""
        lanes: dict[str, list[str]] = {"aws": [], "changes": [], "reads": []}
        for command in self._places:
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
        fails = _shows_a_failure(self._places[command])
        ends = {1, 3} if fails else _matching(ENDS_WITH, command, {0})
        where = ", ".join(f"{shown.page}:{shown.line}" for shown in self._places[command])
        told = f"{where}\n$ {here}\nsaid\n{done.said[-1500:]}\n"
        if done.exit_code not in ends or "Traceback" in done.said:
            return f"{told}and ended with {done.exit_code}, not {ends}."
        if others := set().union(*(_not_as_shown(each, done) for each in self._places[command])):
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
        if "SUBMISSION" in command:
            command = command.replace("SUBMISSION", self._submission(command))
        return self._checkout.at_own_ports(command)

    def _submission(self, command: str) -> str:
        """Find the first submission of the order that a command names: its id."""
        (order_id,) = re.findall(r"orders show (\S+)", command)
        endpoint = self._checkout.at_own_ports("http://127.0.0.1:4566")
        first = boto3.client("dynamodb", endpoint_url=endpoint).get_item(
            TableName="orders-local",
            Key={"orderId": {"S": order_id}, "recordId": {"S": FIRST_SLOT}},
        )
        return first["Item"]["submissionId"]["S"]

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


def _shows_a_failure(places: Sequence[Shown]) -> bool:
    """Tell whether all that is shown of a command's output says that it failed."""
    outputs = [shown.output for shown in places if shown.output]
    failed = [re.search(r"^(Error:|No record)", each, re.MULTILINE) for each in outputs]
    return bool(outputs) and all(failed)


def _matching(table: dict[str, Found], command: str, usual: Found) -> Found:
    return next((found for pattern, found in table.items() if re.search(pattern, command)), usual)
