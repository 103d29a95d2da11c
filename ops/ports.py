"""TCP ports of this machine's loopback interface."""

import itertools
import os
import socket
from collections.abc import Collection
from contextlib import suppress

LOOPBACK = "127.0.0.1"
# Above the ports that browsers refuse, below the ports for outgoing connections.
FREE_PORTS = range(11_000, 32_000)
# Each process begins elsewhere and takes them in turn: processes that ask at the same time, as
# parallel tests do, get different ones. Process ids next to each other begin far apart.
_turns = itertools.count(os.getpid() * 1009)


class PortUnavailable(Exception):
    """The port can't be listened on; the message says which and why."""


def free_port() -> int:
    """Find a port that nobody listens on. No process is given the same one soon after."""
    while True:
        port = FREE_PORTS[next(_turns) % len(FREE_PORTS)]
        with suppress(OSError), socket.socket() as probe:
            probe.bind((LOOPBACK, port))
            return port


def require_free(port: int, purpose: str) -> None:
    """
    Make sure that the port can be listened on.

    Raises:
        PortUnavailable: with the port, what it was wanted for, and what is in the way.
    """
    in_use = PortUnavailable(f"Port {port} ({purpose}) is in use by another program.")
    with socket.socket() as probe:
        # As servers do: a connection of the last run that lingers in TIME_WAIT is no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except PermissionError as error:
            raise PortUnavailable(f"Port {port} ({purpose}) needs administrator rights.") from error
        except OSError as error:
            raise in_use from error
    # Beside a listener on every interface, some systems let a second one bind to loopback.
    if accepts_connections(LOOPBACK, port):
        raise in_use


def next_free_port(first: int, others: Collection[int] = ()) -> int:
    """Find the first port from this one on that nobody listens on, and that is none of `others`."""
    for port in range(first, 65536):
        if port not in others and _is_free(port):
            return port
    return free_port()


def _is_free(port: int) -> bool:
    try:
        require_free(port, "any")
    except PortUnavailable:
        return False
    return True


def accepts_connections(host: str, port: int) -> bool:
    """Tell whether something listens there."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((host, port)) == 0


def reachable_from_outside(port: int) -> bool:
    """Tell whether the port answers on this machine's network address too."""
    address = _network_address()
    return address is not None and accepts_connections(address, port)


def _network_address() -> str | None:
    """Find the address that this machine shows to its network, if any. Sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # An address for documentation. "Connecting" a datagram socket only picks the route.
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        address: str = probe.getsockname()[0]
    return None if address.startswith("127.") else address
