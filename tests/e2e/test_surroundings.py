"""The commands over the local stage, on a machine with settings of its own."""

import os
import subprocess
import sys
from urllib.parse import urlsplit

import pytest

from ops.local.stack import LocalResources
from ops.ports import LOOPBACK, free_port

NOWHERE = f"http://{LOOPBACK}:9"
# Settings of AWS that no client takes. A proxy has its own tests, in test_behind_a_proxy.py.
UNUSABLE = {
    "AWS_RETRY_MODE": "bogus",
    "AWS_MAX_ATTEMPTS": "x",
    "AWS_DEFAULTS_MODE": "bogus",
    "AWS_PROFILE": "nobody",
    "AWS_CA_BUNDLE": "/nowhere/ca.pem",
    "AWS_USE_FIPS_ENDPOINT": "true",
    "AWS_ENDPOINT_URL_SQS": NOWHERE,
}


# Other tests have left orders on the stage, of later days.
RECONCILE = ("reconcile", "--from", "2020-01-01", "--to", "2020-01-01")


@pytest.mark.parametrize(
    "typed", [("health",), ("dlq", "list"), ("orders", "list"), RECONCILE], ids=" ".join
)
def test_a_command_reaches_the_local_stage(
    typed: tuple[str, ...], local_resources: LocalResources
) -> None:
    port = urlsplit(local_resources.aws_url).port

    ended = subprocess.run(
        [sys.executable, "-m", "ops", *typed, "--aws-port", str(port)],
        env={**os.environ, **UNUSABLE},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr


def test_a_library_of_pythons_own_reaches_this_machine_past_a_proxy() -> None:
    """Smoke test, readiness and console ask by urllib, which obeys the same variables."""
    script = (
        "import os; from urllib.request import getproxies, proxy_bypass; "
        "from ops.cli.commands import main; main(['dlq', '--help'], standalone_mode=False); "
        f"print(proxy_bypass('{LOOPBACK}:{free_port()}'), proxy_bypass('localhost:80'), "
        "proxy_bypass('bank.example'), getproxies()['http'])"
    )

    ended = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "HTTP_PROXY": NOWHERE},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )

    assert ended.stdout.splitlines()[-1] == f"True True False {NOWHERE}"
