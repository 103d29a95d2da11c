"""The lines that `make run` shows: one for each step, and at the end things to try."""

import time

from ops.local.stack import LocalStack
from ops.terminal.lines import say, say_part, say_text

EXAMPLE_ORDER = (
    '{"id": "order-001", "amount": 2580, "fromAccount": "1111111", "toAccount": "7777777"}'
)
STEP_WIDTH = 34


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


def show_what_to_try(stack: LocalStack, seconds: float) -> None:
    """Show the addresses, and commands to copy."""
    say()
    say(f"Ready after {seconds:.1f} s.", fg="green", bold=True)
    say_text(_what_to_try(stack))


def _console_line(stack: LocalStack) -> str:
    if stack.console_url is None:
        return ""
    return f"  Console       {stack.console_url}   (in a browser; up a second later)\n"


def _folder_line(stack: LocalStack) -> str:
    if stack.folder is None:
        return ""
    when = "(saved a second after each change, and at the end)"
    return f"  Kept in       {stack.folder.shown}   {when}\n"


def _last_line(stack: LocalStack) -> str:
    if stack.folder is None:
        return "Ctrl-C stops everything, and nothing is kept."
    return (
        "Ctrl-C stops everything. The next start has all of it again: orders, records, messages\n"
        f"and dead letters. To start empty: {stack.folder.fresh_command}"
    )


def _what_to_try(stack: LocalStack) -> str:
    return f"""
  API           {stack.api_url}
  AWS endpoint  {stack.aws_url}   (any AWS client; region us-east-1, any credentials)
{_console_line(stack)}{_folder_line(stack)}
Try it, in another terminal:

  curl -i {stack.api_url}/orders -H 'Content-Type: application/json' \\
       -d '{EXAMPLE_ORDER}'
  curl -s {stack.api_url}/orders/order-001
  curl -s {stack.api_url}/health

Look into the table and the bucket, with the AWS CLI:

  export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_DEFAULT_REGION=us-east-1
  aws --endpoint-url {stack.aws_url} dynamodb scan --table-name {stack.outputs["TableName"]}
  aws --endpoint-url {stack.aws_url} s3 ls --recursive s3://{stack.outputs["BucketName"]}

{_last_line(stack)}
"""
