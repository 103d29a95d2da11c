"""
The uses of the roles: every command of `python -m ops` and every page of its console, once.

A command with an option that takes more rights, or fewer, has a line of its own for it. A test
fails until each new command and page is placed here, and each line is proved against its calls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops.roles.rights import EVERYONE, OPERATORS, OVERSEERS, Role

if TYPE_CHECKING:
    from collections.abc import Collection

SHOW_ACCOUNTS = "--show-accounts"
COMMANDS: dict[str, frozenset[Role]] = {
    "orders show": EVERYONE,
    "orders list": EVERYONE,
    # The audit trail says first that an account is searched for.
    "orders list --account": OVERSEERS,
    "orders tail": EVERYONE,
    "orders export": EVERYONE,
    "orders export --account": OVERSEERS,
    "orders submit": OPERATORS,
    "orders submit --dry-run": EVERYONE,
    "pause": OPERATORS,
    "resume": OPERATORS,
    "duplicates": EVERYONE,
    "rejects": EVERYONE,
    "health": EVERYONE,
    "stats": EVERYONE,
    "audit": OVERSEERS,
    "dlq list": OVERSEERS,
    "dlq show": OVERSEERS,
    "dlq redrive": OPERATORS,
    "dlq redrive --dry-run": OVERSEERS,
    "dlq discard": OPERATORS,
    "dlq discard --dry-run": OVERSEERS,
    "dlq resubmit": OPERATORS,
    "reconcile": OVERSEERS,
    "reconcile --repair": OPERATORS,
    "events resend": OPERATORS,
    "events resend --dry-run": EVERYONE,
    "replay": OPERATORS,
    "replay --prove-only": OVERSEERS,
    "seal": OPERATORS,
    "verify-seals": OVERSEERS,
    # The file holds accounts: the audit trail says so first.
    "prove": OVERSEERS,
    # Of each command that has it: the audit trail says first that accounts are shown.
    SHOW_ACCOUNTS: OVERSEERS,
}
PAGES: dict[str, frozenset[Role]] = {
    "/": EVERYONE,
    "/orders": EVERYONE,
    "/orders/{order_id}": EVERYONE,
    "/duplicates": EVERYONE,
    "/rejected": EVERYONE,
    "/dead-letters": OVERSEERS,
    "/try-it": OPERATORS,
    "/audit": OVERSEERS,
    "/seals": OVERSEERS,
    "/health": EVERYONE,
}
"""Pages, to look at. What is done on one is done by the command of the same name."""
NOT_OF_A_ROLE = {
    "run": "it is the local stage",
    "worker": "it is the local stage",
    "api": "it is the local stage",
    "console": "each of its pages has a line of its own",
    "policy": "it asks nothing of AWS",
    "stage new": "it asks nothing of AWS",
    "stage remove": "it asks nothing of AWS",
    "package": "it asks nothing of AWS",
    "cost": "it asks nothing of AWS",
    "verify-proof": "it asks nothing of AWS",
    "lint": "whoever deploys has its rights",
    "resources up": "whoever deploys has its rights",
    "resources show": "whoever deploys has its rights",
    "resources down": "whoever deploys has its rights",
    "deploy": "whoever deploys has its rights",
    "destroy": "whoever deploys has its rights",
    "verify": "whoever deploys has its rights",
    "events tail": "it makes a queue and a rule: docs/events.md has its rights",
    "orders submit --lines": "it calls the API, as a channel does: docs/stages.md has its rights",
}
"""Commands that no role is for, and why."""


def use_of(command: str, options: Collection[str]) -> str:
    """Name the line of a command that is typed with these options."""
    lines = [name for name in (*COMMANDS, *NOT_OF_A_ROLE) if name.startswith(f"{command} --")]
    return next((name for name in lines if name.removeprefix(f"{command} ") in options), command)


def roles_for(command: str, options: Collection[str]) -> frozenset[Role]:
    """Tell which roles may type a command with these options."""
    roles = COMMANDS.get(use_of(command, options), frozenset[Role]())
    return roles & COMMANDS[SHOW_ACCOUNTS] if SHOW_ACCOUNTS in options else roles


def commands_of(role: Role) -> list[str]:
    """List what a role may type."""
    return [name for name, roles in COMMANDS.items() if role in roles]
