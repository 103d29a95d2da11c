"""Downloads: few at a time, each ended when its reader leaves."""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Generator
from typing import Any, cast

import pytest
from fastapi import Request

from ops.console.downloads import AT_ONCE, Download, DownloadResponse, Downloads, TooMany
from tests.coroutines import run_apart

GoOn = Callable[[], None]


class Reader:
    """A browser that waits for a file until it leaves."""

    def __init__(self) -> None:
        self._leaving = asyncio.Event()
        self.got: list[bytes] = []
        self.statuses: list[int] = []
        self.request = cast("Request", self)

    def leave(self) -> None:
        self._leaving.set()

    async def is_disconnected(self) -> bool:
        return self._leaving.is_set()

    async def receive(self) -> dict[str, Any]:
        await self._leaving.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.statuses.append(message["status"])
        else:
            self.got.append(message["body"])


class Endless:
    """A file whose writing reads and reads, and finds nothing after the first chunk."""

    def __init__(self) -> None:
        self.reads = 0
        self.reading = threading.Event()
        self.closed = threading.Event()

    def write(self, go_on: GoOn) -> Generator[bytes]:
        try:
            yield b"first"
            while True:
                go_on()
                self.reads += 1
                self.reading.set()
                time.sleep(0.001)
        finally:
            self.closed.set()


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    run_apart(asyncio.wait_for(coroutine, 20))


def short(_: GoOn) -> Generator[bytes]:
    yield b"a"
    yield b"b"


async def send(download: Download, reader: Reader) -> None:
    first = await download.chunk(reader.request)
    response = DownloadResponse(download, reader.request, first or b"", {})
    await response({"type": "http"}, reader.receive, reader.send)  # type: ignore[arg-type]


def free(downloads: Downloads) -> bool:
    """Tell whether another one may begin soon."""
    for _ in range(200):
        try:
            downloads.begin(short).end()
        except TooMany:
            time.sleep(0.01)
        else:
            return True
    return False


def test_a_file_is_sent_whole() -> None:
    reader = Reader()

    run(send(Downloads().begin(short), reader))

    assert reader.statuses == [200]
    assert b"".join(reader.got) == b"ab"


def test_the_reads_stop_when_the_reader_leaves() -> None:
    downloads, file, reader = Downloads(at_once=1), Endless(), Reader()

    async def leave_in_the_middle() -> None:
        sending = asyncio.create_task(send(downloads.begin(file.write), reader))
        await asyncio.to_thread(file.reading.wait)
        reader.leave()
        await asyncio.wait([sending])

    run(leave_in_the_middle())

    assert file.closed.wait(5)
    reads = file.reads
    time.sleep(0.1)
    assert file.reads == reads
    assert free(downloads)


def test_the_reads_stop_when_the_reader_leaves_before_the_first_chunk() -> None:
    downloads, file, reader = Downloads(at_once=1), Endless(), Reader()

    def nothing_first(go_on: GoOn) -> Generator[bytes]:
        endless = file.write(go_on)
        next(endless)
        yield from endless

    async def leave() -> None:
        download = downloads.begin(nothing_first)
        waiting = asyncio.create_task(download.chunk(reader.request))
        await asyncio.sleep(0.1)
        reader.leave()
        await asyncio.wait([waiting])
        assert waiting.exception()
        download.end()

    run(leave())

    assert file.closed.wait(5)
    assert free(downloads)


def test_few_downloads_run_at_once() -> None:
    downloads = Downloads()
    running = [downloads.begin(short) for _ in range(AT_ONCE)]

    with pytest.raises(TooMany):
        downloads.begin(short)
    running[0].end()

    assert free(downloads)


def test_a_failure_in_the_middle_breaks_the_file_off_and_lets_the_next_begin() -> None:
    downloads, reader = Downloads(at_once=1), Reader()

    def failing(_: GoOn) -> Generator[bytes]:
        yield b"a"
        raise RuntimeError

    with pytest.raises(RuntimeError):
        run(send(downloads.begin(failing), reader))

    assert b"" not in reader.got
    assert free(downloads)


def test_a_download_is_ended_once() -> None:
    downloads = Downloads(at_once=1)
    download = downloads.begin(short)

    download.end()
    download.end()

    assert free(downloads)
    downloads.begin(short)
    with pytest.raises(TooMany):
        downloads.begin(short)
