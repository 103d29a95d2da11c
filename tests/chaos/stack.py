"""The system of `make run`, with a proxy that fails between the app and AWS."""

import threading
from collections import Counter
from pathlib import Path
from random import Random
from typing import Self

import boto3

from chalicelib.aws.clients import S3_CONFIG
from ops.local.stack import LocalStack
from tests.chaos.proxy import FaultProxy


class ChaosStack(LocalStack):
    """
    API and worker call AWS through the proxy.

    Only the worker's poller, which on AWS is AWS's own, reaches the emulator directly. Its one
    possible fault is to delete no processed message, and a kill causes that.
    """

    proxy: FaultProxy

    def __init__(
        self, *, seed: int, visibility_timeout_seconds: int, partial_batch: bool, log_file: Path
    ) -> None:
        super().__init__(
            visibility_timeout_seconds=visibility_timeout_seconds,
            # An outage has to end in the dead-letter queue within the run; before it does, the
            # processor tries what comes back in parts.
            max_receive_count=8,
            partial_batch=partial_batch,
            log_file=log_file,
        )
        self._seed = seed

    def _create_resources(self) -> None:
        super()._create_resources()
        self._on_step("fault proxy")
        self.proxy = FaultProxy(self.aws_url, self.directory, self._seed)
        self._cleanup.callback(self.proxy.stop, 2.0)
        self.proxy.start()
        self.environment["AWS_ENDPOINT_URL"] = self.proxy.url
        self._warm_up()

    def _warm_up(self) -> None:
        """Call each service once: at the first call the proxy loads its model for seconds."""
        boto3.client("sqs", endpoint_url=self.proxy.url).list_queues()
        boto3.client("s3", endpoint_url=self.proxy.url, config=S3_CONFIG).list_buckets()
        boto3.client("dynamodb", endpoint_url=self.proxy.url).list_tables()


class Killer:
    """Kills the worker and the API with SIGKILL now and then, and starts them again."""

    def __init__(self, stack: ChaosStack, seed: int, pause_seconds: tuple[float, float]) -> None:
        self.kills: Counter[str] = Counter()
        self._stack = stack
        self._random = Random(seed)  # noqa: S311 (no secret)
        self._pause_seconds = pause_seconds
        self._over = threading.Event()
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._kill_and_restart, name="killer", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        if self._failure:
            raise self._failure

    def _kill_and_restart(self) -> None:
        try:
            # In turn, so that a short run kills both.
            while not self._over.wait(self._random.uniform(*self._pause_seconds)):
                if sum(self.kills.values()) % 2:
                    self._stack.api.kill()
                    self._stack.start_api()
                    self.kills["API"] += 1
                else:
                    self._stack.worker.kill()
                    self._stack.start_worker()
                    self.kills["worker"] += 1
        except Exception as error:  # noqa: BLE001 (raised again where the block ends)
            self._failure = error
