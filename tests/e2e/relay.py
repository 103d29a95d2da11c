"""A relay before the emulator that can stall: it accepts connections and never answers."""

import contextlib
import socket
import threading
from typing import Self

from ops.ports import LOOPBACK


class StallingRelay:
    """
    Passes connections on to a port of this machine; while it is stalled, it passes nothing on.

    It drops the bytes that it got while it was stalled: a call that nobody answers has no effect.
    """

    def __init__(self, upstream_port: int = 0) -> None:
        self.connections = 0
        self._upstream = (LOOPBACK, upstream_port)
        self._stalled = threading.Event()
        self._open: list[socket.socket] = []
        self._listener = socket.create_server((LOOPBACK, 0))

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for held in [self._listener, *self._open]:
            # Closing alone does not wake a thread that waits on it.
            with contextlib.suppress(OSError):
                held.shutdown(socket.SHUT_RDWR)
            held.close()

    def stall(self) -> Self:
        self._stalled.set()
        return self

    def resume(self) -> None:
        self._stalled.clear()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # it was closed
            while True:
                client, _ = self._listener.accept()
                self.connections += 1
                self._open.append(client)
                if not self._stalled.is_set():
                    self._connect(client)

    def _connect(self, client: socket.socket) -> None:
        server = socket.create_connection(self._upstream)
        self._open.append(server)
        for source, target in ((client, server), (server, client)):
            threading.Thread(target=_pump, args=(source, target), daemon=True).start()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):  # one of the two is gone: the other will be soon
        while data := source.recv(65_536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
