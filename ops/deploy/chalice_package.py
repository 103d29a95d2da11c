"""Chalice's packager, in a process of its own: it imports app.py, which reads the environment."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

from ops.deploy.problems import PackagingFailed
from ops.next_command import chalice_command
from ops.project import MERGE_TEMPLATE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# Chalice wants a region even where nothing of it gets into the template. Nothing else of the
# caller's account is needed: a profile that isn't there must not be in the way.
NO_ACCOUNT = {
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}
LIMIT_SECONDS = 300
# Chalice says the first of a download that fails, whatever the cause. pip says the second where the
# requirements are the constraints too: no conflict, but a wheel that it found nowhere.
NOT_FOUND = re.compile(r"(?:Could not satisfy the requirement:|ERROR: Cannot install) ([^\s,]+)")
# Chalice only warns of a requirement without a wheel that will do, and leaves it out.
LEFT_OUT = "Could not install dependencies:\n"
NO_INDEX = (
    "Packaging downloads what requirements.txt pins, with pip: it needs the network (or "
    "PIP_INDEX_URL, PIP_PROXY, PIP_FIND_LINKS), and wheels for Lambda's Linux."
)
MAIN = "import sys; from chalice.cli import main; sys.exit(main())"
# -B: to import app.py leaves no bytecode in chalicelib/, which is packaged next.
OPTIONS = ("-B", "-X", "utf8")
CHALICE = (sys.executable, *OPTIONS, "-c", MAIN)


def run_chalice(
    stage: str, copy: Path, project: Path, directory: Path, chalice: Sequence[str] = CHALICE
) -> None:
    """
    Write sam.yaml and deployment.zip of a stage into a directory, from a copy of the project.

    Chalice downloads what requirements.txt names, and once more by its name alone what has a wheel
    of its own for Lambda's processor: as a constraint, the file has pip compare that hash too.
    Nothing of the caller's own ORDERS_* settings gets in: the stage's are in .chalice/config.json.

    Raises:
        PackagingFailed: Chalice refused, or was not done in time.
    """
    command = [*chalice, "--project-dir", str(copy), "package", "--stage", stage]
    merged = ["--merge-template", str(project / MERGE_TEMPLATE)]
    # As a URL, which has no space in it: at one, pip takes the variable for several files.
    constraint = {"PIP_CONSTRAINT": (copy / "requirements.txt").resolve().as_uri()}
    try:
        ran = subprocess.run(  # noqa: S603 (the command is ours)
            [*command, *merged, str(directory)],
            env=_environment() | constraint,
            cwd=copy,
            check=True,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=LIMIT_SECONDS,
        )
    except subprocess.CalledProcessError as error:
        said = error.stderr or error.stdout
        if found := NOT_FOUND.search(said):
            raise PackagingFailed(f"{found[1]} can't be had. {NO_INDEX}") from error
        raise PackagingFailed(
            f"Chalice can't package stage {stage}: {_reason(said)}\nTo see all that it says, type: "
            + chalice_command("package build", stage=stage, project=project)
        ) from error
    except subprocess.TimeoutExpired as error:
        raise PackagingFailed(
            f"chalice package --stage {stage} was not done within {LIMIT_SECONDS} s."
        ) from error
    said = f"{ran.stdout}{ran.stderr}"
    if LEFT_OUT in said:
        requirement = said.split(LEFT_OUT)[1].splitlines()[0]
        raise PackagingFailed(
            f"{requirement} can't be had for Lambda, as requirements.txt pins it. {NO_INDEX}"
        )


def _reason(said: str) -> str:
    """Find the line that says why: pip explains its own below it."""
    lines = said.strip().splitlines()
    pip_said = [line.split("ERROR: ", 1)[1] for line in lines if "ERROR: " in line]
    return next(iter(pip_said[-1:] or lines[-1:]), "it did not say why")


def _environment() -> dict[str, str]:
    # An optimising Python drops the docstrings, which Chalice writes into the API's definition.
    left_out = ("ORDERS_", "AWS_", "PYTHONOPTIMIZE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    return kept | NO_ACCOUNT
