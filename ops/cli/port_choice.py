"""Ports that a user chose: different from each other, and free."""

import click

from ops.ports import PortUnavailable, free_port, require_free


def require_different(ports: dict[str, int]) -> None:
    """Refuse the same port for two purposes."""
    taken: dict[int, str] = {}
    for purpose, port in ports.items():
        if port and port in taken:
            raise click.UsageError(
                f"The {taken[port]} and the {purpose} can't both have port {port}."
            )
        taken[port] = purpose


def require_free_or_suggest(port: int, purpose: str, example: str) -> None:
    """Refuse a port that is taken. `example` is what to type instead, up to the port."""
    if port == 0:
        return
    try:
        require_free(port, purpose)
    except PortUnavailable as error:
        raise click.ClickException(f"{error} Try another: {example}{_another(port)}") from error


def _another(port: int) -> int:
    """Find a free port, close to the one asked for if possible: it is easily remembered."""
    for candidate in range(max(port, 1023) + 1, min(port + 20, 65536)):
        try:
            require_free(candidate, "suggestion")
        except PortUnavailable:
            continue
        return candidate
    return free_port()
