"""The fuzzer's process: libFuzzer's options are its arguments, and it ends the process itself."""

import shlex
import sys

import atheris

# What strings are compared with shows libFuzzer where to go on.
atheris.enabled_hooks.add("str")
with atheris.instrument_imports(include=["chalicelib", "json"]):
    from json import JSONDecodeError, decoder, scanner

    from tests.hostile.judged import assert_judged

# Python's JSON parser is written in C, where no coverage is seen, and once more in Python.
IN_PYTHON = decoder.JSONDecoder()
IN_PYTHON.parse_string = decoder.py_scanstring  # type: ignore[attr-defined]
IN_PYTHON.scan_once = scanner.py_make_scanner(IN_PYTHON)  # type: ignore[attr-defined]


def judge(body: bytes) -> None:
    assert_judged(body)
    try:
        IN_PYTHON.decode(body.decode())
    except (UnicodeError, JSONDecodeError, RecursionError, ValueError):
        return  # only for its coverage: whatever it says, the text was judged


if __name__ == "__main__":
    # To merge, libFuzzer runs itself by its first argument, in a shell.
    command = f"{shlex.quote(sys.executable)} -m tests.hostile.fuzz_target"
    atheris.Setup([command, *sys.argv[1:]], judge)
    atheris.Fuzz()
