"""A copy that is packaged can be written to and put into a zip, whatever it is a copy of."""

import os
import stat
from pathlib import Path

from ops.plain_copy import copy_plainly

BEFORE_1980 = (1, 1)
ZIP_EPOCH = 315_619_200


def test_a_copy_keeps_neither_modes_nor_times(tmp_path: Path) -> None:
    """As in a store of packages that is read-only, and has one time for all files."""
    module = tmp_path / "source" / "inner" / "module.py"
    module.parent.mkdir(parents=True)
    module.write_text("done = True\n")
    for path in (module, module.parent):
        os.utime(path, BEFORE_1980)
        path.chmod(0o555 if path.is_dir() else 0o444)

    copy_plainly(tmp_path / "source", tmp_path / "copy", ())

    copied = tmp_path / "copy" / "inner" / "module.py"
    assert copied.read_text() == "done = True\n"
    assert copied.stat().st_mtime > ZIP_EPOCH
    assert all(path.stat().st_mode & stat.S_IWUSR for path in (copied, copied.parent))


def test_a_copy_leaves_out_what_is_to_be_left_out(tmp_path: Path) -> None:
    for name in ("kept.py", "left.pyc", "data/left.json"):
        path = tmp_path / "source" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()

    copy_plainly(tmp_path / "source", tmp_path / "copy", ("*.pyc", "data"))

    assert [path.name for path in (tmp_path / "copy").rglob("*")] == ["kept.py"]
