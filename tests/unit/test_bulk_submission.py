"""A file of orders goes on where it was, however the last run ended: no line lost, none doubled."""

import fcntl
import json
import os
import sys
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from chalicelib.orders.times import iso
from chalicelib.texts import texts_in
from ops.bulk import lines
from ops.bulk.problems import (
    BegunByAnother,
    FileBusy,
    FileChanged,
    NotAsLeft,
    StoppedShort,
    SubmissionProblem,
)
from ops.bulk.progress import Progress
from ops.bulk.refused import RefusedLines
from ops.bulk.sender import Sender
from ops.bulk.submission import FileSubmission
from ops.deploy.smoke import Answer
from ops.patience import Patience
from tests.batch_api import FakeBatchApi, answering, confirming, failing
from tests.builders import START, order_text
from tests.desk_fakes import Killed

CALLER = "arn:aws:sts::111122223333:assumed-role/orders-web/session-1"
OTHER_SESSION = "arn:aws:sts::111122223333:assumed-role/orders-web/session-2"
OTHER_CALLER = "arn:aws:sts::111122223333:assumed-role/orders-atm/session-1"
BULK = str(Path(lines.__file__).parent)
LONG = b"[" + b"1," * 500 + b"1]"
GOOD = [order_text(f"order-{number}").encode() for number in range(9)]
BAD = [b"[]", b'{"id": "a/b"}', b"\xff", LONG, b'{"id": "z", "note": "\xef\xbf\xbe"}']
# Each batch has a refused line, or is one.
CONTENT = b"\n".join(
    [
        *(GOOD[0], BAD[0], GOOD[1], b"", BAD[1], GOOD[2], GOOD[3], BAD[2], LONG, b""),
        *(GOOD[4] + b"\r", BAD[4], GOOD[4], GOOD[5], GOOD[5], order_text("i", amount=0).encode()),
        *(GOOD[6], GOOD[7], GOOD[8]),
    ]
)
REFUSED = b"".join(line + b"\n" for line in BAD)
RECORDED = {*GOOD, order_text("i", amount=0).encode()}


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MAX_BATCH_LINES", 3)
    monkeypatch.setattr(lines, "LONGEST_LINE", 500)


@pytest.fixture(autouse=True)
def _no_syncing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the disk alone: a process that is killed loses nothing that it has written."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


class Operator:
    """Hands a file in, again and again."""

    def __init__(self, folder: Path, content: bytes = CONTENT) -> None:
        self.path = folder / "orders.ndjson"
        self.path.write_bytes(content)
        self.api = FakeBatchApi()
        self.stage = "dev"
        self.caller = CALLER

    def submission(self) -> FileSubmission:
        refused = RefusedLines(self.path, texts_in("en"))
        return FileSubmission(
            self.path, refused, stage=self.stage, caller=self.caller, clock=lambda: START
        )

    @contextmanager
    def _process(self) -> Iterator[FileSubmission]:
        """Let go of the file at the end, as of a process that is killed."""
        submission = self.submission()
        try:
            with submission:
                yield submission
        finally:
            with suppress(AttributeError):
                submission.source.file.close()

    def run(
        self,
        *,
        after_batch: Callable[[Progress], None] = lambda _: None,
        make_patience: Callable[[], Patience] = Patience,
        **options: Any,
    ) -> Progress:
        with self._process() as submission:
            begun = progress = submission.begin(**options)
            if begun.ended_at:
                return begun
            sender = Sender(
                self.api,
                submission.run.key,
                language="en",
                note=lambda _: None,
                sleep=lambda _: None,
                make_patience=make_patience,
            )
            for progress in submission.go_on(sender, begun):
                after_batch(progress)
        return progress

    def beside(self, suffix: str) -> Path:
        return self.path.with_name(self.path.name + suffix)

    @property
    def refused(self) -> bytes:
        return self.beside(".refused.ndjson").read_bytes()

    @property
    def reasons(self) -> list[str]:
        return self.beside(".refused.txt").read_text("utf-8").splitlines()

    def require_all(self) -> None:
        """Require that each line is recorded once, or is a refused one: once too."""
        assert sorted(self.api.recorded()) == sorted(RECORDED)
        assert self.refused == REFUSED
        numbers = [reason.partition(":")[0] for reason in self.reasons]
        assert numbers == ["line 2", "line 5", "line 8", "line 9", "line 12"]


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    return Operator(tmp_path)


def test_a_file_is_handed_in_to_its_end(operator: Operator) -> None:
    ended = operator.run()

    operator.require_all()
    assert (ended.queued, ended.invalid, ended.repeated, ended.refused) == (12, 1, 2, 5)
    assert (ended.last_line, ended.offset) == (19, len(CONTENT))
    assert ended.ended_at == iso(START)
    assert len({headers["Idempotency-Key"] for headers, _ in operator.api.requests}) == 1


