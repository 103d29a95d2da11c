"""The faults between the app and AWS: now and then everywhere, and at times in one place."""

import threading
import time
from collections.abc import Callable
from random import Random
from typing import Any, Self

from tests.chaos.proxy import FaultProxy

SERVICES = ("sqs", "s3", "dynamodb")
# Longer than the client waits: it tries again while the first attempt is still to take effect.
TOO_SLOW_MS = 2_300

# Each rule makes its share of the calls fail that it applies to.
EVERYWHERE: list[dict[str, Any]] = [
    {"service": "*", "probability": 0.03, "response": {"abort_frac": 0.5}},
    {"service": "*", "probability": 0.02, "reset": True},
    {"service": "*", "probability": 0.004, "latency": TOO_SLOW_MS},
    {"service": "*", "probability": 0.03, "latency": {"min": 20, "max": 200}},
    {"service": "s3", "probability": 0.03, "error": {"code": "SlowDown", "status": 503}},
    {"service": "s3", "probability": 0.02, "error": {"code": "InternalError", "status": 500}},
    {
        "service": "dynamodb",
        "probability": 0.03,
        "error": {"code": "ProvisionedThroughputExceededException"},
    },
    {
        "service": "dynamodb",
        "probability": 0.02,
        "error": {"code": "InternalServerError", "status": 500},
    },
    {"service": "sqs", "probability": 0.02, "error": {"code": "RequestThrottled"}},
    {
        "service": "sqs",
        "probability": 0.02,
        "error": {"code": "ServiceUnavailable", "status": 503},
    },
]
# In a gust most calls to one service fail in one of these ways, so that attempts run out.
GUSTS: list[dict[str, Any]] = [
    {"error": {"code": "ServiceUnavailable", "status": 503}},
    {"error": {"code": "ThrottlingException"}},
    {"reset": True},
    {"response": {"abort_frac": 0.5}},
]
GUST_PROBABILITY = 0.85
# Once in each run the table is gone, until enough messages have ended in the dead-letter queue.
OUTAGE_LIMIT_SECONDS = 40.0
OUTAGE: dict[str, Any] = {
    "service": "dynamodb",
    "error": {"code": "InternalServerError", "status": 500},
}
GUST_SECONDS = (0.5, 2.5)
CALM_SECONDS = (1.0, 5.0)


class Weather:
    """Changes the proxy's rules for as long as the `with` block lasts. Then all is well again."""

    def __init__(self, proxy: FaultProxy, seed: int, outage_over: Callable[[], bool]) -> None:
        self.gusts = 0
        self._outage_over = outage_over
        self._proxy = proxy
        self._random = Random(seed)  # noqa: S311 (no secret)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._blow, name="weather", daemon=True)

    def __enter__(self) -> Self:
        self._proxy.set_rules(EVERYWHERE)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._proxy.set_rules([])

    def _blow(self) -> None:
        self._over.wait(CALM_SECONDS[0])
        self._outage()
        while not self._over.wait(self._random.uniform(*CALM_SECONDS)):
            gust = {
                "service": self._random.choice(SERVICES),
                "probability": GUST_PROBABILITY,
                **self._random.choice(GUSTS),
            }
            # The first rule that fires is the one that counts.
            self._proxy.set_rules([gust, *EVERYWHERE])
            self._over.wait(self._random.uniform(*GUST_SECONDS))
            self._proxy.set_rules(EVERYWHERE)
            self.gusts += 1

    def _outage(self) -> None:
        self._proxy.set_rules([OUTAGE, *EVERYWHERE])
        ends_at = time.monotonic() + OUTAGE_LIMIT_SECONDS
        while not self._outage_over() and time.monotonic() < ends_at:
            if self._over.wait(0.2):
                break
        self._proxy.set_rules(EVERYWHERE)
