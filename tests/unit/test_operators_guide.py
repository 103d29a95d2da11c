"""docs/operators.md: it shows every operator's command."""

import re
from pathlib import Path

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
    } <= names
    assert {f"dlq {name}" for name in ("list", "show", "redrive", "resubmit", "discard")} <= shown
    assert "events tail" in shown
    orders = {f"orders {name}" for name in ("submit", "show", "list", "tail", "export")}
    assert orders <= shown
