"""The sentence on dead letters that could not be looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalicelib.orders.times import iso

if TYPE_CHECKING:
    from ops.cli.session import Session
    from ops.desk.hidden_letters import Hidden

LOOKED = (
    "SQS can't show a message without receiving it: each one was hidden from others meanwhile, its "
    "receive count rose by 1, and it has been returned."
)
NONE = "No such dead letters."
NONE_IN_SIGHT = "No such dead letters among those that can be received."


def none_words(hidden: Hidden | None) -> str:
    """Say that there are none: of all, or of those that are not hidden."""
    return NONE_IN_SIGHT if hidden and hidden.count else NONE


def hidden_words(hidden: Hidden | None) -> str:
    """Say how many are hidden, and until when at most; an empty text if none is."""
    if not hidden or not hidden.count:
        return ""
    one = hidden.count == 1
    return (
        f"About {hidden.count:,} dead {'letter is' if one else 'letters are'} hidden, and "
        f"{'was' if one else 'were'} not looked at: someone else holds {'it' if one else 'them'}, "
        "or a command that did was killed. What such a command held is back by "
        f"{hidden.until:%Y-%m-%d %H:%M:%S} UTC at the latest: look again then."
    )


def note_hidden(session: Session, hidden: Hidden | None) -> None:
    """Say beside the output how many are hidden."""
    if words := hidden_words(hidden):
        session.note(words)


def note_look(session: Session, unreturned: Hidden) -> None:
    """Say beside the output what a look has done to the letters."""
    if not unreturned.count:
        session.note(LOOKED)
        return
    session.note(
        f"SQS can't show a message without receiving it, and could not be told to return "
        f"{unreturned.count:,} of these: they are hidden from everyone until "
        f"{unreturned.until:%Y-%m-%d %H:%M:%S} UTC at the latest."
    )


def hidden_json(hidden: Hidden | None) -> dict[str, Any]:
    """Make the JSON of it: `hiddenUntil` is null if none is hidden."""
    if not hidden or not hidden.count:
        return {"hidden": 0, "hiddenUntil": None}
    return {"hidden": hidden.count, "hiddenUntil": iso(hidden.until)}
