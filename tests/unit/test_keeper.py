"""The emulator's keeper: what counts as a change, what it reads, how it moves queue URLs."""

import asyncio
import datetime as dt
import os
import pickle
import sys
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ops.local.emulator_requests import changes
from ops.local.keeper import Keeper
from ops.local.kept_state import FAILURE_SUFFIX, loaded, moved
from tests.coroutines import run_apart

SQS = b"AmazonSQS."
DYNAMODB = b"DynamoDB_20120810."


def request(method: str = "POST", target: bytes = b"") -> dict[str, Any]:
    return {"method": method, "headers": [(b"x-amz-target", target)] if target else []}


@pytest.mark.parametrize(
    "scope",
    [
        request("GET"),
        request("HEAD"),
        request(target=SQS + b"GetQueueAttributes"),
        request(target=SQS + b"ListQueues"),
        request(target=DYNAMODB + b"Query"),
        request(target=DYNAMODB + b"Scan"),
        request(target=DYNAMODB + b"BatchGetItem"),
        request(target=DYNAMODB + b"DescribeTable"),
    ],
)
def test_a_look_changes_nothing(scope: dict[str, Any]) -> None:
    assert not changes(scope, answered_bytes=10_000)


@pytest.mark.parametrize(
    "scope",
    [
        request("PUT"),
        request("DELETE"),
        request("POST"),
        request(target=SQS + b"SendMessage"),
        request(target=SQS + b"DeleteMessageBatch"),
        request(target=DYNAMODB + b"PutItem"),
        request(target=DYNAMODB + b"BatchExecuteStatement"),
        request(target=DYNAMODB + b"BatchWriteItem"),
    ],
)
def test_everything_else_may_have_changed_something(scope: dict[str, Any]) -> None:
    assert changes(scope, answered_bytes=2)


@pytest.mark.parametrize(("answer", "changed"), [(b"{}", False), (b'{"Messages":' * 9, True)])
def test_a_receive_changes_something_if_it_gets_a_message(answer: bytes, *, changed: bool) -> None:
    assert changes(request(target=SQS + b"ReceiveMessage"), len(answer)) == changed


@pytest.mark.parametrize(
    "state",
    [
        {"__bytes__": "no base64", "__scoped__": True, 1: b"\x00\xff", (1, "a"): None},
        [1.5, True, {"a"}, ("b",), bytearray(b"c"), Decimal("1.50")],
        defaultdict(dict, {"a": {}}),
        dt.datetime(2026, 11, 26, tzinfo=dt.UTC),
    ],
)
def test_data_is_read_as_it_was(state: object) -> None:
    assert loaded(pickle.dumps(state)) == state


class Stranger:
    """A class that is no data."""


@pytest.mark.parametrize("stranger", [Stranger(), Path("/"), eval])
def test_what_is_no_data_is_not_read(stranger: object) -> None:
    with pytest.raises(pickle.UnpicklingError, match="is no data"):
        loaded(pickle.dumps(stranger))


class Scoped:
    """As ministack's dictionaries by account, region and key."""

    def __init__(self, data: dict[Any, Any]) -> None:
        self._data = data


URL, MOVED = (f"http://127.0.0.1:{port}/000000000000/orders-dlq-local" for port in (4566, 4600))


def test_queue_urls_get_the_port_of_now_wherever_they_stand() -> None:
    state = {"queues": Scoped({("0", "us-east-1", URL): {"url": URL, "attributes": [URL]}})}

    ((key, queue),) = moved(state, "4566", "4600")["queues"]._data.items()

    assert key == ("0", "us-east-1", MOVED)
    assert queue == {"url": MOVED, "attributes": [MOVED]}


@pytest.mark.parametrize(
    "text", [f"see {URL}", f"{URL}?x", "http://127.0.0.1:45660/000000000000/a", "http://x:4566/0/a"]
)
def test_no_other_text_is_changed(text: str) -> None:
    assert moved({"a": text}, "4566", "4600") == {"a": text}


def test_a_message_is_never_changed() -> None:
    state = {"messages": [{"body": URL}], "items": {URL: {"S": URL}}}

    assert moved(state, "4566", "4600") == state


class Emulator:
    """As much of ministack.app as the keeper uses."""

    def __init__(self, state: object) -> None:
        self._state_map = {"sqs": "sqs"}
        self._state = state
        self.restored: list[Any] = []

    def _build_persistence_save_dict(self) -> dict[str, Any]:
        return {"sqs": lambda: self._state, "idle": lambda: None}

    def _get_module(self, _name: str) -> Any:
        return self

    def load_persisted_state(self, state: object) -> None:
        self.restored.append(state)