def test_a_refused_line_has_its_reason_without_accounts(tmp_path: Path) -> None:
    operator = Operator(tmp_path, b'{"id": "a/55501234567"}\n\x1b[2J55501234567\n')

    operator.run()

    assert operator.refused == operator.path.read_bytes()
    assert [reason.rpartition(": ")[0] for reason in operator.reasons]
    assert "55501234567" not in "".join(operator.reasons)
    assert operator.reasons[0].startswith(
        "line 1: unreadable-order: The id of this line's order must be"
    )
    assert all(reason.isprintable() for reason in operator.reasons)


def test_a_line_that_only_the_api_refuses_has_the_apis_reason(tmp_path: Path) -> None:
    operator = Operator(tmp_path, GOOD[0])
    problem = {
        "type": "urn:orders:problem:channel-not-yours",
        "status": 403,
        "detail": "Channel \x1b[2J of 55501234567",
    }
    result = {"line": 1, "status": "REFUSED", "problem": problem}
    operator.api.misbehaviours = [answering(400, {"results": [result]})]

    ended = operator.run()

    assert ended.refused == 1
    assert operator.refused == GOOD[0] + b"\n"
    (reason,) = operator.reasons
    assert reason.startswith("line 1: channel-not-yours: Channel \\u001b[2J of ")
    assert "55501234567" not in reason


@pytest.mark.parametrize("problem", [{}, {"type": 7, "detail": None}])
def test_a_problem_may_have_any_form(tmp_path: Path, problem: dict[str, Any]) -> None:
    operator = Operator(tmp_path, GOOD[0])
    result = {"line": 1, "status": "REFUSED", "problem": problem}
    operator.api.misbehaviours = [answering(400, {"results": [result]})]

    assert operator.run().refused == 1
    assert operator.refused == GOOD[0] + b"\n"


@pytest.mark.parametrize(
    ("content", "lines"), [(b"", 0), (b"a", 1), (b"a\n", 1), (b"a\n\nb", 3), (b"\n", 1)]
)
def test_lines_are_counted_for_the_progress(tmp_path: Path, content: bytes, lines: int) -> None:
    with Operator(tmp_path, content).submission() as submission:
        assert submission.source.content.lines == lines


def test_a_file_that_can_only_be_read_is_handed_in(operator: Operator) -> None:
    operator.path.chmod(0o400)

    operator.run()

    operator.require_all()


@pytest.mark.parametrize("content", [b"", b"\n\n"])
def test_a_file_without_orders_is_done_at_once(tmp_path: Path, content: bytes) -> None:
    operator = Operator(tmp_path, content)

    ended = operator.run()

    assert (ended.lines, ended.offset) == (0, len(content))
    assert not operator.api.requests
    assert not operator.beside(".refused.ndjson").exists()


def test_a_file_that_is_done_is_not_handed_in_again(operator: Operator) -> None:
    ended = operator.run()
    requests = len(operator.api.requests)

    again = operator.run()

    assert again == ended
    assert len(operator.api.requests) == requests
    operator.require_all()


def test_the_same_file_without_its_note_doubles_nothing(operator: Operator) -> None:
    operator.run()
    for suffix in (".progress", ".refused.ndjson", ".refused.txt"):
        operator.beside(suffix).unlink()

    operator.run()

    operator.require_all()


def test_the_files_beside_it_are_for_their_owner_only(operator: Operator) -> None:
    operator.run()

    for suffix in (".progress", ".refused.ndjson", ".refused.txt"):
        assert operator.beside(suffix).stat().st_mode & 0o077 == 0
    assert not list(operator.path.parent.glob("*.new"))


@contextmanager
def killed_at(step: int) -> Iterator[list[tuple[str, int]]]:
    """Kill the process before a step, which is a line of ops/bulk. Yields the steps so far."""
    before, steps = sys.gettrace(), list[tuple[str, int]]()

    def trace(frame: FrameType, event: str, _: object) -> Any:
        if not frame.f_code.co_filename.startswith(BULK):
            return None
        if event == "line":
            if len(steps) == step:
                # Nothing that follows is traced, as nothing would be done.
                sys.settrace(None)
                raise Killed
            steps.append((frame.f_code.co_filename, frame.f_lineno))
        return trace

    sys.settrace(trace)
    try:
        yield steps
    finally:
        sys.settrace(before)


def chosen_steps(folder: Path) -> list[int]:
    """Choose the first steps at each line of the program: all others are alike."""
    folder.mkdir()
    with killed_at(-1) as steps:
        Operator(folder).run()
    visits: Counter[tuple[str, int]] = Counter()
    chosen = []
    for step, place in enumerate(steps):
        visits[place] += 1
        if visits[place] in {1, 3}:
            chosen.append(step)
    return chosen


