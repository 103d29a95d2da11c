"""
Packaging: the app of one stage as a template and an archive, ready for CloudFormation.

`chalice package` makes both. What Chalice can't say is in infrastructure/merge-template.yaml; the
values that differ from stage to stage become the defaults of the template's parameters, so that
the stack needs no parameter to be deployed.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from ops.project import CONFIG, MERGE_TEMPLATE, PROJECT_ROOT
from ops.stack_outputs import VARIABLE_OUTPUTS
from ops.vendor import is_filled

if TYPE_CHECKING:
    from pathlib import Path

# Lambda takes 50 MiB at most. Ours has 1 MB, and 4.5 MB with vendor/: what is much larger has
# something in it that it should not have, and each byte makes cold starts slower.
ARCHIVE_LIMIT_BYTES = 3_000_000
VENDORED_LIMIT_BYTES = 9_000_000
# Only for Chalice, which wants one even where nothing of it gets into the template.
ANY_REGION = "us-east-1"
PACKAGING_LIMIT_SECONDS = 300


class PackagingFailed(Exception):
    """The app could not be packaged: the message says why, and what to type."""


@dataclass(frozen=True)
class PackagedApp:
    """A packaged app. `template` names `archive` as a local path, CodeUri."""

    stage: str
    template: Path
    archive: Path

    @property
    def size_bytes(self) -> int:
        return self.archive.stat().st_size

    def template_with_code_at(self, bucket: str, key: str) -> str:
        """Write the template for an uploaded archive: both functions get their code there."""
        content = yaml.safe_load(self.template.read_text())
        for resource in content["Resources"].values():
            if resource["Type"] == "AWS::Serverless::Function":
                resource["Properties"]["CodeUri"] = {"Bucket": bucket, "Key": key}
        return _as_yaml(content)

    def describe(self) -> str:
        """Describe the archive's size."""
        return f"{self.archive.name}: {self.size_bytes / 1e6:.2f} MB"


def package_app(stage: str, directory: Path, project: Path = PROJECT_ROOT) -> PackagedApp:
    """
    Package the app of `project` for a stage into `directory`, which is made if it isn't there.

    Nothing of the caller's own ORDERS_* settings gets in: the stage's are in .chalice/config.json.
    The first time, Chalice downloads what requirements.txt names. If vendor/ was filled by
    `make vendor`, it is filled anew, so that it is of this app and this botocore.

    Raises:
        PackagingFailed: the stage isn't known, its resources aren't recorded, vendor/ could not be
            filled, Chalice refused, or the archive is too large.
    """
    settings = stage_settings(stage, project)
    _require_resources(stage, settings)
    _drop_bytecode(project)
    vendored = is_filled(project)
    if vendored:
        _fill_vendor(project)
    _run_chalice(stage, directory, project)
    packaged = PackagedApp(stage, directory / "sam.yaml", directory / "deployment.zip")
    _drop_undeclared(packaged.template)
    _set_defaults(packaged.template, {"Stage": stage, **settings.get("template_parameters", {})})
    name, limit = (
        ("VENDORED_LIMIT_BYTES", VENDORED_LIMIT_BYTES)
        if vendored
        else ("ARCHIVE_LIMIT_BYTES", ARCHIVE_LIMIT_BYTES)
    )
    if packaged.size_bytes > limit:
        raise PackagingFailed(
            f"{packaged.describe()} is more than {limit / 1e6:g} MB: look what got in with "
            f"`unzip -l {packaged.archive}`, or raise {name}."
        )
    return packaged


def stage_settings(stage: str, project: Path = PROJECT_ROOT) -> dict[str, Any]:
    """
    Read a stage's settings from .chalice/config.json.

    Raises:
        PackagingFailed: it says nothing.
    """
    stages: dict[str, dict[str, Any]] = json.loads((project / CONFIG).read_text())["stages"]
    if stage not in stages:
        raise PackagingFailed(
            f"{CONFIG} has no stage {stage!r}: take one of {', '.join(stages)}, or add it there."
        )
    return stages[stage]


