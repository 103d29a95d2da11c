"""How far a file of orders has come, kept in a file beside it that is replaced after each batch."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Self

from ops.bulk import durable
from ops.bulk.problems import NotAsLeft

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ops.bulk.answers import Settled

FORMAT = 1


@dataclass(frozen=True)
class Run:
    """All that stays the same in a run: its key, the file, and who hands it in where."""

    key: str
    file_sha256: str
    file_bytes: int
    stage: str
    caller: str


@dataclass(frozen=True)
class Progress:
    """Lines that are done: so many bytes of the file, and so many of the files of refused lines."""

    offset: int = 0
    last_line: int = 0
    queued: int = 0
    invalid: int = 0
    repeated: int = 0
    refused: int = 0
    refused_bytes: int = 0
    reasons_bytes: int = 0
    ended_at: str = ""

    @property
    def lines(self) -> int:
        """The lines that were handed in, or refused unsent. Blank ones don't count."""
        return self.queued + self.refused

    def after(self, size: int, last_line: int, settled: Iterable[Settled] = ()) -> Self:
        """Count lines up to one, of so many bytes of the file, that are settled."""
        each = list(settled)
        queued = [line for line in each if line.problem is None]
        return replace(
            self,
            offset=self.offset + size,
            last_line=last_line,
            queued=self.queued + len(queued),
            invalid=self.invalid + sum(not line.valid for line in queued),
            repeated=self.repeated + sum(line.is_repeated for line in queued),
            refused=self.refused + len(each) - len(queued),
        )

    def with_refused(self, written: tuple[int, int]) -> Self:
        """Count bytes that were added to the files of refused lines."""
        return replace(
            self,
            refused_bytes=self.refused_bytes + written[0],
            reasons_bytes=self.reasons_bytes + written[1],
        )


class ProgressFile:
    """The file that keeps a run and its progress."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> tuple[Run, Progress] | None:
        """
        Read it; None if there is none.

        Raises:
            NotAsLeft: it is not what a run has written.
        """
        try:
            kept = _of_our_format(json.loads(self.path.read_text(encoding="utf-8")))
            return _made(Run, kept["run"]), _made(Progress, kept["done"])
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise NotAsLeft(f"{self.path} is not as a run has left it.") from error

    def write(self, run: Run, progress: Progress) -> None:
        """Replace it, for good when this returns."""
        kept = {"format": FORMAT, "run": asdict(run), "done": asdict(progress)}
        durable.replace(self.path, f"{json.dumps(kept, indent=2)}\n".encode())


def _of_our_format(kept: Any) -> Any:
    if kept["format"] != FORMAT:
        raise ValueError(kept["format"])
    return kept


def _made(kind: Any, kept: Any) -> Any:
    """
    Make an object of the values that were kept of one, each of the type that its field says.

    Raises:
        ValueError, TypeError, KeyError, AttributeError: they were not kept of one.
    """
    for field in fields(kind):
        value = kept[field.name]
        if type(value).__name__ != field.type or (isinstance(value, int) and value < 0):
            raise ValueError(field.name)
    return kind(**kept)
