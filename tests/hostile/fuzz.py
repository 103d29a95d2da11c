"""
Look for a text that an order's parser fails at, guided by coverage: `make fuzz`.

libFuzzer (by atheris) keeps each text by which the code runs somewhere new. They are merged to the
fewest that reach as much, and written to found.jsonl, from where the tests read them, and the next
run begins. A text that fails is printed, and ends the run.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from base64 import b64encode
from pathlib import Path

from tests.hostile.corpus import BY_HTTP_ONLY, BY_QUEUE_ONLY, FOUND, READABLE, UNREADABLE, found

MAX_BYTES = 4_096
# What a parser takes as one: so the fuzzer need not spell it.
WORDS = (
    b'"id":"a"', b'"amount":', b'"fromAccount":"1"', b'"toAccount":"2"', b'"channel":"web"',
    b"\\u0000", b"\\ud800", b"\\udc00", b"NaN", b"-Infinity", b"true", b"null", b"1e", b"E-",
    b"1e999999999", b"-0", b"0.", b"[[[[[[[[[[", b"]]]]]]]]]]", b'{"":', b"\xef\xbb\xbf",
    b"\xe2\x80\xae", b"\xed\xa0\x80",
    b'"specversion":"1.0"', b'"source":"a"', b'"type":"a"', b'"detail":{}', b'"Records":[{',
)  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        seeds, merged, words = (folder / name for name in ("seeds", "merged", "words"))
        _write_seeds(seeds)
        merged.mkdir()
        words.write_text("".join(f'"{_escaped(word)}"\n' for word in WORDS), "ascii")
        options = [f"-max_len={MAX_BYTES}", f"-dict={words}", f"-artifact_prefix={folder}/failed-"]
        code = _fuzz(
            *options, f"-max_total_time={seconds}", "-timeout=10", "-print_final_stats=1", seeds
        )
        for failed in folder.glob("failed-*"):
            sys.stdout.write(f"Failed: {failed.read_bytes()!r}\n")
        if code == 0:
            code = _fuzz(*options, "-merge=1", merged, seeds)
            _keep(merged)
    return code


def _write_seeds(folder: Path) -> None:
    folder.mkdir()
    texts = [text.encode() for text, _ in (READABLE | UNREADABLE | BY_QUEUE_ONLY).values()]
    for number, text in enumerate([*texts, *BY_HTTP_ONLY.values(), *found()]):
        (folder / str(number)).write_bytes(text)


def _escaped(word: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word)


def _fuzz(*arguments: str | Path) -> int:
    command = [sys.executable, "-m", "tests.hostile.fuzz_target", *map(str, arguments)]
    return subprocess.run(command, check=False).returncode


def _keep(merged: Path) -> None:
    texts = sorted({file.read_bytes() for file in merged.iterdir()}, key=lambda t: (len(t), t))
    lines = (json.dumps(b64encode(text).decode()) for text in texts)
    FOUND.write_text("".join(f"{line}\n" for line in lines), "ascii")
    sys.stdout.write(f"{len(texts)} texts in {FOUND.name}\n")


if __name__ == "__main__":
    sys.exit(main())
