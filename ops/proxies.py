"""Proxies of a company's network: a call to this machine never goes through one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# "localhost" for addresses that a user types. The last gives an EC2 instance its credentials:
# https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-proxy.html
THIS_MACHINE = ("127.0.0.1", "localhost", "169.254.169.254")


def exempting_this_machine(environment: Mapping[str, str]) -> dict[str, str]:
    """
    Make the variables that exempt calls to this machine from any proxy, and keep other exemptions.

    All that makes a call obeys them: boto3, urllib, httpx, and every process that is started.
    """
    # In small letters it wins, as in urllib.
    hosts = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
    # A star exempts every host, but only if it stands alone.
    exempt = hosts if hosts == "*" else ",".join(filter(None, [hosts, *THIS_MACHINE]))
    return {"no_proxy": exempt, "NO_PROXY": exempt}
