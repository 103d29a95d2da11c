"""The wheels of what is deployed: those that are kept are taken without a network."""

import hashlib
import re
import subprocess
import zipfile
from pathlib import Path

import pytest

from ops.ports import LOOPBACK
from tests import wheels

NOWHERE = f"http://{LOOPBACK}:9"


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", f"{NOWHERE}/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the wheel of a requirement."""
    directory = tmp_path / "kept"
    directory.mkdir()
    wheel = directory / "some-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("some.py", "")
        archive.writestr(
            "some-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: some\nVersion: 1.0\n"
        )
        archive.writestr("some-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr("some-1.0.dist-info/RECORD", "")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    requirements = tmp_path / "requirements.txt"
    requirements.write_text(f"some==1.0 --hash=sha256:{digest}\n")
    monkeypatch.setattr(wheels, "REQUIREMENTS", requirements)
    return directory


def test_kept_wheels_need_no_network(kept: Path, tmp_path: Path) -> None:
    wheels.download_requirements(tmp_path / "wheels", kept)

    assert [path.name for path in (tmp_path / "wheels").iterdir()] == ["some-1.0-py3-none-any.whl"]


@pytest.mark.usefixtures("kept")
def test_what_is_not_kept_comes_from_the_network(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        wheels.download_requirements(tmp_path / "wheels", tmp_path / "nothing")

    assert "No matching distribution found for some==1.0" in capfd.readouterr().err


def test_a_kept_wheel_of_another_digest_is_not_taken(
    kept: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (wheel,) = kept.iterdir()
    wheel.write_bytes(wheel.read_bytes() + b" ")

    with pytest.raises(subprocess.CalledProcessError):
        wheels.download_requirements(tmp_path / "wheels", kept)

    assert "some==1.0" in capfd.readouterr().err


def test_make_keeps_them_where_the_tests_look() -> None:
    makefile = Path("Makefile").read_text()

    assert re.search(r"^WHEELS := .*--dest \.venv/wheels$", makefile, re.MULTILINE)
    assert wheels.KEPT.name == "wheels"
