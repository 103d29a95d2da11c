"""The refused lines, byte for byte in one file, and why, one line each, in another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalicelib.http.batches import result_json
from ops.bulk import durable
from ops.bulk.judging import judge_lines, long_line_refused
from ops.bulk.problems import NotAsLeft
from ops.desk.masked_records import masked_result
from ops.desk.masking import masked_text
from ops.terminal.visible import visible

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from chalicelib.services.batch_judgement import LineResult
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
        refused = long_line_refused(line.number, written)
        return written, durable.append(self.reasons, [self._own_reason(refused)])

    def _reason(self, line: Line, problem: Mapping[str, Any]) -> bytes:
        (judged,) = judge_lines([line])
        if judged.refusal:
            # Told from its parts: only so is hidden what could be an account, and no more.
            return self._own_reason(judged)
        detail = masked_text(str(problem.get("detail", "")))
        return self._row(line.number, str(problem.get("type", "")), detail)

    def _own_reason(self, refused: LineResult) -> bytes:
        problem = result_json(masked_result(refused), self._texts)["problem"]
        return self._row(refused.line, problem["type"], problem["detail"])

    def _row(self, number: int, kind: str, detail: str) -> bytes:
        slug = kind.rpartition(":")[2]
        return f"line {number}: {visible(masked_text(slug))}: {visible(detail)}\n".encode()


def _cut(path: Path, size: int) -> None:
    if not path.exists():
        if size:
            raise NotAsLeft(f"{path} is gone, with refused lines in it.")
        return
    if path.stat().st_size < size:
        raise NotAsLeft(f"{path} is shorter than the last run has left it.")
    with path.open("rb+") as kept:
        kept.truncate(size)