def save_or_say(emulator: Emulator, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keeper = Keeper(emulator, file, "4566")
    with monkeypatch.context() as patch:
        # This process goes on, so it must get its deepcopy back.
        patch.setattr("copy.deepcopy", None)
        patch.setattr("gc.disable", lambda: None)
        patch.setattr("importlib.metadata.version", lambda _name: "1.5.33")
        keeper.save_or_say()


def test_a_state_is_restored_as_it_was_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = Emulator({"messages": [b"\xff"]}), Emulator(None)
    save_or_say(first, tmp_path / "state", monkeypatch)

    Keeper(second, tmp_path / "state", "4566").restore()

    assert second.restored == [{"messages": [b"\xff"]}]
    assert [path.name for path in tmp_path.iterdir()] == ["state"]


def test_a_state_that_cannot_be_saved_leaves_the_last_one_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file, failure = tmp_path / "state", tmp_path / f"state{FAILURE_SUFFIX}"
    save_or_say(Emulator({"a": 1}), file, monkeypatch)
    before = file.read_bytes()

    save_or_say(Emulator(Stranger()), file, monkeypatch)

    assert file.read_bytes() == before
    assert failure.read_text(encoding="utf-8").endswith("Stranger is no data")
    assert "Traceback" in capsys.readouterr().err
    save_or_say(Emulator({"a": 2}), file, monkeypatch)
    assert not failure.exists()


def test_without_a_file_there_is_nothing_to_restore(tmp_path: Path) -> None:
    emulator = Emulator(None)

    Keeper(emulator, tmp_path / "state", "4566").restore()

    assert emulator.restored == []


def test_a_state_of_another_version_that_cannot_be_restored_names_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_or_say(Emulator({"a": 1}), tmp_path / "state", monkeypatch)
    newer = Emulator(None)
    newer._state_map.clear()
    monkeypatch.setattr("importlib.metadata.version", lambda _name: "2.0.0")

    with pytest.raises(ValueError, match=r"kept by ministack 1\.5\.33, and this is 2\.0\.0: 'sqs'"):
        Keeper(newer, tmp_path / "state", "4566").restore()


def test_a_state_in_another_format_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "state").write_bytes(pickle.dumps({"format": 2}))

    with pytest.raises(ValueError, match="its format is 2, and this program reads 1"):
        Keeper(Emulator(None), tmp_path / "state", "4566").restore()


class Unlucky(Keeper):
    """Its copies are killed, or can't be made."""

    def __init__(self, file: Path, copy: str) -> None:
        super().__init__(Emulator(None), file, "4566")
        self._copy = copy

    def _save_in_a_copy(self) -> int:
        if not self._copy:
            raise BlockingIOError(11, "Resource temporarily unavailable")
        return os.posix_spawn(sys.executable, [sys.executable, "-c", self._copy], os.environ)


@pytest.mark.parametrize(
    ("copy", "reason"),
    [
        ("", "BlockingIOError: [Errno 11] Resource temporarily unavailable"),
        (
            "import os; os.kill(os.getpid(), 9)",
            "the saving process was ended by signal SIGKILL, as if memory were short",
        ),
        ("import os; os.kill(os.getpid(), 14)", "it took longer than 300 s"),
        ("raise SystemExit(1)", "the saving process ended with exit code 1"),
    ],
)
def test_a_save_that_could_not_be_made_or_was_killed_is_known(
    tmp_path: Path, copy: str, reason: str
) -> None:
    keeper = Unlucky(tmp_path / "state", copy)

    run_apart(keeper._save_meanwhile())

    assert (tmp_path / f"state{FAILURE_SUFFIX}").read_text(encoding="utf-8") == reason


def test_a_request_that_changes_something_is_saved_once_it_is_answered(tmp_path: Path) -> None:
    saved: list[str] = []

    class Counting(Keeper):
        async def _save_meanwhile(self) -> None:
            saved.append("saved")

    async def served(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.body", "body": b"{}"})

    async def send(_message: Any) -> None:
        pass

    async def hand_in() -> None:
        keeper = Counting(Emulator(None), tmp_path / "state", "4566", pause_seconds=0.01)
        serve = keeper.around(served)
        await serve({"type": "lifespan"}, None, send)  # type: ignore[arg-type]
        await serve({"type": "http", **request("GET")}, None, send)  # type: ignore[arg-type]
        await asyncio.sleep(0.1)
        saved.append("a look")
        await serve({"type": "http", **request("PUT")}, None, send)  # type: ignore[arg-type]
        await asyncio.sleep(0.1)

    run_apart(hand_in())

    assert saved == ["a look", "saved"]
