"""Proxies of a company's network: a call to this machine never goes through one."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined] # not in typeshed

from ops.ports import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Mapping

# "localhost" for addresses that a user types. The last gives an EC2 instance its credentials:
# https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-proxy.html
NEVER_BY_PROXY = (LOOPBACK, "localhost", "169.254.169.254")
# The key of click's `meta` under which a command finds what `advice_for_curl` said at the start.
ADVICE_FOR_CURL = "ops.proxies.advice_for_curl"
# curl takes no HTTP_PROXY, for fear of a request's header of that name.
OF_CURL = ("http_proxy", "all_proxy", "ALL_PROXY")


def exempting_this_machine(environment: Mapping[str, str]) -> dict[str, str]:
    """
    Make the variables that exempt calls to this machine from any proxy, and keep other exemptions.

    All that makes a call obeys them: boto3, urllib, httpx, and every process that is started.
    """
    hosts = _exempt_hosts(environment)
    # A star exempts every host, but only if it stands alone.
    exempt = hosts if hosts == "*" else ",".join(filter(None, [hosts, *NEVER_BY_PROXY]))
    return {"no_proxy": exempt, "NO_PROXY": exempt}


def advice_for_curl(environment: Mapping[str, str]) -> str | None:
    """Say what to type before curl reaches this machine; None if it does."""
    named = next((name for name in OF_CURL if environment.get(name)), None)
    exempt = {"no": _exempt_hosts(environment)}
    if named is None or proxy_bypass_environment(LOOPBACK, exempt):
        return None
    hosts = exempting_this_machine(environment)["no_proxy"]
    return (
        f"{named} sends curl to a proxy, for this machine too. In the other terminal, first type:\n"
        f"  export no_proxy={hosts}"
    )


def _exempt_hosts(environment: Mapping[str, str]) -> str:
    # In small letters it wins, as in urllib.
    return environment.get("no_proxy") or environment.get("NO_PROXY") or ""
