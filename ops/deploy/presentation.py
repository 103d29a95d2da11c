"""The lines that a deployment shows: changes, events as they come, and what to type next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops.terminal.consoles import PlainConsole, cell, lines
from ops.terminal.tables import coloured_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mypy_boto3_cloudformation.type_defs import StackEventTypeDef

    from ops.deploy.change_sets import Change, ChangeSet

STATUS_WIDTH = 28
ACTION_COLOURS = {"Add": "green", "Import": "cyan", "Modify": "yellow", "Remove": "red"}
# A file or a pipe has no width of its own.
PIPE_WIDTH = 100


class Screen:
    """The terminal, or another target of the output."""

    def __init__(self) -> None:
        self._console = PlainConsole(soft_wrap=True)
        if not self._console.is_terminal:
            self._console.width = PIPE_WIDTH
        self._warnings: list[str] = []

    def say(self, *texts: str) -> None:
        """Print lines as they are; without any, an empty one."""
        for text in texts or ("",):
            self._console.print(text)

    def good_news(self, text: str) -> None:
        """Show the good end of a deployment."""
        self._console.print(cell(text, "bold green"))

    def warn(self, text: str | None) -> None:
        """Keep what stands in nobody's way, and should be read, for the end; None is nothing."""
        if text:
            self._warnings.append(text)

    def show_warnings(self) -> None:
        """Show the warnings, once: at the beginning they would scroll away."""
        while self._warnings:
            self._console.print(lines(f"Warning: {self._warnings.pop(0)}"), style="yellow")

    def show_changes(self, change_set: ChangeSet) -> None:
        """Show how each resource will change."""
        verb = {"CREATE": "to be created", "IMPORT": "to take over what is there"}
        self.say(f"Stack {change_set.stack}, {verb.get(change_set.type, 'to be changed')}:")
        self._console.print(
            coloured_table(("  Change", "Resource", "Type"), map(_change_row, change_set.changes))
        )

    def show_event(self, event: StackEventTypeDef) -> None:
        """Print a line at the end of each resource, and at the stack's own beginning and end."""
        status = event.get("ResourceStatus", "")
        if status.endswith("_IN_PROGRESS") and event["LogicalResourceId"] != event["StackName"]:
            return
        reason = event.get("ResourceStatusReason", "") if status.endswith("FAILED") else ""
        time = f"{event['Timestamp'].astimezone():%H:%M:%S}"
        line = f"  {time}  {status:<{STATUS_WIDTH}} {event['LogicalResourceId']}"
        self._console.print(cell(f"{line}  {reason}".rstrip(), _style_of(status)))


def _change_row(change: Change) -> tuple[Sequence[str], str]:
    action = "Replace" if change.replaces else change.action
    colour = "red" if change.ends_the_resource else ACTION_COLOURS.get(change.action, "")
    return (f"  {action}", change.logical_id, change.type), colour


def _style_of(status: str) -> str:
    if "FAILED" in status or "ROLLBACK" in status:
        return "red"
    return "green" if status.endswith("_COMPLETE") else "dim"
