"""Packages that the tests keep: for the same files and environment, and for nothing else."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ops.deploy.chalice_package import run_chalice
from ops.deploy.problems import PackagingFailed
from ops.project import MERGE_TEMPLATE
from tests.aws_limits import ledger
from tests.project import copy_without_requirements, outputs_of, record_resources
from tests.quick_packaging import PACKAGE, Fill, Run, WarmChalice, filling, running


class Packager:
    """Writes down the stages that it is asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def package(self, stage: str, _copy: Path, _project: Path, directory: Path) -> None:
        self.asked.append(stage)
        if stage == "refused":
            raise PackagingFailed
        directory.mkdir(exist_ok=True)
        for name in PACKAGE:
            (directory / name).write_text(f"{name} {len(self.asked)}", encoding="utf-8")

    def fill(self, project: Path) -> Path:
        self.asked.append("vendor")
        (project / "vendor").mkdir()
        (project / "vendor" / "made.py").write_text(f"{len(self.asked)}", encoding="utf-8")
        return project / "vendor"


@pytest.fixture
def packager() -> Packager:
    return Packager()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("app.py", "requirements.txt", "chalicelib/a.py", str(MERGE_TEMPLATE)):
        path = tmp_path / "project" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("as it was", encoding="utf-8")
    return tmp_path / "project"


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    (tmp_path / "kept").mkdir()
    return tmp_path / "kept"


@pytest.fixture
def run(packager: Packager, kept: Path) -> Run:
    return running(packager.package, kept)


@pytest.fixture
def fill(packager: Packager, kept: Path) -> Fill:
    return filling(packager.fill, kept)


def package(run: Run, project: Path, stage: str = "dev") -> str:
    """Package a project in a directory of its own."""
    directory = project.parent / f"out-{len(list(project.parent.iterdir()))}"
    run(stage, project, project, directory)
    return (directory / "deployment.zip").read_text(encoding="utf-8")


def test_the_same_is_packaged_once(run: Run, packager: Packager, project: Path) -> None:
    assert package(run, project) == package(run, project)
    assert packager.asked == ["dev"]


@pytest.mark.parametrize("name", ["PYTEST_XDIST_WORKER", ledger.FILE])
def test_workers_share_what_is_made(
    run: Run, packager: Packager, project: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for worker in ("gw0", "gw1"):
        monkeypatch.setenv(name, worker)
        package(run, project)

    assert packager.asked == ["dev"]


def change_file(name: str) -> Callable[[Path, pytest.MonkeyPatch], None]:
    def change(project: Path, _: pytest.MonkeyPatch) -> None:
        (project / name).write_text("changed", encoding="utf-8")

    return change


def set_variable(name: str) -> Callable[[Path, pytest.MonkeyPatch], None]:
    return lambda _, monkeypatch: monkeypatch.setenv(name, "changed")


def rename_file(project: Path, _: pytest.MonkeyPatch) -> None:
    (project / "chalicelib/a.py").rename(project / "chalicelib/b.py")


@pytest.mark.parametrize(
    "change",
    [
        *map(change_file, ("app.py", "requirements.txt", "chalicelib/a.py", str(MERGE_TEMPLATE))),
        *map(set_variable, ("PIP_FIND_LINKS", "PIP_NO_INDEX", "PATH", "PYTHONPATH", "LANG")),
        rename_file,
    ],
)
def test_something_else_is_packaged_anew(
    run: Run,
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Path, pytest.MonkeyPatch], None],
) -> None:
    before = package(run, project)

    change(project, monkeypatch)

    assert package(run, project) != before


def test_another_stage_is_packaged_anew(run: Run, packager: Packager, project: Path) -> None:
    assert package(run, project, "dev") != package(run, project, "prod")
    assert packager.asked == ["dev", "prod"]


def test_what_is_refused_is_refused_again(run: Run, packager: Packager, project: Path) -> None:
    for _ in range(2):
        with pytest.raises(PackagingFailed):
            package(run, project, "refused")

    assert packager.asked == ["refused"] * 2


def test_vendor_is_filled_once_for_the_same_sources(
    fill: Fill, packager: Packager, project: Path
) -> None:
    first = (fill(project) / "made.py").read_text(encoding="utf-8")

    assert (fill(project) / "made.py").read_text(encoding="utf-8") == first
    assert packager.asked == ["vendor"]


@pytest.mark.parametrize("name", ["app.py", "requirements.txt", "chalicelib/a.py"])
def test_vendor_is_filled_anew_for_other_sources(
    fill: Fill, packager: Packager, project: Path, tmp_path: Path, name: str
) -> None:
    fill(project)
    (project / "vendor").rename(tmp_path / "first")
    (project / name).write_text("changed", encoding="utf-8")

    fill(project)

    assert packager.asked == ["vendor"] * 2


def test_a_package_is_kept_as_a_whole_or_not(run: Run, project: Path, kept: Path) -> None:
    """A worker copies into a folder of another name: no other one finds it half-made."""
    package(run, project)

    (folder,) = kept.iterdir()
    assert {path.name for path in folder.iterdir()} == set(PACKAGE)


def packaged_by(run: Run, stage: str, project: Path, directory: Path) -> tuple[bytes, ...]:
    """Package a copy for a stage: its template, and what is in its archive."""
    run(stage, project, project, directory)
    return tuple((directory / name).read_bytes() for name in PACKAGE)


def test_a_process_with_chalice_imported_packages_each_copy_as_a_new_one_does(
    tmp_path: Path, deployments: Path
) -> None:
    """The second copy has another module: nothing of the first, or of the checkout, is left."""
    warm = WarmChalice()
    try:
        for number in range(2):
            project = copy_without_requirements(tmp_path / f"copy{number}", deployments)
            record_resources(project, "dev", outputs_of("dev"))
            (project / "chalicelib" / "own.py").write_text(f"DOCS = '/docs{number}'\n")
            app = (project / "app.py").read_text(encoding="utf-8")
            assert '"/docs"' in app
            own = f"from chalicelib.own import DOCS\n{app}".replace('"/docs"', "DOCS")
            (project / "app.py").write_text(own, encoding="utf-8")

            new = packaged_by(run_chalice, "dev", project, tmp_path / f"new{number}")

            assert f"/docs{number}".encode() in new[0]
            assert packaged_by(warm.run, "dev", project, tmp_path / f"warm{number}") == new
            assert list(project.rglob("*.pyc")) == []
    finally:
        warm.close()
