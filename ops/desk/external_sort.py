"""Sorting more lines than memory should hold: sorted pieces in temporary files, merged."""

import heapq
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import islice
from typing import IO

LINES_IN_MEMORY = 20_000


def sorted_lines(lines: Iterable[str], in_memory: int = LINES_IN_MEMORY) -> Iterator[str]:
    """
    Yield lines (none holds a line break) in order, with at most so many in memory.

    A million keys of 200 bytes take 200 MB of temporary files, which are gone when the iterator
    ends or is closed; their names are gone at once.
    """
    source = iter(lines)
    with ExitStack() as files:
        pieces: list[Iterator[str]] = []
        while piece := sorted(islice(source, in_memory)):
            if len(piece) < in_memory and not pieces:
                yield from piece
                return
            pieces.append(_read(_write(files.enter_context(_temporary_file()), piece)))
            del piece
        yield from heapq.merge(*pieces)


def _temporary_file() -> IO[str]:
    return tempfile.TemporaryFile("w+", encoding="utf-8", newline="\n")


def _write(file: IO[str], lines: list[str]) -> IO[str]:
    file.writelines(f"{line}\n" for line in lines)
    file.seek(0)
    return file


def _read(file: IO[str]) -> Iterator[str]:
    for line in file:
        yield line[:-1]
