"""A botocore that is too old is refused when the function starts, in one sentence."""

import os
import subprocess
import sys

import pytest

from chalicelib.aws.clients import OLDEST_BOTOCORE, BotocoreTooOld, require_botocore

# An older one refuses the parameters of `Config` too, with a sentence of its own: the check has to
# come before them.
START = """
import botocore, botocore.config
botocore.__version__ = {version!r}
def refuse(*_, **__):
    raise TypeError("Got unexpected keyword argument 'request_checksum_calculation'")
botocore.config.Config = refuse
import app
"""


@pytest.mark.parametrize("version", [OLDEST_BOTOCORE, "1.36.1", "1.100.0", "1.37.0rc1", "2.0.0"])
def test_the_oldest_botocore_and_any_newer_one_will_do(version: str) -> None:
    require_botocore(version)


@pytest.mark.parametrize("version", ["1.35.99", "1.9.200", "0.110.0"])
def test_an_older_botocore_is_refused(version: str) -> None:
    with pytest.raises(BotocoreTooOld, match=f"botocore {version} is too old"):
        require_botocore(version)


def test_the_app_does_not_start_with_an_older_botocore_and_says_what_to_do() -> None:
    done = subprocess.run(
        [sys.executable, "-c", START.format(version="1.35.99")],
        env={**os.environ, "ORDERS_AUTH": "none"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "chalicelib.aws.clients.BotocoreTooOld: botocore 1.35.99 is too old, 1.36.0 or newer is "
        "needed: deploy the one that is tested with the app, by `make deploy` without "
        "--without-vendor, or `make vendor` before `chalice deploy`."
    )
