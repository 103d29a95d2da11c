"""`run`, `worker` and `api`: the system on this machine."""

import os
import sys
from functools import partial
from pathlib import Path
from typing import Any

import click

from chalicelib.services.principals import BadPrincipals, Principals
from chalicelib.settings import ACCEPTED_ONLY, EVENTS, EVENTS_OF, NO_EVENTS
from ops.cli.exits import OutOfReach
from ops.cli.options import options, ready_fd_option
from ops.cli.port_choice import API, AWS, CONSOLE, choose_ports, from_make_option, typed_again
from ops.local.child import take_environment
from ops.local.environment import app_environment, without_aws_settings
from ops.local.kept_folder import DEFAULT_FOLDER, KeptFolder
from ops.local.mapping_settings import LARGEST_BATCH, Batching
from ops.local.programs import HandlerMissing, run_api, run_worker
from ops.local.run import run_until_stopped
from ops.local.stack import LocalStack
from ops.local_stage import DEFAULT_AWS_PORT, NotRunning, aws_url_at, running_resources
from ops.ports import LOOPBACK
from ops.proxies import ADVICE_FOR_CURL
from ops.terminal.lines import say, say_text

PORT = click.IntRange(0, 65535)


# The options of the event source mapping, for each command that has one.
_worker_options = options(
    click.option(
        "--partial-batch",
        is_flag=True,
        help="Let the processor answer which messages failed, as a packaged deployment does. "
        "Without it the processor deletes the good ones and raises, as after `chalice deploy`.",
    ),
    click.option(
        "--batch-size",
        type=click.IntRange(1, LARGEST_BATCH),
        default=10,
        show_default=True,
        help="The most messages in a batch.",
    ),
    click.option(
        "--window",
        "window_seconds",
        type=click.FloatRange(0, 300),
        default=0.0,
        show_default=True,
        help="Seconds to wait for a batch to fill; a batch over 10 needs at least 1.",
    ),
    click.option(
        "--concurrency",
        "maximum_concurrency",
        type=click.IntRange(1, 100),
        default=2,
        show_default=True,
        help="Batches at once.",
    ),
)
_aws_port_option = click.option(
    "--aws-port",
    type=PORT,
    default=DEFAULT_AWS_PORT,
    show_default=True,
    help="Port of the AWS endpoint.",
)


def _principals(_context: click.Context, _option: click.Parameter, text: str) -> str:
    try:
        Principals.parse(text)
    except BadPrincipals as error:
        raise click.BadParameter(str(error)) from error
    return text


_principals_option = click.option(
    "--principals",
    default="",
    callback=_principals,
    metavar="TABLE",
    help="Callers of channels and readers, as ORDERS_PRINCIPALS has them (docs/stages.md). A "
    "request says who calls with the header X-Local-Principal: ARN.",
)