# A process that is killed closes nothing.
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_file_goes_on_wherever_it_was_killed(tmp_path: Path) -> None:
    """Between any two lines of the program that hands it in, and once more on the way on."""
    # Python 3.11 keeps the exception that is handled when a trace raises, while the thread lives.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(go_on_wherever_killed, tmp_path).result()


def go_on_wherever_killed(tmp_path: Path) -> None:
    steps = chosen_steps(tmp_path / "whole")
    assert len(steps) > 150

    for step in steps:
        folder = tmp_path / str(step)
        folder.mkdir()
        operator = Operator(folder)
        with pytest.raises(Killed), killed_at(step):
            operator.run()
        with suppress(Killed), killed_at(step // 3):
            operator.run()

        ended = operator.run()

        operator.require_all()
        assert (ended.queued, ended.invalid, ended.refused) == (12, 1, 5), step


@pytest.mark.parametrize("taken", [True, False])
def test_a_file_goes_on_after_the_api_was_away(operator: Operator, *, taken: bool) -> None:
    class NoPatience(Patience):
        def wait_seconds(self, _: float | None) -> None:
            return None

    def lose_next(_: Progress) -> None:
        operator.api.misbehaviours = [failing(ConnectionResetError(), taken=taken)]

    stops = 0
    while True:
        try:
            operator.run(after_batch=lose_next, make_patience=NoPatience)
        except StoppedShort:
            stops += 1
        else:
            break

    assert stops >= 5
    operator.require_all()


def test_unconfirmed_lines_count_once(operator: Operator) -> None:
    operator.api.misbehaviours = [confirming(lambda number: number % 2 == 0)] * 4

    ended = operator.run()

    operator.require_all()
    assert (ended.queued, ended.refused) == (12, 5)


def stopped(operator: Operator) -> None:
    """Let the operator stop after the second batch."""

    def stop(progress: Progress) -> None:
        if progress.last_line > 5:
            raise Killed

    with pytest.raises(Killed):
        operator.run(after_batch=stop)


def change_end(path: Path) -> None:
    before = path.stat()
    path.write_bytes(CONTENT[:-1] + b" ")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize(
    "change",
    [
        change_end,
        lambda path: path.write_bytes(CONTENT + b"\n"),
        lambda path: path.write_bytes(b"\n" + CONTENT),
        lambda path: path.write_bytes(b""),
    ],
    ids=["end", "appended", "shifted", "emptied"],
)
@pytest.mark.parametrize("done", [True, False])
def test_another_file_under_the_name_is_refused_until_it_is_begun_afresh(
    operator: Operator, change: Callable[[Path], object], *, done: bool
) -> None:
    if done:
        operator.run()
    else:
        stopped(operator)
    sent = list(operator.api.queued)
    change(operator.path)

    with pytest.raises(FileChanged):
        operator.run()
    assert operator.api.queued == sent

    assert operator.run(afresh=True).offset == operator.path.stat().st_size


@pytest.mark.parametrize("change", [Path.unlink, lambda path: path.write_bytes(CONTENT + b"x")])
def test_a_file_that_changes_meanwhile_stops_the_run(
    operator: Operator, change: Callable[[Path], object]
) -> None:
    def change_once(progress: Progress) -> None:
        if progress.last_line < 5:
            change(operator.path)

    with pytest.raises(FileChanged, match="changed while it was handed in"):
        operator.run(after_batch=change_once)


def test_a_run_begun_afresh_is_of_new_submissions(operator: Operator) -> None:
    operator.run()

    operator.run(afresh=True)

    assert len(operator.api.recorded()) == 2 * len(RECORDED)
    assert operator.refused == REFUSED
    assert len(operator.reasons) == len(BAD)


def test_only_one_process_hands_a_file_in(operator: Operator) -> None:
    with operator.path.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(FileBusy):
            operator.run()
    assert not operator.beside(".progress").exists()

    operator.run()


def test_the_lock_ends_with_the_run(operator: Operator) -> None:
    stopped(operator)

    assert operator.run().ended_at


@pytest.mark.parametrize(
    "other",
    [{"stage": "prod"}, {"caller": OTHER_CALLER}, {"caller": "arn:aws:iam::1:root"}],
    ids=str,
)
def test_another_stage_or_caller_can_not_go_on(operator: Operator, other: dict[str, str]) -> None:
    """A line's submission follows from the caller too: it would be recorded twice."""
    stopped(operator)
    sent = list(operator.api.queued)
    vars(operator).update(other)

    with pytest.raises(BegunByAnother, match=r"stage dev by .*:assumed-role/orders-web\.$"):
        operator.run()

    assert operator.api.queued == sent


def test_another_session_of_the_caller_goes_on(operator: Operator) -> None:
    stopped(operator)
    operator.caller = OTHER_SESSION

    operator.run()

    operator.require_all()


def test_a_key_of_ones_own_is_kept(operator: Operator) -> None:
    operator.run(key="november")

    assert {headers["Idempotency-Key"] for headers, _ in operator.api.requests} == {"november"}
    assert operator.run(key="november").ended_at
    with pytest.raises(BegunByAnother, match="another --idempotency-key"):
        operator.run(key="december")


def edited(edit: Callable[[Any], Any]) -> Callable[[Operator], object]:
    def change(operator: Operator) -> None:
        kept = operator.beside(".progress")
        content = json.loads(kept.read_text("utf-8"))
        kept.write_text(json.dumps(edit(content)), "utf-8")

    return change


@pytest.mark.parametrize(
    "spoil",
    [
        lambda operator: operator.beside(".progress").write_bytes(b""),
        lambda operator: operator.beside(".progress").write_bytes(b"\xff"),
        lambda operator: operator.beside(".progress").write_text("[]"),
        lambda operator: operator.beside(".progress").write_text("null"),
        edited(lambda kept: kept | {"format": 2}),
        edited(lambda kept: kept | {"done": {}}),
        edited(lambda kept: kept | {"run": 7}),
        edited(lambda kept: kept | {"done": kept["done"] | {"offset": -1}}),
        edited(lambda kept: kept | {"done": kept["done"] | {"offset": "7"}}),
        edited(lambda kept: kept | {"done": kept["done"] | {"queued": True}}),
        edited(lambda kept: kept | {"done": kept["done"] | {"more": 1}}),
        lambda operator: operator.beside(".refused.ndjson").unlink(),
        lambda operator: operator.beside(".refused.txt").write_bytes(b""),
    ],
)
def test_files_that_are_not_as_they_were_left_stop_the_run(
    operator: Operator, spoil: Callable[[Operator], object]
) -> None:
    stopped(operator)
    sent = list(operator.api.queued)
    spoil(operator)

    with pytest.raises(NotAsLeft):
        operator.run()
    assert operator.api.queued == sent

    operator.run(afresh=True)
    assert operator.refused == REFUSED


@pytest.mark.parametrize("suffix", [".refused.ndjson", ".refused.txt"])
def test_refused_lines_of_an_earlier_run_are_not_overwritten(
    operator: Operator, suffix: str
) -> None:
    operator.beside(suffix).write_bytes(b"kept\n")

    with pytest.raises(NotAsLeft, match="there already"):
        operator.run()

    assert operator.beside(suffix).read_bytes() == b"kept\n"
    assert not operator.beside(".progress").exists()


def test_a_folder_that_can_not_be_written_stops_the_run_before_it_begins(tmp_path: Path) -> None:
    operator = Operator(tmp_path)
    operator.beside(".progress.new").mkdir()

    with pytest.raises(OSError, match="irectory"):
        operator.run()

    assert not operator.api.requests


def test_problems_are_told_apart() -> None:
    kinds = (FileBusy, FileChanged, NotAsLeft, BegunByAnother, StoppedShort)

    assert all(issubclass(kind, SubmissionProblem) for kind in kinds)


class SwiftApi(FakeBatchApi):
    """Answers without a look at the orders, and keeps nothing."""

    lines = 0

    def answer(self, body: bytes, *_: Any) -> Answer:
        self.requests.clear()
        contents = body.splitlines()
        self.lines += len(contents)
        digests = [sha256(line).hexdigest() for line in contents]
        results = [
            {"line": number, "status": "QUEUED", "payloadSha256": digest, "valid": True}
            for number, digest in enumerate(digests, start=1)
        ]
        return Answer(202, {"results": results})


def test_a_large_file_takes_no_more_memory_than_a_small_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "MAX_BATCH_LINES", 500)
    few, many = 2_000, 50_000

    def most_bytes(count: int) -> int:
        folder = tmp_path / str(count)
        folder.mkdir()
        operator = Operator(folder, b"")
        with operator.path.open("wb") as to:
            to.writelines(b'{"id": "order-%d", "amount": "1.00"}\n' % n for n in range(count))
        operator.api = SwiftApi()
        tracemalloc.start()
        try:
            ended = operator.run()
            assert (ended.queued, operator.api.lines) == (count, count)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert most_bytes(many) < 1.5 * most_bytes(few) + 1_000_000


def test_a_long_line_takes_no_more_memory_than_a_piece(tmp_path: Path) -> None:
    operator = Operator(tmp_path, b"")
    with operator.path.open("wb") as to:
        to.writelines(b"x" * 1_000_000 for _ in range(30))
    tracemalloc.start()

    ended = operator.run()

    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (ended.refused, ended.offset) == (1, 30_000_000)
    assert most < 5_000_000
    assert "too-large" in operator.reasons[0]


def test_progress_adds_up() -> None:
    assert replace(Progress(), queued=2, refused=3).lines == 5
