"""The lines that `make run` shows: one for each step, and at the end things to try."""

import shutil
import time
from collections.abc import Sequence

from chalicelib.http.local_principal import HEADER
from chalicelib.services.principals import READER, Principals
from chalicelib.settings import ACCEPTED_ONLY, NO_EVENTS
from ops.local.environment import ACCOUNT_ID
from ops.local.stack import LocalStack
from ops.local_stage import unusual_port
from ops.next_command import ops_command
from ops.ports import next_free_port
from ops.terminal.lines import say, say_part, say_text

EXAMPLE_ORDER = (
    '{"id": "order-001", "amount": 2580, "fromAccount": "1111111", "toAccount": "7777777"}'
)
STEP_WIDTH = 34
# README says the same.
PROMISE = (
    "Ctrl-C stops everything. The next start has all of it again: orders, records,\n"
    "messages and dead letters."
)


class Steps:
    """A line for each step: its name while it runs, its duration once it is done."""

    def __init__(self) -> None:
        self._began_at = time.monotonic()
        self._step_began_at: float | None = None

    def begin(self, name: str) -> None:
        self.end()
        say_part(f"  {name:<{STEP_WIDTH}}")
        self._step_began_at = time.monotonic()

    def end(self) -> None:
        """End the step."""
        if self._step_began_at is not None:
            say(f"{time.monotonic() - self._step_began_at:4.1f} s", dim=True)
        self._step_began_at = None

    def break_line(self) -> None:
        """Leave the line of a step that never got done."""
        if self._step_began_at is not None:
            say()
        self._step_began_at = None

    @property
    def total_seconds(self) -> float:
        return time.monotonic() - self._began_at


def show_what_to_try(stack: LocalStack, seconds: float, notices: Sequence[str] = ()) -> None:
    """Show the addresses, with the notices right above them, and commands to copy."""
    say()
    say(f"Ready after {seconds:.1f} s.", fg="green", bold=True)
    if notices:
        say()
        say(*(f"  {notice}" for notice in notices), fg="yellow", bold=True)
    say_text(what_to_try(stack, has_curl=shutil.which("curl") is not None))


def what_to_try(stack: LocalStack, *, has_curl: bool) -> str:
    """
    Write the addresses, and commands that run as they stand.

    They need only what `make run` has installed; curl is shown to those who have it.
    """
    port = unusual_port(stack.aws_url)
    return f"""
  API           {stack.api_url}   (in a browser: how it is called)
  AWS endpoint  {stack.aws_url}   (region us-east-1, any credentials)
{_console_line(stack)}{_folder_line(stack)}{_callers_line(stack)}{_events_line(stack)}
Try it, in another terminal:

  . .venv/bin/activate
{_with_curl(stack) if has_curl else _without_curl(port)}
See what became of it:

  {ops_command("orders list", aws_port=port)}
  {ops_command("orders show order-001", aws_port=port)}
  {ops_command("dlq list", aws_port=port)}
{_events_command(stack)}
Change the API's code, and try each change at once:

  {_chalice_local(stack)}

{_last_line(stack)}
"""


def _console_line(stack: LocalStack) -> str:
    if stack.console_url is None:
        return ""
    return f"  Console       {stack.console_url}   (in a browser; up a second later)\n"


def _folder_line(stack: LocalStack) -> str:
    if stack.folder is None:
        return ""
    when = "(saved a second after each change)"
    return f"  Kept in       {stack.folder.shown}   {when}\n"


def _callers_line(stack: LocalStack) -> str:
    if not stack.principals:
        return ""
    return f"  Callers       by the header {HEADER}: ARN   (as --principals maps them)\n"


def _as_caller(stack: LocalStack) -> str:
    """Write the header of a caller of the first channel of the table, if there is one."""
    entries = Principals.parse(stack.principals).entries
    patterns = [entry.pattern for entry in entries if entry.name != READER]
    if not patterns:
        return ""
    partition, account = ("*", "aws"), (":*:", f":{ACCOUNT_ID}:")
    start, _, rest = patterns[0].removeprefix("arn:").partition(":")
    arn = f"arn:{start.replace(*partition)}:{rest.replace(*account)}".replace("*", "x")
    session = "/me" if ":assumed-role/" in arn else ""
    return f" \\\n       -H '{HEADER}: {arn}{session}'"


def _events_line(stack: LocalStack) -> str:
    if stack.events == NO_EVENTS:
        return ""
    told = "accepted order" if stack.events_of == ACCEPTED_ONLY else "recorded submission"
    return f"  Events        {stack.events}   (one of each {told})\n"


def _events_command(stack: LocalStack) -> str:
    if stack.events == NO_EVENTS:
        return ""
    return f"  {ops_command('events tail', aws_port=unusual_port(stack.aws_url))}\n"


def _last_line(stack: LocalStack) -> str:
    if stack.folder is None:
        return "Ctrl-C stops everything, and nothing is kept."
    return f"{PROMISE}\nTo start empty: {stack.folder.fresh_command}"


def _with_curl(stack: LocalStack) -> str:
    return f"""\
  curl -i {stack.api_url}/orders -H 'Content-Type: application/json'{_as_caller(stack)} \\
       -d '{EXAMPLE_ORDER}'
  curl -s {stack.api_url}/orders/order-001{_as_caller(stack)}
  curl -s {stack.api_url}/health
"""


def _without_curl(port: int | None) -> str:
    return f"""\
  {ops_command("orders submit", EXAMPLE_ORDER, aws_port=port)}
  {ops_command("health", aws_port=port)}
"""


def _chalice_local(stack: LocalStack) -> str:
    """Write the command for Chalice's own server. Its stage `local` has the usual AWS endpoint."""
    port = next_free_port(stack.api_port + 1, {stack.console_port or 0})
    command = f"chalice local --stage local --port {port}"
    return f"AWS_ENDPOINT_URL={stack.aws_url} {command}" if unusual_port(stack.aws_url) else command
