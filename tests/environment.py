"""The environment that the tests run in: the same on every machine."""

from collections.abc import Mapping
from os.path import expanduser
from urllib.parse import urlsplit
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined] # not in typeshed

from chalicelib.aws.clients import is_on_this_machine
from ops.local_stage import ACCESS_KEY, REGION, SECRET_KEY

# What programs need to start here, and how pip reaches packages from here. The time zone stays: the
# tests hold in every one, and .ci/run tries another.
KEPT = {"HOME", "LD_LIBRARY_PATH", "PATH", "TMPDIR", "TZ"} | {
    f"PIP_{name}"
    for name in (
        *("CACHE_DIR", "CERT", "CLIENT_CERT", "CONFIG_FILE", "EXTRA_INDEX_URL", "FIND_LINKS"),
        *("INDEX_URL", "NO_INDEX", "PROXY", "TRUSTED_HOST"),
    )
}
# Where a machine says how to get out, and which certificates it trusts. Some are given in small
# letters. Everything obeys them, the clients of the emulators too, so only pip is told.
FOR_PIP = {
    "PIP_PROXY": ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"),
    "PIP_CERT": ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"),
}
# How thoroughly to test. Every ORDERS_..._REQUIRED stays too: it turns a skip into a failure.
SWITCHES = {"HYPOTHESIS_PROFILE", "ORDERS_SCREENSHOTS", "SIMULATION"}

# Nobody's account, not even one that the machine itself has a role in.
AWS = {
    "AWS_ACCESS_KEY_ID": ACCESS_KEY,
    "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
    "AWS_DEFAULT_REGION": REGION,
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    "AWS_EC2_METADATA_DISABLED": "true",
}


def same_everywhere(environment: Mapping[str, str]) -> dict[str, str]:
    """
    Copy what the tests need of a machine's environment, and set the rest as they expect it.

    A list of what goes would miss the next setting of AWS's SDK, Python, pip, make or a terminal.
    """
    kept = {name: value for name, value in environment.items() if _is_kept(name)}
    # A service has no HOME, and what tests start wants one.
    home = {"HOME": expanduser("~")}  # noqa: PTH111 (Path raises where nobody knows it)
    return _for_pip(environment) | home | kept | AWS | {"LANG": "C.UTF-8"}


def _for_pip(environment: Mapping[str, str]) -> dict[str, str]:
    """Turn what leads out of a company's network into settings that only pip reads."""
    found = {
        name: next(filter(None, map(environment.get, sources)), None)
        for name, sources in FOR_PIP.items()
    }
    if found["PIP_PROXY"] and _is_reached_without_proxy(environment):
        found["PIP_PROXY"] = None
    return {name: value for name, value in found.items() if value}


def _is_reached_without_proxy(environment: Mapping[str, str]) -> bool:
    # pip's own index is on the internet: without another one, only "*" names it.
    index = environment.get("PIP_INDEX_URL", "")
    without = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
    exempt = proxy_bypass_environment(urlsplit(index).hostname or "", {"no": without})
    return bool(exempt) or is_on_this_machine(index)


def _is_kept(name: str) -> bool:
    required = name.startswith("ORDERS_") and name.endswith("_REQUIRED")
    return required or name in KEPT | SWITCHES or name.startswith("PYTEST_XDIST_")
