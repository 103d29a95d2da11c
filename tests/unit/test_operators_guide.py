"""docs/operators.md: it shows every operator's command."""

import re
from pathlib import Path

from ops.roles.rights import Role
from ops.roles.uses import COMMANDS, PAGES

GUIDE = Path("docs/operators.md")
SHOWN = re.findall(r"^\$ python -m ops (.*)$", GUIDE.read_text(), re.MULTILINE)


def test_the_guide_shows_every_operators_command() -> None:
    shown = {" ".join(line.split()[:2]) for line in SHOWN}
    names = {name.split()[0] for name in shown}

    assert {
        "health",
        "stats",
        "audit",
        "reconcile",
        "replay",
        "duplicates",
        "rejects",
        "verify",
        "policy",
    } <= names
    assert {f"dlq {name}" for name in ("list", "show", "redrive", "resubmit", "discard")} <= shown
    assert "events tail" in shown
    orders = {f"orders {name}" for name in ("submit", "show", "list", "tail", "export")}
    assert orders <= shown


def test_the_guide_shows_the_roles_of_every_command_and_page() -> None:
    table = re.findall(
        r"^\| (`.*?) \| ((?:yes|no) \| (?:yes|no) \| (?:yes|no)) \|$", text(), re.MULTILINE
    )

    shown = {
        use: {role for role, may in zip(Role, marks.split(" | "), strict=True) if may == "yes"}
        for uses, marks in table
        for use in re.findall(r"`([^`]+)`", uses)
    }
    assert shown == COMMANDS | PAGES


def text() -> str:
    return GUIDE.read_text(encoding="utf-8")
