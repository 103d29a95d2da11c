"""
The local system as objects: `make run` and the tests start the same.

    with LocalResources() as resources: ...    # emulator and resources, for the stores' tests
    with LocalStack() as stack: ...            # and the API and the worker, for the whole story
"""

import os
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from chalicelib.settings import ACCEPTED_ONLY, NO_EVENTS
from ops.local.emulator import EMULATOR_PYTHON, Emulator
from ops.local.environment import app_environment, without_aws_settings
from ops.local.kept_folder import KeptFolder
from ops.local.mapping_settings import Batching
from ops.local.processes import OpsProcess
from ops.local.resources import (
    ResourcesFailed,
    create_resources,
    template_visibility_timeout_seconds,
)
from ops.local.scratch_folder import ScratchFolder
from ops.local_stage import aws_url_at, cloudformation_client
from ops.ports import LOOPBACK, free_port, require_free
from ops.project import PROJECT_ROOT

READY_LIMIT_SECONDS = 30.0
API_GRACE_SECONDS = 3.0
# A redrive that is going on ends after the letter at hand.
CONSOLE_GRACE_SECONDS = 5.0
# Batches in progress are finished. A message that takes longer comes back after its
# visibility timeout.
WORKER_GRACE_SECONDS = 10.0

# Called with the name of each step before it begins.
OnStep = Callable[[str], None]


def _silent(_step: str) -> None:
    pass


