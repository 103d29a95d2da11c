"""
The emulator as a program that keeps its state: `python -P lifeline.py ROOT ops.local.keeper FILE`.

ministack's own way saves at a clean end only, and loses all without a word if one text looks like
its marks. So the state is restored before the emulator serves, saved a second after each change,
and once more at the end. On the standard library only: it runs in the emulator's environment.
"""

from __future__ import annotations

import asyncio
import copy
import gc
import importlib
import importlib.metadata
import os
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias

from ops.local import endings, kept_state
from ops.local.emulator_requests import Scope, changes

# How the emulator ends if there is a state that it can't take up.
UNREADABLE = 4
# A person who hands in one order sees it saved before they can pull the plug.
PAUSE_SECONDS = 1.0
# At most this share of a processor goes into saving, however large the state is.
LARGEST_SHARE = 0.2
# A save that hangs is ended, and said to have failed.
SAVING_LIMIT_SECONDS = 300

Receive: TypeAlias = Callable[[], Awaitable[Any]]
Send: TypeAlias = Callable[[Any], Awaitable[None]]
Served: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]


class Keeper:
    """The state of one emulator, and the file that it is kept in."""

    def __init__(
        self, emulator: Any, file: Path, port: str, pause_seconds: float = PAUSE_SECONDS
    ) -> None:
        """`emulator` is the module ministack.app; it saves no sooner than the pause allows."""
        self._emulator = emulator
        self._file = file
        self._failure = file.with_name(file.name + kept_state.FAILURE_SUFFIX)
        self._port = port
        self._shortest_pause_seconds = pause_seconds
        self._changed = asyncio.Event()
        self._saving: asyncio.Task[None] | None = None

    def restore(self) -> None:
        """Take up what is kept; nothing, if there is no file yet."""
        if not self._file.exists():
            return
        kept = kept_state.read(self._file)
        try:
            for service in kept["services"]:
                name = self._emulator._state_map[service]  # noqa: SLF001
                state = kept_state.state_of(kept, service, self._port)
                self._emulator._get_module(name).load_persisted_state(state)  # noqa: SLF001
        except Exception as error:
            version = _version()
            if kept["emulator"] == version:
                raise
            raise ValueError(
                f"kept by ministack {kept['emulator']}, and this is {version}: {error}"
            ) from error

    def save(self) -> None:
        """
        Replace the file by one with the state of now.

        Only for a process that serves no more: its services hand out their state itself.
        """
        # To copy the state would take most of the time, and here nobody changes it any more.
        vars(copy).update(deepcopy=_itself)
        gc.disable()
        getters = self._emulator._build_persistence_save_dict()  # noqa: SLF001
        taken = {service: get_state() for service, get_state in getters.items()}
        states = {service: state for service, state in taken.items() if state is not None}
        kept_state.write(self._file, states, emulator=_version(), port=self._port)

    def save_or_say(self) -> None:
        """Save; if that fails, write why into a file for the program that started this one."""
        try:
            self.save()
        except Exception as error:  # noqa: BLE001 (the emulator goes on, whatever it is)
            traceback.print_exc()
            self._say_failed(f"{type(error).__name__}: {error}")
        else:
            self._failure.unlink(missing_ok=True)

    def _say_failed(self, why: str) -> None:
        # On a full disk not even this may fit. The old state is what counts.
        with suppress(OSError):
            self._failure.write_text(why, encoding="utf-8")

    def around(self, served: Served) -> Served:
        """Serve as before, and save after what changes something."""

        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            if self._saving is None:
                self._saving = asyncio.create_task(self._save_after_changes())
            if scope["type"] != "http":
                await served(scope, receive, send)
                return
            answered_bytes = 0

            async def count(message: Any) -> None:
                nonlocal answered_bytes
                answered_bytes += len(message.get("body", b""))
                await send(message)

            await served(scope, receive, count)
            if changes(scope, answered_bytes):
                self._changed.set()

        return serve

    async def _save_after_changes(self) -> None:
        pause_seconds = self._shortest_pause_seconds
        while True:
            await self._changed.wait()
            await asyncio.sleep(pause_seconds)
            self._changed.clear()
            began_at = time.monotonic()
            await self._save_meanwhile()
            took_seconds = time.monotonic() - began_at
            pause_seconds = max(self._shortest_pause_seconds, took_seconds / LARGEST_SHARE)

    async def _save_meanwhile(self) -> None:
        try:
            _, status = await asyncio.to_thread(os.waitpid, self._save_in_a_copy(), 0)
        except OSError as error:
            self._say_failed(f"{type(error).__name__}: {error}")
        else:
            if status:
                self._say_failed(_how_the_copy_ended(os.waitstatus_to_exitcode(status)))

    def _save_in_a_copy(self) -> int:
        """
        Save in a copy of this process, and return the copy's id.

        The thread that serves requests makes the copy, so the copy has the state between two of
        them, whole. It writes while the emulator goes on serving.
        """
        with warnings.catch_warnings():
            # Of the threads: the copy waits for no lock that another thread could hold.
            warnings.simplefilter("ignore", DeprecationWarning)
            copy_id = os.fork()
        if copy_id == 0:
            try:
                signal.signal(signal.SIGALRM, signal.SIG_DFL)
                signal.alarm(SAVING_LIMIT_SECONDS)
                self.save_or_say()
            finally:
                os._exit(0)
        return copy_id


def _how_the_copy_ended(exit_code: int) -> str:
    if exit_code == -signal.SIGALRM:
        return f"it took longer than {SAVING_LIMIT_SECONDS} s"
    how = endings.how_it_ended("the saving process", exit_code)
    return f"{how}, as if memory were short" if exit_code == -signal.SIGKILL else how


def _version() -> str:
    return importlib.metadata.version("ministack")


def _itself(state: Any, _memo: Any = None) -> Any:
    return state


def main() -> None:
    """Run the emulator over the state in the file that is named on the command line."""
    file = Path(sys.argv.pop(1))
    # The emulator's Lambda would find this checkout's modules, not those in a function's zip.
    sys.path.remove(str(Path(__file__).parents[2]))
    emulator: Any = importlib.import_module("ministack.app")
    keeper = Keeper(emulator, file, os.environ["GATEWAY_PORT"])
    try:
        keeper.restore()
    except Exception:  # noqa: BLE001 (damaged data fails in any way)
        # Its last line is shown to the user.
        traceback.print_exc()
        sys.exit(UNREADABLE)
    emulator.app = keeper.around(emulator.app)
    try:
        emulator.main()
    finally:
        keeper.save_or_say()


if __name__ == "__main__":
    main()
