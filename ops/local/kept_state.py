"""
The file with the emulator's state: a pickle of data, replaced as a whole.

On the standard library only: the emulator's own environment reads and writes it.
"""

import io
import os
import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypedDict

FORMAT = 1
# Appended to the file's name: why the state could not be saved. Removed as soon as it is saved.
FAILURE_SUFFIX = ".not-saved"
# Queue URLs have the port in them, wherever they are stored but in messages and items.
WITH_QUEUE_URLS = ("sqs", "cloudformation", "lambda")
CONTENTS = {"messages", "items"}
# All that a state may be made of, beside what needs no class.
CLASSES = {
    ("ministack.core.responses", "AccountScopedDict"),
    ("ministack.core.responses", "AccountRegionScopedDict"),
    ("builtins", "bytearray"),
    # What a defaultdict makes.
    ("builtins", "dict"),
    ("builtins", "list"),
    ("builtins", "set"),
    ("collections", "OrderedDict"),
    ("collections", "defaultdict"),
    ("collections", "deque"),
    ("datetime", "datetime"),
    ("datetime", "timedelta"),
    ("datetime", "timezone"),
    ("decimal", "Decimal"),
}


class Kept(TypedDict):
    """The content of the file: the state of each service by itself, and who has written it."""

    format: int
    emulator: str
    port: str
    services: dict[str, bytes]


def write(file: Path, states: Mapping[str, object], *, emulator: str, port: str) -> None:
    """Replace the file. Whenever the machine stops, it is the old one or the new one."""
    services = {name: pickle.dumps(state) for name, state in states.items()}
    for pickled in services.values():
        # What can't be read again must not replace what can.
        loaded(pickled)
    kept: Kept = {"format": FORMAT, "emulator": emulator, "port": port, "services": services}
    new = file.with_name(f"{file.name}.new")
    with new.open("wb") as opened:
        opened.write(pickle.dumps(kept))
        opened.flush()
        os.fsync(opened.fileno())
    new.replace(file)


def read(file: Path) -> Kept:
    """
    Read the file.

    Raises:
        ValueError: it has another format. Damaged data raises anything.
    """
    kept: Kept = loaded(file.read_bytes())
    if kept["format"] != FORMAT:
        raise ValueError(f"its format is {kept['format']}, and this program reads {FORMAT}")
    return kept


def state_of(kept: Kept, service: str, port: str) -> Any:
    """Return the state of a service, for an emulator at this port."""
    state = loaded(kept["services"][service])
    return moved(state, kept["port"], port) if service in WITH_QUEUE_URLS else state


def loaded(pickled: bytes) -> Any:
    """Read what was saved: data, and ministack's own dictionaries, but no other class."""
    return _Reader(io.BytesIO(pickled)).load()


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in CLASSES:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name} is no data")


def moved(state: Any, old_port: str, new_port: str) -> Any:
    """Give the queue URLs in a state the emulator's port of now."""
    if old_port == new_port:
        return state
    url = re.compile(rf"http://127\.0\.0\.1:{old_port}(/\d{{12}}/[\w.-]+)")

    def move(value: Any) -> Any:
        if isinstance(value, str) and (match := url.fullmatch(value)):
            return f"http://127.0.0.1:{new_port}{match[1]}"
        if isinstance(value, dict):
            return {
                move(key): each if key in CONTENTS else move(each) for key, each in value.items()
            }
        if isinstance(value, list | tuple):
            return type(value)(move(each) for each in value)
        if hasattr(value, "_data"):
            # One of ministack's dictionaries by account, region and key.
            value._data = move(value._data)  # noqa: SLF001
        return value

    return move(state)
