"""A whole file of orders, handed in batch by batch, with a note after each."""

from __future__ import annotations

import uuid
from contextlib import ExitStack
from dataclasses import replace
from typing import IO, TYPE_CHECKING, Protocol, Self

from chalicelib.orders.times import iso, now
from chalicelib.services.principals import principal_of
from ops.bulk.answers import Settled
from ops.bulk.lines import Batch, Line, LongLine, read_lines
from ops.bulk.problems import BegunByAnother, FileChanged
from ops.bulk.progress import Progress, ProgressFile, Run
from ops.bulk.source import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from ops.bulk.refused import RefusedLines

PROGRESS_SUFFIX = ".progress"
TOO_LONG = Settled(problem={})


class Sender(Protocol):
    """The way of a batch to the API."""

    def hand_in(self, lines: Sequence[Line]) -> Mapping[Line, Settled]: ...


def hand_in(
    file: IO[bytes], sender: Sender, refused: RefusedLines, begun: Progress
) -> Iterator[Progress]:
    """
    Hand in the lines of a file from where it is, and yield the progress after each batch.

    The refused lines are in their files before it is yielded.

    Raises:
        StoppedShort: the API doesn't take the next batch. Some of its lines may be queued.
    """
    progress = begun
    for part in read_lines(file, begun.last_line):
        match part:
            case LongLine():
                written = refused.add_long(part)
                progress = progress.after(written[0], part.number, [TOO_LONG])
            case Batch():
                settled = sender.hand_in(part.lines)
                written = refused.add(settled)
                progress = progress.after(part.size, part.last_number, settled.values())
        progress = progress.with_refused(written)
        yield progress


class FileSubmission:
    """
    One file, one stage and one caller: it goes on where it was, whoever has killed the last run.

    The order of the writes makes that so: the API's answer, the refused lines, and then the note.
    After a kill between two of them, the batch is handed in again with the same key, and of the
    refused lines only those are kept that the note counts.
    """

    run: Run

    def __init__(
        self,
        path: Path,
        refused: RefusedLines,
        *,
        stage: str,
        caller: str,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self.path = path
        self.refused = refused
        self.notes = ProgressFile(path.with_name(f"{path.name}{PROGRESS_SUFFIX}"))
        self.source = Source(path)
        self._stage = stage
        self._caller = principal_of(caller)
        self._clock = clock
        self._opened = ExitStack()

    def __enter__(self) -> Self:
        self._opened.enter_context(self.source)
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def begin(self, *, key: str | None = None, afresh: bool = False) -> Progress:
        """
        Return how far the file has come, and make a note of a new run if there is none.

        Raises:
            FileChanged, NotAsLeft, BegunByAnother: only a new run can take it, so `afresh`.
        """
        kept = None if afresh else self.notes.read()
        if kept is None:
            return self._begin_anew(key, afresh=afresh)
        self.run, progress = kept
        self._require_same(key)
        self.refused.cut_to(progress.refused_bytes, progress.reasons_bytes)
        return progress

    def go_on(self, sender: Sender, begun: Progress) -> Iterator[Progress]:
        """
        Hand in all that is left, and yield the progress that is noted after each batch.

        Raises:
            StoppedShort: the API doesn't take the next batch.
            FileChanged: the file is not the one any more that was begun.
        """
        self.source.file.seek(begun.offset)
        progress = begun
        self.source.require_unchanged()
        for progress in hand_in(self.source.file, sender, self.refused, begun):
            self.source.require_unchanged()
            self.notes.write(self.run, progress)
            yield progress
        ended = replace(progress, ended_at=iso(self._clock()))
        self.notes.write(self.run, ended)
        yield ended

    def _begin_anew(self, key: str | None, *, afresh: bool) -> Progress:
        if not afresh:
            self.refused.require_none()
        content = self.source.content
        # Made from the file: handed in again without its note, it still doubles nothing.
        own = f"lines-{content.sha256}" + (f"-{uuid.uuid4()}" if afresh else "")
        self.run = Run(key or own, content.sha256, content.size, self._stage, self._caller)
        # The note first: it says that nothing of the files of refused lines counts.
        self.notes.write(self.run, Progress())
        self.refused.cut_to(0, 0)
        return Progress()

    def _require_same(self, key: str | None) -> None:
        run, path = self.run, self.path
        if run.file_sha256 != self.source.content.sha256:
            raise FileChanged(f"{path} is not the file any more that was begun.")
        if (run.stage, run.caller) != (self._stage, self._caller):
            raise BegunByAnother(f"{path} was begun on stage {run.stage} by {run.caller}.")
        if key not in (None, run.key):
            raise BegunByAnother(f"{path} was begun with another --idempotency-key.")
