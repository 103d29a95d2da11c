"""The refused lines, byte for byte in one file, and why, one line each, in another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalicelib.http.problems import problem_of
from chalicelib.orders.errors import UnreadableOrder
from chalicelib.orders.order import too_large
from chalicelib.services.intake import judge
from ops.bulk import durable
from ops.bulk.problems import NotAsLeft
from ops.desk.masked_records import masked_sentence
from ops.desk.masking import masked_text
from ops.terminal.visible import visible

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from chalicelib.texts import Texts
    from ops.bulk.answers import Settled
    from ops.bulk.lines import Line, LongLine

REFUSED_SUFFIX = ".refused.ndjson"
REASONS_SUFFIX = ".refused.txt"


class RefusedLines:
    """Both files. What is not noted of them is cut off, when the run goes on."""

    def __init__(self, beside: Path, texts: Texts) -> None:
        self.lines = beside.with_name(f"{beside.name}{REFUSED_SUFFIX}")
        self.reasons = beside.with_name(f"{beside.name}{REASONS_SUFFIX}")
        self._texts = texts

    def cut_to(self, lines_bytes: int, reasons_bytes: int) -> None:
        """
        Cut off all that came after the last note: its lines are handed in again.

        Raises:
            NotAsLeft: a file has lost something of what was noted.
        """
        for path, size in ((self.lines, lines_bytes), (self.reasons, reasons_bytes)):
            _cut(path, size)

    def require_none(self) -> None:
        """
        Check that there is no file that a new run would write over.

        Raises:
            NotAsLeft: there is one.
        """
        for path in (self.lines, self.reasons):
            if path.exists():
                raise NotAsLeft(f"{path} is there already, from an earlier run.")

    def add(self, settled: Mapping[Line, Settled]) -> tuple[int, int]:
        """Write down the refused ones of these lines, and say how many bytes that took."""
        refused = [
            (line, each.problem) for line, each in settled.items() if each.problem is not None
        ]
        if not refused:
            return 0, 0
        written = durable.append(self.lines, (line.content + b"\n" for line, _ in refused))
        reasons = (self._reason(line, problem) for line, problem in refused)
        return written, durable.append(self.reasons, reasons)

    def add_long(self, line: LongLine) -> tuple[int, int]:
        """Write down a line that is too long to be handed in, and say how many bytes that took."""
        written = durable.append(self.lines, line.pieces)
        row = self._row(line.number, *told(too_large(written), line.number, self._texts))
        return written, durable.append(self.reasons, [row])

    def _reason(self, line: Line, problem: Mapping[str, Any]) -> bytes:
        try:
            judge(line.payload)
        except UnreadableOrder as error:
            # Told from its parts: only so is hidden what could be an account, and no more.
            return self._row(line.number, *told(error, line.number, self._texts))
        kind = str(problem.get("type", "")).rpartition(":")[2]
        return self._row(line.number, kind, masked_text(str(problem.get("detail", ""))))

    def _row(self, number: int, kind: str, detail: str) -> bytes:
        return f"line {number}: {visible(masked_text(kind))}: {visible(detail)}\n".encode()


def told(error: UnreadableOrder, number: int, texts: Texts) -> tuple[str, str]:
    """Say why a line is no order: the problem's slug and its detail, without accounts."""
    why = masked_sentence(error.sentence)
    if "line" in why.parameters:
        # The text of an order has lines of its own; here it is one.
        why = why._replace(parameters={**why.parameters, "line": str(number)})
    key = "unreadable-line.id" if error.field else "unreadable-line.body"
    return problem_of(error).slug, texts(key, problem=texts.sentence(why))


def _cut(path: Path, size: int) -> None:
    if not path.exists():
        if size:
            raise NotAsLeft(f"{path} is gone, with refused lines in it.")
        return
    if path.stat().st_size < size:
        raise NotAsLeft(f"{path} is shorter than the last run has left it.")
    with path.open("rb+") as kept:
        kept.truncate(size)
