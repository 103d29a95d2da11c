"""
Downloads: files that are written while they are sent, a few at a time, as long as they are wanted.

Each is written in a thread of its own, so pages are served meanwhile. A browser that leaves ends
the work at the next read of the table.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from fastapi.responses import StreamingResponse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Generator, Mapping

    from fastapi import Request
    from starlette.types import Receive, Scope, Send

# Each reads the table as fast as it answers; more of them would only share that.
AT_ONCE = 2
LOOK_SECONDS = 0.2


class TooMany(Exception):
    """As many downloads as may be are running."""


class ReaderLeft(Exception):
    """Nobody waits for this file any more."""


class Downloads:
    """The downloads of a console."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._free = threading.BoundedSemaphore(at_once)

    def begin(self, write: Callable[[Callable[[], None]], Generator[bytes]]) -> Download:
        """
        Begin a download.

        `write` makes the file's chunks. It gets a function to call before each read, which raises
        once the reader has left.

        Raises:
            TooMany: try again once another one has ended.
        """
        if not self._free.acquire(blocking=False):
            raise TooMany
        return Download(write, self._free.release)


class Download:
    """A file on its way. Whoever begins one must `end` it."""

    def __init__(
        self,
        write: Callable[[Callable[[], None]], Generator[bytes]],
        on_end: Callable[[], None],
    ) -> None:
        self._on_end = on_end
        self._reader_left = threading.Event()
        self._ended = False
        self._chunks = write(self._go_on)
        # One thread: a generator can't be closed while another thread runs it.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="download")

    async def chunk(self, request: Request) -> bytes | None:
        """
        Wait for the next chunk; None at the file's end.

        Raises:
            ReaderLeft: there is nobody to send it to.
        """
        chunk = asyncio.get_running_loop().run_in_executor(self._thread, next, self._chunks, None)
        # Of a wait that is cancelled nobody hears what the thread said.
        chunk.add_done_callback(lambda done: done.cancelled() or done.exception())
        while not (await asyncio.wait([chunk], timeout=LOOK_SECONDS))[0]:
            if await request.is_disconnected():
                self._reader_left.set()
        return await chunk

    def end(self) -> None:
        """End the work, soon if it goes on, and let the next download begin."""
        if not self._ended:
            self._ended = True
            self._reader_left.set()
            self._thread.submit(self._close)
            self._thread.shutdown(wait=False)

    def _close(self) -> None:
        try:
            self._chunks.close()
        finally:
            self._on_end()

    def _go_on(self) -> None:
        if self._reader_left.is_set():
            raise ReaderLeft


class DownloadResponse(StreamingResponse):
    """Sends a download, whose first chunk is there already, and ends it however that goes."""

    def __init__(
        self, download: Download, request: Request, first: bytes, headers: Mapping[str, str]
    ) -> None:
        self._download = download
        chunks = _all_chunks(download, request, first)
        super().__init__(chunks, media_type="application/octet-stream", headers=headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        except ReaderLeft:
            return
        finally:
            self._download.end()


async def _all_chunks(download: Download, request: Request, first: bytes) -> AsyncIterator[bytes]:
    chunk: bytes | None = first
    while chunk is not None:
        yield chunk
        chunk = await download.chunk(request)