@click.command(epilog="Example: python -m ops run --port 8080 --visibility-timeout 5")
@click.option(
    "--port",
    type=PORT,
    help=f"Port of the API; 0: any  [default: {API.usual}, or the next free one]",
)
@click.option(
    "--aws-port",
    type=PORT,
    help=f"Port of the AWS endpoint; 0: any  [default: {AWS.usual}, or the next free one]",
)
@click.option(
    "--console-port",
    type=PORT,
    help=f"Port of the console; 0: any  [default: {CONSOLE.usual}, or the next free one]",
)
@click.option("--no-console", is_flag=True, help="Start no console.")
@click.option(
    "--visibility-timeout",
    "visibility_timeout_seconds",
    type=click.IntRange(1, 43200),
    help="Seconds until a failed message is tried again  [default: the template's, 360]",
)
@click.option(
    "--max-receive-count",
    type=click.IntRange(5, 1000),
    help="Receives until a message that keeps failing is a dead letter  [default: the template's, "
    "30]",
)
@click.option("--fresh", is_flag=True, help="Start empty: remove what is kept in the folder.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    default=DEFAULT_FOLDER,
    help="Keep what it is given in this folder  [default: .orders-local in the checkout]",
)
@click.option(
    "--events",
    type=click.Choice(EVENTS),
    default=NO_EVENTS,
    show_default=True,
    help="Publish an event of each accepted order, as docs/events.md says.",
)
@click.option(
    "--events-of",
    type=click.Choice(EVENTS_OF),
    default=ACCEPTED_ONLY,
    show_default=True,
    help="With --events: of accepted orders only, or of rejected ones and duplicates too.",
)
@_principals_option
@_worker_options
@from_make_option
@click.pass_context
def run(
    context: click.Context,
    /,
    *,
    port: int | None,
    aws_port: int | None,
    console_port: int | None,
    no_console: bool,
    visibility_timeout_seconds: int | None,
    max_receive_count: int | None,
    fresh: bool,
    folder: Path,
    events: str,
    events_of: str,
    principals: str,
    partial_batch: bool,
    from_make: bool,  # noqa: ARG001 (the context has it)
    **worker_options: Any,
) -> None:
    """
    Start the whole system on this machine.

    That is an AWS emulator, the resources, the API, the worker and the console.

    Ctrl-C stops it all. The next start has all of it again: orders, records, messages and dead
    letters. A worker, API or console that ends is started again.
    """
    batching = _batching(worker_options)
    if events == NO_EVENTS and events_of != ACCEPTED_ONLY:
        raise click.UsageError("--events-of goes with --events.")
    console = {} if no_console else {CONSOLE: console_port}
    ports = choose_ports(context, {API: port, AWS: aws_port, **console})
    if advice := context.meta.get(ADVICE_FOR_CURL):
        say_text(advice)
    exit_code = run_until_stopped(
        lambda on_step: LocalStack(
            api_port=ports.numbers[API],
            aws_port=ports.numbers[AWS],
            console_port=ports.numbers.get(CONSOLE),
            visibility_timeout_seconds=visibility_timeout_seconds,
            max_receive_count=max_receive_count,
            partial_batch=partial_batch,
            batching=batching,
            folder=KeptFolder(folder, fresh=fresh, typed_again=partial(typed_again, context)),
            events=events,
            events_of=events_of,
            principals=principals,
            colour=_colour_wanted(),
            on_step=on_step,
        ),
        ports.moved,
    )
    sys.exit(exit_code)


@click.command(epilog="Example: python -m ops worker --batch-size 100 --window 1")
@_aws_port_option
@_worker_options
@ready_fd_option
def worker(aws_port: int, partial_batch: bool, ready_fd: int | None, **worker_options: Any) -> None:
    """
    Start only the worker.

    It polls the queue of a running `make run`, hands batches to process_orders, and deletes what
    was processed.
    """
    batching = _batching(worker_options)
    _enter_app_environment(aws_port, partial_batch, supervised=ready_fd is not None)
    try:
        run_worker(aws_url_at(aws_port), batching, ready_fd, partial_batch=partial_batch)
    except HandlerMissing as error:
        raise click.ClickException(str(error)) from error


@click.command(epilog="Example: python -m ops api --port 8002")
@click.option(
    "--port", type=PORT, help=f"Port of the API  [default: {API.usual}, or the next free one]"
)
@_aws_port_option
@_principals_option
@ready_fd_option
@click.pass_context
def api(
    context: click.Context, port: int | None, aws_port: int, principals: str, ready_fd: int | None
) -> None:
    """
    Start only the HTTP API.

    It uses the resources that a running `make run` has made.
    """
    port = choose_ports(context, {API: port}).numbers[API]
    _enter_app_environment(
        aws_port, partial_batch=False, supervised=ready_fd is not None, principals=principals
    )
    if ready_fd is None:
        say(f"API on http://{LOOPBACK}:{port}. Ctrl-C stops it.")
    run_api(port, ready_fd)


COMMANDS = (run, worker, api)


def _enter_app_environment(
    aws_port: int, partial_batch: bool, *, supervised: bool, principals: str = ""
) -> None:
    """
    Make this process's environment the app's, before app.py is imported.

    A supervised process is told it. Another finds the resources through the AWS endpoint.
    """
    if supervised:
        take_environment()
        return
    environment = without_aws_settings(os.environ) | app_environment(
        _outputs(aws_port),
        aws_url_at(aws_port),
        partial_batch=partial_batch,
        colour=_colour_wanted(),
        principals=principals,
    )
    os.environ.clear()
    os.environ.update(environment)


def _outputs(aws_port: int) -> dict[str, str]:
    try:
        return running_resources(aws_url_at(aws_port))
    except NotRunning as error:
        raise OutOfReach(f"{error}, or say where its AWS endpoint is with --aws-port.") from error


def _colour_wanted() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def _batching(options: dict[str, Any]) -> Batching:
    try:
        return Batching(**options)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
