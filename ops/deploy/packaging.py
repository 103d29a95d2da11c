"""
Packaging: the app of one stage as a template and an archive, ready for CloudFormation.

`make deploy` and `python -m ops package` both do it here. `chalice package` makes the two files,
from a clean copy of the project. What Chalice can't say is in infrastructure/merge-template.yaml.
The same commit and the same Python make the same archive, wherever it is built.
"""

from __future__ import annotations

import json
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chalicelib.settings import ARCHIVE, OVER_OBSTORE, SettingMissing, SettingsError, require_usable
from ops.bytecode import NotCompiled
from ops.deploy.app_template import complete_template, with_code_at
from ops.deploy.archive import write_anew
from ops.deploy.chalice_package import run_chalice
from ops.deploy.clean_copy import copy_cleanly
from ops.deploy.pins import require_pinned
from ops.deploy.problems import PackagingFailed
from ops.deploy.runtimes import required_runtime
from ops.deploy.stage_config import StageConfig
from ops.next_command import ops_command
from ops.project import CONFIG, PROJECT_ROOT
from ops.stack_outputs import VARIABLE_OUTPUTS
from ops.vendor import DISTRIBUTIONS, fill_vendor

if TYPE_CHECKING:
    from collections.abc import Mapping

# Lambda takes 50 MiB at most. Ours has 4.7 MB, and 1.2 MB without vendor/: what is much larger has
# something in it that it should not have, and each byte makes cold starts slower.
VENDORED_LIMIT_BYTES = 9_000_000
ARCHIVE_LIMIT_BYTES = 3_000_000
# From here on a size is shown without decimals.
WHOLE_FROM_MB = 5
# A stage whose archive is over obstore may have so much more: it brings 5.5 MB.
OBSTORE_LIMIT_BYTES = 6_000_000
OBSTORE = re.compile(r"^obstore==(?:.*\\\n)*.*\n?", re.MULTILINE)
# The package holds a part of it, and it writes the template.
CHALICE = "chalice"


@dataclass(frozen=True)
class PackagedApp:
    """A packaged app. `template` names `archive` as a path relative to itself, CodeUri."""

    stage: str
    template: Path
    archive: Path
    runtime: str

    @property
    def size_bytes(self) -> int:
        return self.archive.stat().st_size

    @property
    def shown_size(self) -> str:
        """The size for people: its small digits change with each release of a requirement."""
        megabytes = self.size_bytes / 1e6
        return f"{megabytes:.{0 if megabytes >= WHOLE_FROM_MB else 1}f} MB"

    def template_with_code_at(self, bucket: str, key: str) -> str:
        """Write the template for an uploaded archive: all functions get their code there."""
        return with_code_at(self.template, bucket, key)

    def describe(self) -> str:
        """Describe the archive's size, and its runtime."""
        return f"{self.archive.name}: {self.shown_size} for {self.runtime}"


def package_app(
    stage: str, directory: Path, project: Path = PROJECT_ROOT, *, vendored: bool = True
) -> PackagedApp:
    """
    Package the app of `project` for a stage into `directory`, which is made if it isn't there.

    The project stays as it is. With `vendored`, the functions bring botocore and bytecode of their
    own; otherwise they have the botocore of Lambda.

    Raises:
        PackagingFailed: the stage isn't known, its resources aren't recorded, a setting is bad, it
            is not for this Python, Chalice refused, or the archive is too large.
    """
    config = _stage_config(stage, project)
    settings = config.settings
    _require_resources(stage, settings, project)
    _require_usable(config)
    runtime = required_runtime(stage, settings)
    require_pinned([CHALICE, *(DISTRIBUTIONS if vendored else ())])
    packaged = PackagedApp(stage, directory / "sam.yaml", directory / "deployment.zip", runtime)
    _make_room(packaged)
    over_obstore = config.any_function_has(ARCHIVE, OVER_OBSTORE)
    with tempfile.TemporaryDirectory(prefix="orders-project-") as temporary:
        copy = copy_cleanly(project, Path(temporary) / "project")
        if not over_obstore:
            _leave_out_obstore(copy)
        if vendored:
            _fill_vendor(copy)
        run_chalice(stage, copy, project, directory.resolve())
    write_anew(packaged.archive)
    parameters = {"Stage": stage, **settings.get("template_parameters", {})}
    complete_template(packaged.template, project, parameters)
    _require_small(packaged, project, vendored=vendored, over_obstore=over_obstore)
    return packaged