class LocalResources:
    """
    The emulator with queue, DLQ, bucket and table in it, for as long as the `with` block lasts.

    Without a folder to keep its state in, each one is empty at first, and leaves nothing behind.
    Any number of them run side by side.
    """

    emulator: Emulator
    outputs: dict[str, str]
    environment: dict[str, str]

    def __init__(
        self,
        *,
        aws_port: int = 0,
        visibility_timeout_seconds: int | None = None,
        max_receive_count: int | None = None,
        partial_batch: bool = False,
        events: str = NO_EVENTS,
        events_of: str = ACCEPTED_ONLY,
        principals: str = "",
        colour: bool = False,
        emulator_python: Path = EMULATOR_PYTHON,
        folder: KeptFolder | None = None,
        on_step: OnStep = _silent,
    ) -> None:
        """`aws_port` 0 takes a free port; what of the queue is None is as the template has it."""
        self.aws_port = aws_port or free_port()
        self.aws_url = aws_url_at(self.aws_port)
        self.partial_batch = partial_batch
        self.folder = folder
        self._visibility_timeout_seconds = visibility_timeout_seconds
        self._max_receive_count = max_receive_count
        self.events = events
        self.events_of = events_of
        self.principals = principals
        self._colour = colour
        self._emulator_python = emulator_python
        self._on_step = on_step
        self._cleanup = ExitStack()

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop everything that is running, in order. Safe to repeat."""
        self._cleanup.close()

    def _start(self) -> None:
        self._start_emulator()
        self._create_resources()

    def _start_emulator(self) -> None:
        self._on_step("AWS emulator")
        scratch = self._cleanup.enter_context(ScratchFolder())
        self.directory = scratch.path
        if self.folder:
            self._cleanup.enter_context(self.folder)
        self.emulator = Emulator(
            self.aws_port, scratch.path, self._emulator_python, self.folder, [scratch.lock]
        )
        self._cleanup.callback(self.emulator.stop)
        self.emulator.start(self._start_meanwhile)

    def _start_meanwhile(self) -> None:
        """Begin what takes a while and needs no emulator yet."""
        self._cloudformation = cloudformation_client(self.aws_url)

    def _create_resources(self) -> None:
        self._on_step("queue, DLQ, bucket and table")
        try:
            self.outputs = create_resources(
                self._cloudformation,
                self._visibility_timeout_seconds,
                self.events,
                self._max_receive_count,
                self.events_of,
            )
        except ResourcesFailed as error:
            raise self._with_advice(error) from error
        if self.folder:
            self.folder.mark_ready()
        self.environment = app_environment(
            self.outputs,
            self.aws_url,
            partial_batch=self.partial_batch,
            colour=self._colour,
            principals=self.principals,
        )

    def _with_advice(self, error: ResourcesFailed) -> ResourcesFailed:
        if self.folder is None:
            return error
        return ResourcesFailed(
            f"{error}\nWhat is kept in {self.folder.shown} is as it was. To remove it, and to "
            f"start with the template as it is now: {self.folder.fresh_command}"
        )


class LocalStack(LocalResources):
    """
    The whole system for as long as the `with` block lasts, exactly as `make run` starts it.

    The worker and the API are processes of their own, which can be stopped and started again. So is
    the console, if it is asked for.
    """

    worker: OpsProcess
    api: OpsProcess
    console: OpsProcess | None = None

    def __init__(
        self,
        *,
        api_port: int = 0,
        aws_port: int = 0,
        console_port: int | None = None,
        visibility_timeout_seconds: int | None = None,
        max_receive_count: int | None = None,
        partial_batch: bool = False,
        batching: Batching | None = None,
        events: str = NO_EVENTS,
        events_of: str = ACCEPTED_ONLY,
        principals: str = "",
        app_directory: Path = PROJECT_ROOT,
        log_file: Path | None = None,
        colour: bool = False,
        emulator_python: Path = EMULATOR_PYTHON,
        folder: KeptFolder | None = None,
        on_step: OnStep = _silent,
    ) -> None:
        """
        Every argument has the value that `make run` has, except for the ports and the folder.

        `console_port` None starts no console; 0 takes a free port, as for the others.
        `log_file` gets the lines of API and worker; None leaves them on this process's own output.
        `app_directory` is where app.py is.
        """
        super().__init__(
            aws_port=aws_port,
            visibility_timeout_seconds=visibility_timeout_seconds,
            max_receive_count=max_receive_count,
            partial_batch=partial_batch,
            events=events,
            events_of=events_of,
            principals=principals,
            colour=colour,
            emulator_python=emulator_python,
            folder=folder,
            on_step=on_step,
        )
        self.api_port = api_port or free_port()
        self.api_url = f"http://{LOOPBACK}:{self.api_port}"
        self.console_port = free_port() if console_port == 0 else console_port
        self.console_url = f"http://{LOOPBACK}:{self.console_port}" if self.console_port else None
        self._batching = batching or Batching()
        self._app_directory = app_directory
        self._log_file = log_file

    @property
    def visibility_timeout_seconds(self) -> int:
        """Seconds until a message comes back that was received, and not deleted."""
        return self._visibility_timeout_seconds or template_visibility_timeout_seconds()

    @property
    def log(self) -> str:
        """The log of API and worker so far; empty without a `log_file`."""
        if self._log_file is None or not self._log_file.exists():
            return ""
        return self._log_file.read_text(encoding="utf-8")

    def _start(self) -> None:
        require_free(self.api_port, "API")
        if self.console_port:
            require_free(self.console_port, "console")
        super()._start()
        self._on_step("API and worker")
        for program in (self.worker, self.api):
            program.tell(self.environment)
        self.worker.wait_until_ready(READY_LIMIT_SECONDS)
        self.api.wait_until_ready(READY_LIMIT_SECONDS)
        if self.console_port:
            # Last, and not waited for: nobody's order waits until a web page is there.
            self.console = self._make_console()
            self.console.tell(self.environment)
            self.console.start()

    def _start_meanwhile(self) -> None:
        self.worker = self._ops_process("the worker", "worker", self._worker_arguments())
        self.api = self._ops_process("the API", "api", ["--port", str(self.api_port)])
        self._stop_programs_at_the_end()
        self.worker.start()
        self.api.start()
        super()._start_meanwhile()

    def _stop_programs_at_the_end(self) -> None:
        """Have them asked together, then waited for: what the API still takes stays queued."""
        self._cleanup.callback(self.stop_worker)
        self._cleanup.callback(self.stop_api)
        self._cleanup.callback(self.stop_console)
        self._cleanup.callback(self._ask_programs_to_stop)

    def _ask_programs_to_stop(self) -> None:
        for program in filter(None, (self.console, self.api, self.worker)):
            program.ask_to_stop()

    def wait_for_console(self) -> None:
        """Wait until the console answers, a second or two after the API does."""
        if self.console:
            self.console.wait_until_ready(READY_LIMIT_SECONDS)

    def stop_console(self) -> None:
        if self.console:
            self.console.stop(CONSOLE_GRACE_SECONDS)

    def start_worker(self) -> None:
        self.worker.start()
        self.worker.wait_until_ready(READY_LIMIT_SECONDS)

    def stop_worker(self) -> None:
        """Finish the batches in progress and end; messages stay on the queue meanwhile."""
        self.worker.stop(WORKER_GRACE_SECONDS)

    def start_api(self) -> None:
        self.api.start()
        self.api.wait_until_ready(READY_LIMIT_SECONDS)

    def stop_api(self) -> None:
        self.api.stop(API_GRACE_SECONDS)

    def _make_console(self) -> OpsProcess:
        arguments = ["--port", str(self.console_port), "--api-url", self.api_url]
        return self._ops_process("the console", "console", arguments)

    def _worker_arguments(self) -> list[str]:
        flag = ["--partial-batch"] if self.partial_batch else []
        return [
            *("--batch-size", str(self._batching.batch_size)),
            *("--window", str(self._batching.window_seconds)),
            *("--concurrency", str(self._batching.maximum_concurrency)),
            *flag,
        ]

    def _ops_process(self, name: str, command: str, arguments: list[str]) -> OpsProcess:
        environment = without_aws_settings(os.environ)
        # `python -m` looks in the working directory first: app.py is found there, `ops` here.
        inherited = filter(None, [environment.get("PYTHONPATH")])
        environment["PYTHONPATH"] = os.pathsep.join([str(PROJECT_ROOT), *inherited])
        return OpsProcess(
            name,
            [command, "--aws-port", str(self.aws_port), *arguments],
            environment=environment,
            directory=self._app_directory,
            output=self._log_file,
        )
