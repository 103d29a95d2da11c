"""The programs of the two child processes: the worker and the HTTP API, each over app.py."""

from __future__ import annotations

import importlib
import logging
import os
import signal
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from chalicelib.http.local_principal import play_principals
from chalicelib.settings import AppSettings
from chalicelib.telemetry import TextFormatter
from ops.local.api_server import ApiServer
from ops.local.child import say_ready
from ops.local.clients import queue_client, streams_client
from ops.local.environment import ACCOUNT_ID
from ops.local.event_source import EventSourceMapping
from ops.local.lifeline import stop_when_parent_ends
from ops.local.mapping_settings import Batching, MappingSettings
from ops.local.pause import PauseTag
from ops.local.stream_source import StreamMapping
from ops.local_stage import REGION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ops.local.stream_source import Handler

HANDLER = "process_orders"
PUBLISHER = "publish_events"


class HandlerMissing(Exception):
    """app.py doesn't have the function that the queue is for."""


def run_worker(
    aws_url: str, batching: Batching, ready_fd: int | None, *, partial_batch: bool
) -> None:
    """
    Process messages until SIGTERM or Ctrl-C, and finish the batches in progress.

    Raises:
        HandlerMissing: app.py has no function for the queue.
    """
    handlers = _load_app().app.handler_map
    handler = handlers.get(HANDLER)
    if handler is None:
        raise HandlerMissing(f"app.py has no {HANDLER} to hand messages to.")
    queue_url = os.environ["ORDERS_QUEUE_URL"]
    settings = MappingSettings(queue_url, queue_arn(queue_url), batching, partial_batch)
    _show_log()
    client = queue_client(aws_url)
    paused = PauseTag(client, queue_url).is_set
    mapping = EventSourceMapping(client, handler, settings, paused=paused)
    with _publishing(handlers.get(PUBLISHER), aws_url):
        _run(mapping.run, mapping.stop, ready_fd)


@contextmanager
def _publishing(handler: Handler | None, aws_url: str) -> Iterator[None]:
    """Publish events in the `with` block, if the stage has any; those of its end too."""
    if handler is None:
        yield
        return
    mapping = StreamMapping(streams_client(aws_url), handler, os.environ["ORDERS_STREAM_ARN"])
    thread = threading.Thread(target=mapping.run, name="publisher")
    thread.start()
    try:
        yield
    finally:
        mapping.stop()
        thread.join()


def run_api(port: int, ready_fd: int | None) -> None:
    """Serve the API until SIGTERM or Ctrl-C."""
    module = _load_app()
    play_principals(module.app, closed=AppSettings.from_env(os.environ).closed)
    server = ApiServer(module.app, port, module.application().telemetry)
    _run(server.run, server.stop, ready_fd)


def queue_arn(queue_url: str) -> str:
    """Derive the ARN of a local queue: SQS would have to be asked for it."""
    return f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}:{queue_url.rsplit('/', 1)[1]}"


def _load_app() -> Any:
    """Load the app.py of the working directory. It reads the environment as it loads."""
    return importlib.import_module("app")


def _run(run: Callable[[], None], stop: Callable[[], None], ready_fd: int | None) -> None:
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signal_number, lambda *_: stop())
    if ready_fd is not None:
        stop_when_parent_ends()
        say_ready(ready_fd)
    run()


def _show_log() -> None:
    """Show the worker's own log lines, in the form of the app's."""
    lines = logging.StreamHandler(sys.stdout)
    lines.setFormatter(TextFormatter(colour=os.environ.get("ORDERS_LOG_COLOUR") == "always"))
    log = logging.getLogger("ops")
    log.addHandler(lines)
    log.setLevel(logging.INFO)
    log.propagate = False
