"""
The proxy between the app and the emulator (microburst) as a child process.

Also its launcher, which seeds the dice that decide over faults.
"""

import json
import random
import re
import sys
import urllib.request
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from microburst.cli import main as microburst

from ops.local.environment import without_aws_settings
from ops.local.lifeline import stop_when_parent_ends
from ops.local.processes import ChildProcess
from ops.ports import LOOPBACK, accepts_connections, free_port
from ops.project import PROJECT_ROOT
from tests.e2e.client import eventually

FAULT = re.compile(r'microburst_faults_total\{.*service="(.*?)".*action="(.*?)".*\} ([0-9]+)')


class FaultProxy(ChildProcess):
    """A proxy that passes calls on to `upstream`, unless one of its rules makes them fail."""

    def __init__(self, upstream: str, directory: Path, seed: int = 0) -> None:
        self.port = free_port()
        self.url = f"http://{LOOPBACK}:{self.port}"
        super().__init__(
            "the fault proxy",
            [
                *(sys.executable, "-m", "tests.chaos.proxy", str(seed)),
                *("--host", LOOPBACK, "--port", str(self.port), "--upstream", upstream),
            ],
            environment=without_aws_settings({}),
            directory=PROJECT_ROOT,
            output=directory / "proxy.log",
        )

    def start(self) -> None:
        """Start it, and wait until it answers."""
        super().start()
        eventually(lambda: accepts_connections(LOOPBACK, self.port))

    def set_rules(self, rules: Sequence[dict[str, Any]]) -> None:
        """Let these rules make calls fail, and no others."""
        self._control("rules", json.dumps(rules).encode())

    def faults(self) -> Counter[tuple[str, str]]:
        """Count the calls that the proxy made fail, by service and by kind of fault."""
        found: Counter[tuple[str, str]] = Counter()
        for service, action, count in FAULT.findall(self._control("metrics").decode()):
            found[service, action] += int(count)
        return found

    def _control(self, path: str, data: bytes | None = None) -> bytes:
        request = urllib.request.Request(f"{self.url}/_microburst/{path}", data=data)
        with urllib.request.urlopen(request, timeout=10) as answer:
            content: bytes = answer.read()
            return content


def main() -> None:
    """Run microburst with the seed that comes before its own arguments."""
    stop_when_parent_ends()
    random.seed(int(sys.argv.pop(1)))
    sys.exit(microburst())


if __name__ == "__main__":
    main()