def _stage_config(stage: str, project: Path) -> StageConfig:
    """
    Read a stage's settings from .chalice/config.json.

    Raises:
        PackagingFailed: it says nothing.
    """
    config = json.loads((project / CONFIG).read_text(encoding="utf-8"))
    stages: dict[str, dict[str, Any]] = config["stages"]
    if stage not in stages:
        raise PackagingFailed(f"{CONFIG} has no stage {stage!r}: take one of {', '.join(stages)}.")
    return StageConfig(project, stage, stages[stage], config)


def _require_resources(stage: str, settings: Mapping[str, Any], project: Path) -> None:
    recorded = settings.get("environment_variables", {})
    missing = [name for name in VARIABLE_OUTPUTS if not recorded.get(name)]
    if missing:
        up = ops_command("resources up", stage=stage, project_dir=project)
        raise PackagingFailed(
            f"{CONFIG} does not say where the resources of stage {stage} are "
            f"({', '.join(missing)}): type `{up}`, which creates them and records it."
        )


def _require_usable(config: StageConfig) -> None:
    """Refuse what a function would find with its first order, not while it loads."""
    try:
        for environment in config.environments:
            require_usable(environment)
    except SettingMissing as error:
        raise PackagingFailed(f"Stage {config.stage}: {error}.") from error
    except SettingsError as error:
        raise PackagingFailed(
            f"Stage {config.stage}: {error}. Write another value into {CONFIG}."
        ) from error


def _make_room(packaged: PackagedApp) -> None:
    """Make the directory, and take earlier files out: nobody deploys those if this fails."""
    directory = packaged.template.parent
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for earlier in (packaged.template, packaged.archive):
            earlier.unlink(missing_ok=True)
        # Root may delete in a directory of others and yet not write, as in /proc.
        packaged.archive.touch()
        packaged.archive.unlink()
    except OSError as error:
        raise PackagingFailed(f"{directory} can't be written to: {error.strerror}.") from error


def _fill_vendor(project: Path) -> None:
    try:
        fill_vendor(project)
    except NotCompiled as error:
        raise PackagingFailed(f"The code is no Python that can be packaged: {error}") from error


def _leave_out_obstore(project: Path) -> None:
    """Take it out of what Lambda gets: a stage that does not use it doesn't pay for it either."""
    requirements = project / "requirements.txt"
    text = requirements.read_text(encoding="utf-8")
    requirements.write_text(OBSTORE.sub("", text), encoding="utf-8")


def _require_small(
    packaged: PackagedApp, project: Path, *, vendored: bool, over_obstore: bool
) -> None:
    name, limit = (
        ("VENDORED_LIMIT_BYTES", VENDORED_LIMIT_BYTES)
        if vendored
        else ("ARCHIVE_LIMIT_BYTES", ARCHIVE_LIMIT_BYTES)
    )
    limit += OBSTORE_LIMIT_BYTES if over_obstore else 0
    if packaged.size_bytes > limit:
        again = ops_command(
            "package",
            stage=packaged.stage,
            out="build",
            without_vendor=not vendored,
            project_dir=project,
        )
        raise PackagingFailed(
            f"{packaged.archive.name}: {packaged.size_bytes / 1e6:.2f} MB for {packaged.runtime} "
            f"is more than {limit / 1e6:g} MB. To look what got in, type "
            f"`{again}`, which fails in the same way but leaves it there, and `python -m zipfile "
            f"-l build/{packaged.archive.name}`; if it has to be that large, raise {name} in "
            "ops/deploy/packaging.py."
        )