def _require_resources(stage: str, settings: dict[str, Any]) -> None:
    recorded = settings.get("environment_variables", {})
    missing = [name for name in VARIABLE_OUTPUTS if not recorded.get(name)]
    if missing:
        raise PackagingFailed(
            f"{CONFIG} does not say where the resources of stage {stage} are "
            f"({', '.join(missing)}): type `python -m ops resources up --stage {stage}`, which "
            "creates them and records it."
        )


def _drop_bytecode(project: Path) -> None:
    """
    Remove the bytecode that imports have left in chalicelib/: Chalice packages all that is there.

    Some of it may be of another Python, or of a module that is gone.
    """
    for cache in list((project / "chalicelib").rglob("__pycache__")):
        shutil.rmtree(cache, ignore_errors=True)


def _fill_vendor(project: Path) -> None:
    """Fill vendor/ in another process: bytecode differs with what a process has loaded."""
    try:
        subprocess.run(  # noqa: S603 (the command is ours)
            [sys.executable, "-m", "ops.vendor", str(project)],
            cwd=PROJECT_ROOT,
            check=True,
            capture_output=True,
            text=True,
        )
    except subprocess.CalledProcessError as error:
        raise PackagingFailed(
            f"vendor/ could not be filled anew: {_last_line(error)}\nTo see all that it says, type "
            "`make vendor`; to package without it, delete vendor/."
        ) from error


def _run_chalice(stage: str, directory: Path, project: Path) -> None:
    """Run Chalice in another process: it imports app.py, which reads the environment."""
    main = "import sys; from chalice.cli import main; sys.exit(main())"
    # -B: to import app.py leaves no bytecode in chalicelib/, which is packaged next.
    command = [sys.executable, "-B", "-c", main, "--project-dir", str(project), "package"]
    command += ["--stage", stage, "--merge-template", str(project / MERGE_TEMPLATE), str(directory)]
    try:
        subprocess.run(  # noqa: S603 (the command is ours)
            command,
            env=_environment(),
            cwd=project,
            check=True,
            capture_output=True,
            text=True,
            timeout=PACKAGING_LIMIT_SECONDS,
        )
    except subprocess.CalledProcessError as error:
        raise PackagingFailed(
            f"chalice package --stage {stage} failed: {_last_line(error)}\nTo see all that it "
            f"says, type `chalice package --stage {stage} build` in {project}."
        ) from error
    except subprocess.TimeoutExpired as error:
        raise PackagingFailed(
            f"chalice package --stage {stage} was not done within {PACKAGING_LIMIT_SECONDS} s."
        ) from error


def _last_line(error: subprocess.CalledProcessError) -> str:
    said: list[str] = (error.stderr or error.stdout).strip().splitlines()
    return said[-1] if said else "it did not say why"


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ORDERS_")}
    return {"AWS_DEFAULT_REGION": ANY_REGION} | kept


def _drop_undeclared(template: Path) -> None:
    """Drop the merge template's part about the one function that a stage may do without."""
    content = yaml.safe_load(template.read_text())
    if "Type" not in content["Resources"].get("PublishEvents", {"Type": None}):
        del content["Resources"]["PublishEvents"]
    template.write_text(_as_yaml(content))


def _set_defaults(template: Path, values: dict[str, str]) -> None:
    content = yaml.safe_load(template.read_text())
    parameters = content.get("Parameters", {})
    unknown = values.keys() - parameters.keys() - {"Stage"}
    if unknown:
        raise PackagingFailed(
            f"template_parameters in {CONFIG} has {', '.join(sorted(unknown))}, which "
            f"{MERGE_TEMPLATE} does not have."
        )
    for name, value in values.items():
        if name in parameters:
            parameters[name]["Default"] = value
    template.write_text(_as_yaml(content))


def _as_yaml(content: Any) -> str:
    # CloudFormation refuses aliases, and YAML writes one where two places share an object. After a
    # trip through JSON none do.
    unshared = json.loads(json.dumps(content))
    text: str = yaml.safe_dump(unshared, sort_keys=False)
    return text
