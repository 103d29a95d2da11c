"""`python -m ops package` as typed, and plain `chalice package`: both templates are valid."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from cfnlint import api as cfnlint
from click.testing import CliRunner

from ops.cli.commands import main
from ops.project import MERGE_TEMPLATE, PROJECT_ROOT
from ops.roles.rights import Role
from ops.stage_mentions import with_other_stage
from tests.configuration.own import STAGES
from tests.deployment.test_events import STREAM
from tests.project import (
    change_stage,
    copy_project,
    copy_without_requirements,
    outputs_of,
    record_resources,
)

# A user's own, copied from dev.
THIRD = "qa"
TARGETS = {"eventbridge": "orders-{}", "sns": "arn:aws:sns:us-east-1:000000000000:orders-events-{}"}
# One is like the other but for names and numbers. So each kind of events is packaged for one, and
# each stage with events and without.
KINDS_OF_DEV = [("dev", kind) for kind in ("off", *TARGETS)]
STAGES_WITH_AND_WITHOUT = [
    *KINDS_OF_DEV,
    *[("prod", kind) for kind in ("off", "eventbridge")],
    *[(THIRD, kind) for kind in ("off", "sns")],
]
CHALICE = Path(sys.executable).with_name("chalice")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, deployments: Path) -> Path:
    directory = tmp_path_factory.mktemp("command")
    project = copy_without_requirements(directory / "a project", deployments)
    add_third_stage(project)
    return project


def add_third_stage(project: Path) -> None:
    """Do as docs/stages.md says."""
    done = CliRunner().invoke(main, ["stage", "new", THIRD, "--project-dir", str(project)])
    assert done.exit_code == 0, done.output


@pytest.fixture
def recorded(project: Path, stage: str, events: str) -> Iterator[Path]:
    """Record the resources of a stage, with its kind of events."""
    config = (project / ".chalice" / "config.json").read_text()
    outputs = outputs_of(stage)
    if events != "off":
        outputs |= {
            "EventsKind": events,
            "EventsTarget": TARGETS[events].format(stage),
            "TableStreamArn": with_other_stage(STREAM, "dev", stage),
        }
    record_resources(project, stage, outputs)
    yield project
    (project / ".chalice" / "config.json").write_text(config)


def run(*command: object, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command as in a new terminal, but with nothing to download."""
    kept = ("HOME", "PATH", "PIP_NO_INDEX", "PIP_FIND_LINKS")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    return subprocess.run(
        [str(part) for part in command],
        cwd=PROJECT_ROOT,
        env={**environment, "LANG": "C.UTF-8", **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def package(stage: str, out: Path, project: Path, *options: str) -> str:
    command = ("package", "--stage", stage, "--out", str(out), "--project-dir", str(project))
    done = CliRunner().invoke(main, [*command, *options])
    assert done.exit_code == 0, done.output
    return done.stdout


def resources_in(template: Path) -> set[str]:
    return set(yaml.safe_load(template.read_text())["Resources"])


def test_each_stage_is_packaged_below() -> None:
    assert {stage for stage, _ in STAGES_WITH_AND_WITHOUT} == {*STAGES, THIRD}


@pytest.mark.parametrize(("stage", "events"), STAGES_WITH_AND_WITHOUT)
def test_the_template_of_every_stage_is_valid_with_and_without_events(
    recorded: Path, stage: str, events: str, tmp_path: Path
) -> None:
    out = tmp_path / "out"

    package(stage, out, recorded, "--without-vendor")

    assert cfnlint.lint_file(out / "sam.yaml") == []
    assert ("PublishEvents" in resources_in(out / "sam.yaml")) is (events != "off")
    policies = {f"policy-{role}.json" for role in Role}
    assert {path.name for path in out.iterdir()} == {"sam.yaml", "deployment.zip", *policies}


@pytest.mark.parametrize(("stage", "events"), [*KINDS_OF_DEV, (THIRD, "sns")])
@pytest.mark.parametrize("options", [(), ("--merge-template", MERGE_TEMPLATE)])
def test_plain_chalice_makes_a_valid_template_too(
    recorded: Path, stage: str, events: str, options: tuple[str, ...], tmp_path: Path
) -> None:
    options = tuple(str(recorded / it) if it == MERGE_TEMPLATE else it for it in options)
    command = (CHALICE, "--project-dir", recorded, "package", "--stage", stage, *options)

    done = run(*command, tmp_path / "out", AWS_DEFAULT_REGION="us-east-1")

    assert done.returncode == 0, done.stderr
    template = next((tmp_path / "out").glob("sam.*"))
    assert cfnlint.lint_file(template) == []
    assert ("PublishEvents" in resources_in(template)) is (events != "off")


def test_the_command_names_files_runtime_size_and_what_to_type_next(
    tmp_path: Path, deployments: Path
) -> None:
    out = tmp_path / "out of the way"
    runtime = "python{}.{}".format(*sys.version_info)
    project = copy_project(tmp_path / "whole", deployments)
    record_resources(project, "dev", outputs_of("dev"))
    command = (sys.executable, "-m", "ops", "package", "--stage", "dev", "--out", out)

    done = run(*command, "--project-dir", project)

    assert done.returncode == 0, done.stderr
    said = done.stdout
    assert f"Template  {out}/sam.yaml\n" in said
    assert re.search(rf"Archive   {out}/deployment.zip, 4\.\d MB\n", said)
    assert f"Runtime   {runtime}, with the botocore in it\n" in said
    assert f"aws cloudformation package --template-file '{out}/sam.yaml' \\\n" in said
    assert f"aws cloudformation deploy --template-file '{out}/uploaded.yaml' " in said
    assert "--stack-name orders-app-dev --tags application=orders stage=dev \\\n" in said


@pytest.mark.parametrize(("stage", "events"), [("dev", "off")])
def test_without_vendor_the_archive_has_no_botocore_even_where_vendor_lies_about(
    recorded: Path, tmp_path: Path
) -> None:
    (recorded / "vendor" / "botocore").mkdir(parents=True)
    (recorded / "vendor" / "botocore" / "__init__.py").write_text("")

    said = package("dev", tmp_path, recorded, "--without-vendor")

    shutil.rmtree(recorded / "vendor")
    assert re.search(r"deployment.zip, 0\.\d MB\n", said)
    assert ", with Lambda's own botocore\n" in said


@pytest.mark.parametrize(("stage", "events"), [("dev", "off")])
def test_the_command_packages_no_open_stage_unless_it_is_said_twice(
    recorded: Path, tmp_path: Path
) -> None:
    change_stage(recorded, "dev", {"ORDERS_AUTH": "none"})
    command = ["package", "--stage", "dev", "--out", str(tmp_path)]

    refused = CliRunner().invoke(
        main, [*command, "--project-dir", str(recorded), "--open-to-anyone"]
    )

    assert refused.exit_code == 1
    assert "both --open-to-anyone and --yes-open-to-anyone" in refused.stderr
    assert list(tmp_path.iterdir()) == []
    twice = ("--open-to-anyone", "--yes-open-to-anyone", "--without-vendor")
    assert "deployment.zip" in package("dev", tmp_path, recorded, *twice)


def refused(out: Path, project: Path, **variables: str) -> str:
    command = (sys.executable, "-m", "ops", "package", "--stage", "dev", "--out", out)
    done = run(*command, "--project-dir", project, "--without-vendor", **variables)
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stderr


@pytest.mark.parametrize(("stage", "events"), [("dev", "off")])
@pytest.mark.parametrize("out", ["a file/below", "a file/far/below", "/proc/here"])
def test_a_directory_that_can_not_be_written_to_is_refused_in_a_sentence(
    recorded: Path, tmp_path: Path, out: str
) -> None:
    (tmp_path / "a file").touch()

    said = refused(tmp_path / out, recorded)

    assert re.fullmatch(rf"Error: {tmp_path / out} can't be written to: .+\.\n", said)


def test_wheels_that_are_out_of_reach_are_named_with_what_is_needed(
    tmp_path: Path, deployments: Path
) -> None:
    project = copy_project(tmp_path / "with requirements", deployments)
    record_resources(project, "dev", outputs_of("dev"))
    nothing = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path), "HOME": str(tmp_path)}

    said = refused(tmp_path / "out", project, **nothing)

    assert re.match(r"Error: aws-lambda-powertools==\S+ can't be had\. ", said)
    assert "it needs the network (or PIP_INDEX_URL, " in said
    assert list((tmp_path / "out").iterdir()) == []
