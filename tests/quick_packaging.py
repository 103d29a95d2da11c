"""
Let Chalice package the same files once, and vendor/ be filled once for them: a plugin of pytest.

The same files, stage and environment make the same package, byte for byte: processes of their own,
which know nothing of this, show it in tests/deployment/test_reproducible.py. All workers of a test
run share what has been made. What is new, a process packages that has Chalice imported already.
"""

import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Lock
from typing import Any

import pytest

from ops.project import MERGE_TEMPLATE, PROJECT_ROOT
from tests.aws_limits import ledger
from tests.commands.forks import forking
from tests.wheels import download_requirements

PATCH = pytest.MonkeyPatch()
FOLDER = pytest.StashKey[Path]()
HANDED_OVER = "packages"
WARM = "tests.commands.warm_chalice"
# No package depends on an emulator's account, on the test's name, on its worker, or on who is
# reached without a proxy, to which each command that runs in this process adds.
OF_A_TEST = {
    *("AWS_ACCESS_KEY_ID", "AWS_ENDPOINT_URL", "PYTEST_CURRENT_TEST", "NO_PROXY", "no_proxy"),
    *("PYTEST_XDIST_WORKER", ledger.FILE),
}
PACKAGE = ("sam.yaml", "deployment.zip")
# What vendor/ is made from, and where something is written.
SOURCES = ("app.py", "requirements.txt", "chalicelib")
FILLED = ("chalicelib", "vendor")

Run = Callable[[str, Path, Path, Path], None]
Fill = Callable[[Path], Path]


def pytest_configure(config: pytest.Config) -> None:
    handed_over = getattr(config, "workerinput", {}).get(HANDED_OVER)
    if handed_over:
        config.stash[FOLDER] = Path(handed_over)
        return
    folder = tempfile.TemporaryDirectory(prefix="orders-packages-")
    config.add_cleanup(folder.cleanup)
    config.stash[FOLDER] = Path(folder.name)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Hand the folder over to a worker."""
    node.workerinput[HANDED_OVER] = str(node.config.stash[FOLDER])


def pytest_collection_finish(session: pytest.Session) -> None:
    """Begin before the first test, if any of the tests packages something."""
    if "ops.deploy.packaging" in sys.modules:
        install(session.config.stash[FOLDER], session.config.add_cleanup)


@pytest.fixture(scope="session")
def deployments(
    tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Iterator[Path]:
    """Make the directory for Chalice's packages, and the wheels of what goes into them, once."""
    wheels = pytestconfig.stash[FOLDER] / "wheels"
    if not wheels.exists():
        downloaded = tmp_path_factory.mktemp("wheels")
        download_requirements(downloaded)
        keep(wheels, downloaded, [path.name for path in downloaded.iterdir()])
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PIP_NO_INDEX", "1")
        environment.setenv("PIP_FIND_LINKS", str(wheels))
        yield tmp_path_factory.mktemp("deployments")


def install(folder: Path, at_the_end: Callable[[Callable[[], None]], None]) -> None:
    """Package once, until PATCH is undone."""
    from ops.deploy import packaging, planned_stage  # noqa: PLC0415 (not for tests without them)
    from ops.vendor import fill_vendor  # noqa: PLC0415

    warm = WarmChalice()
    at_the_end(warm.close)
    run = running(warm.run, folder)
    PATCH.setattr(packaging, "run_chalice", run)
    PATCH.setattr(planned_stage, "run_chalice", run)
    PATCH.setattr(packaging, "fill_vendor", filling(fill_vendor, folder))


class WarmChalice:
    """Packages by a process that has imported Chalice: it starts with the first package."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._process = ExitStack()
        self._chalice: tuple[str, ...] = ()

    def run(self, stage: str, copy: Path, project: Path, directory: Path) -> None:
        """Do as `run_chalice` does."""
        from ops.deploy import chalice_package  # noqa: PLC0415 (not for tests without it)

        with self._lock:
            if not self._chalice:
                words = forking(WARM, PROJECT_ROOT, os.environ, chalice_package.OPTIONS)
                self._chalice = tuple(self._process.enter_context(words))
        chalice_package.run_chalice(stage, copy, project, directory, self._chalice)

    def close(self) -> None:
        """End the process, if it has started."""
        self._process.close()


def keep(folder: Path, source: Path, names: Iterable[str]) -> None:
    """Keep files and directories of a folder in another one, which is there as a whole or not."""
    part = Path(tempfile.mkdtemp(dir=folder.parent))
    put(part, source, names)
    try:
        part.rename(folder)
    except OSError:  # another worker was first
        shutil.rmtree(part)


def put(target: Path, source: Path, names: Iterable[str]) -> None:
    """Copy files and directories of a folder into another one."""
    target.mkdir(parents=True, exist_ok=True)
    for name in names:
        if (source / name).is_dir():
            shutil.copytree(source / name, target / name, dirs_exist_ok=True)
        else:
            shutil.copyfile(source / name, target / name)


def running(make: Run, folder: Path) -> Run:
    def run(stage: str, copy: Path, project: Path, directory: Path) -> None:
        environment = {k: v for k, v in os.environ.items() if k not in OF_A_TEST}
        said = repr((stage, sorted(environment.items()), (project / MERGE_TEMPLATE).read_bytes()))
        kept = folder / f"package-{_digest(said, [copy])}"
        if kept.exists():
            put(directory, kept, PACKAGE)
        else:
            make(stage, copy, project, directory)
            keep(kept, directory, PACKAGE)

    return run


def filling(make: Fill, folder: Path) -> Fill:
    def fill(project: Path) -> Path:
        kept = folder / f"vendor-{_digest('', [project / name for name in SOURCES])}"
        if kept.exists():
            shutil.rmtree(project / "vendor", ignore_errors=True)
            put(project, kept, FILLED)
        else:
            make(project)
            keep(kept, project, FILLED)
        return project / "vendor"

    return fill


def _digest(said: str, places: Iterable[Path]) -> str:
    """Hash a text, and all files of some places with their names."""
    digest = hashlib.sha256(said.encode())
    for place in places:
        for path in _files(place):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            digest.update(f"{path.relative_to(place.parent)} {content}\n".encode())
    return digest.hexdigest()


def _files(place: Path) -> Iterator[Path]:
    yield from sorted(path for path in place.rglob("*") if path.is_file())
    if place.is_file():
        yield place
