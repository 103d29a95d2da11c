"""The files of a stage: written with names of their own, all of them or none, and removed again."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ops.cli.commands import main
from ops.deploy import stage_files
from ops.deploy.config_names import names_of_config
from ops.deploy.config_text import replace_text
from ops.deploy.stage_config import StageConfig
from ops.lint.names_rule import foreign_names
from ops.next_command import ops_command
from ops.project import PROJECT_ROOT, RESOURCES_TEMPLATE
from ops.stage_mentions import stages_named_in
from tests.configuration.own import STAGES, write_configuration
from tests.project import outputs_of, record_resources

FUNCTIONS = ("api", "processor", "events", "seals")
# Names that a careless replacement would find in other words of the file, or in other names.
NAMES = ("test", "eu-dev", "dev-eu", "json", "iam", "orders", "po", "api", "a" * 20)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Make a project with recorded resources, as most have."""
    write_configuration(tmp_path)
    (tmp_path / RESOURCES_TEMPLATE).parent.mkdir()
    shutil.copy(PROJECT_ROOT / RESOURCES_TEMPLATE, tmp_path / RESOURCES_TEMPLATE)
    for stage in STAGES:
        record_resources(tmp_path, stage, outputs_of(stage))
    path = tmp_path / ".chalice" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()), indent=2))
    return tmp_path


def ops(project: Path, *words: str, typed: str = "") -> Result:
    arguments = ["stage", *words, "--project-dir", str(project)]
    return CliRunner().invoke(main, arguments, input=typed, catch_exceptions=False)


def succeed(project: Path, *words: str, typed: str = "") -> str:
    done = ops(project, *words, typed=typed)
    assert done.exit_code == 0, done.output
    return done.output


def fail(project: Path, *words: str, typed: str = "") -> str:
    done = ops(project, *words, typed=typed)
    assert done.exit_code == 1, done.output
    return done.output


def files_of(project: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in (project / ".chalice").iterdir()}


def settings_of(project: Path, stage: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(files_of(project)["config.json"])["stages"][stage]
    return found


def strings_of(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for each in value.values():
            yield from strings_of(each)
    elif isinstance(value, list):
        for each in value:
            yield from strings_of(each)
    else:
        yield str(value)


@pytest.mark.parametrize("like", STAGES)
@pytest.mark.parametrize("name", NAMES)
def test_a_new_stage_names_itself_only(project: Path, name: str, like: str) -> None:
    succeed(project, "new", name, "--like", like)

    settings = settings_of(project, name)
    policies = [
        json.loads((project / ".chalice" / f"policy-{each}-{name}.json").read_text())
        for each in FUNCTIONS
    ]
    assert list(foreign_names(name, names_of_config(StageConfig.load(project, name)))) == []
    texts = [*strings_of(settings), *strings_of(policies)]
    named = [stages_named_in(text) for text in texts]
    assert all(name in stages for stages in named if stages)
    assert (settings["api_gateway_stage"], settings["tags"]["stage"]) == (name, name)
    assert settings["environment_variables"]["ORDERS_SERVICE"] == f"orders-{name}"


@pytest.mark.parametrize("like", STAGES)
def test_a_new_stage_has_the_settings_of_the_other_but_not_its_resources(
    project: Path, like: str
) -> None:
    other = settings_of(project, like)

    said = succeed(project, "new", "test", "--like", like)

    new = settings_of(project, "test")
    recorded = [
        *("ORDERS_QUEUE_NAME", "ORDERS_QUEUE_URL", "ORDERS_DLQ_URL"),
        *("ORDERS_BUCKET", "ORDERS_TABLE"),
    ]
    assert new.keys() == other.keys()
    assert new["template_parameters"] == other["template_parameters"]
    variables, others = new["environment_variables"], other["environment_variables"]
    assert list(variables) == [name for name in others if name not in recorded]
    changed = [name for name in variables if variables[name] != others[name]]
    assert changed == ["ORDERS_SERVICE"]
    assert said.splitlines() == [
        *(f"Wrote .chalice/policy-{each}-test.json" for each in FUNCTIONS),
        f"Added stage test to .chalice/config.json, like {like}",
        f"Look through what it has from {like}: template_parameters",
        "",
        "Next, type: " + ops_command("deploy", stage="test", project_dir=project),
        "or, for Chalice's own way: "
        + ops_command("resources up", stage="test", project_dir=project),
    ]


def test_the_policies_differ_from_the_others_in_names_only(project: Path) -> None:
    succeed(project, "new", "test")

    files = files_of(project)
    for each in FUNCTIONS:
        other = files[f"policy-{each}-dev.json"]
        assert files[f"policy-{each}-test.json"] == other.replace("-dev", "-test")


def test_removing_a_new_stage_leaves_the_files_as_they_were(project: Path) -> None:
    before = files_of(project)
    succeed(project, "new", "test")

    said = succeed(project, "remove", "test")

    assert files_of(project) == before
    assert said.splitlines() == [
        "Changed .chalice/config.json",
        *(f"Deleted .chalice/policy-{each}-test.json" for each in sorted(FUNCTIONS)),
    ]


@pytest.mark.parametrize("stage", STAGES)
def test_the_first_and_the_last_stage_can_be_removed(project: Path, stage: str) -> None:
    (other,) = set(STAGES) - {stage}

    succeed(project, "remove", stage, "--yes")

    stages = json.loads(files_of(project)["config.json"])["stages"]
    assert list(stages) == ["local", other]
    assert not [name for name in files_of(project) if stage in name]
    assert "is the only one" in fail(project, "remove", other, "--yes")


def test_recorded_resources_are_not_forgotten_without_consent(project: Path) -> None:
    before = files_of(project)

    said = fail(project, "remove", "dev", typed="n\n")

    assert "without the stage `make destroy` can't take them down" in said
    assert files_of(project) == before


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("dev", "has a stage dev already"),
        ("local", "`make run`"),
        *[(name, "can't be the name") for name in ("Dev", "d", "a" * 21, "1st", "dlq-x", "a_b")],
        *[(name, "can't be the name") for name in ("events-x", "x-events", "../x", "x/y", "")],
    ],
)
def test_a_name_that_no_stage_can_have_is_refused(project: Path, name: str, why: str) -> None:
    before = files_of(project)

    assert why in fail(project, "new", name)
    assert files_of(project) == before


@pytest.mark.parametrize(("like", "why"), [("local", "`make run`"), ("qa", "has no stage 'qa'")])
def test_a_stage_is_like_a_deployed_one_only(project: Path, like: str, why: str) -> None:
    assert why in fail(project, "new", "test", "--like", like)


def test_a_stage_that_names_another_one_is_not_copied(project: Path) -> None:
    path = project / ".chalice" / "policy-api-dev.json"
    path.write_text(path.read_text().replace("table/orders-dev", "table/orders-prod"))

    said = fail(project, "new", "test")

    assert ".chalice/policy-api-dev.json names another stage:" in said
    assert "test" not in settings_of(project, "dev")
    assert not [name for name in files_of(project) if "test" in name]


class Ended(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("written", range(5))
def test_a_run_that_is_cut_off_leaves_what_the_next_one_finishes(
    project: Path, written: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At most the policies are there: the configuration comes last, in one piece."""
    write = replace_text
    calls = iter(range(written))

    def write_some(path: Path, text: str) -> None:
        if next(calls, None) is None:
            raise Ended
        write(path, text)

    with monkeypatch.context() as patched:
        patched.setattr(stage_files, "replace_text", write_some)
        # A killed process removes nothing.
        patched.setattr(Path, "unlink", lambda *_, **__: None)
        with pytest.raises(Ended):
            ops(project, "new", "test")
    assert len([name for name in files_of(project) if "test" in name]) == written
    assert "test" not in json.loads(files_of(project)["config.json"])["stages"]

    succeed(project, "new", "test")

    assert settings_of(project, "test")["api_gateway_stage"] == "test"
    assert len([name for name in files_of(project) if "test" in name]) == len(FUNCTIONS)


def test_a_disk_that_refuses_leaves_nothing_behind(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = files_of(project)
    write = replace_text

    def refuse_config(path: Path, text: str) -> None:
        if path.name == "config.json":
            raise OSError(28, os.strerror(28))
        write(path, text)

    monkeypatch.setattr(stage_files, "replace_text", refuse_config)

    assert "No space left on device. Nothing was written." in fail(project, "new", "test")
    assert files_of(project) == before


def test_a_policy_of_somebody_else_is_not_written_over(project: Path) -> None:
    theirs = project / ".chalice" / "policy-api-test.json"
    theirs.write_text("{}")

    said = fail(project, "new", "test")

    assert ".chalice/policy-api-test.json would be written, and says something else" in said
    assert theirs.read_text() == "{}"
    assert "Deleted .chalice/policy-api-test.json" in succeed(project, "remove", "test")
    succeed(project, "new", "test")


def test_a_policy_that_another_stage_names_stays(project: Path) -> None:
    """A copy by hand may share the files of the stage that it is a copy of."""
    path = project / ".chalice" / "config.json"
    config = json.loads(path.read_text())
    config["stages"]["copy"] = config["stages"]["dev"]
    path.write_text(json.dumps(config))

    succeed(project, "remove", "copy", "--yes")

    assert {f"policy-{each}-dev.json" for each in FUNCTIONS} <= set(files_of(project))
    assert "copy" not in json.loads(path.read_text())["stages"]


@pytest.mark.parametrize("name", ["test", "../dev", "x/y"])
def test_a_stage_that_is_not_there_cannot_be_removed(project: Path, name: str) -> None:
    before = files_of(project)

    assert fail(project, "remove", name)
    assert files_of(project) == before


def test_a_stage_of_chalice_is_taken_down_before_its_files_go(project: Path) -> None:
    deployed = project / ".chalice" / "deployed" / "dev.json"
    deployed.parent.mkdir()
    deployed.write_text(json.dumps({"resources": [{"name": "api_handler"}]}))

    said = fail(project, "remove", "dev", "--yes")

    assert f"type: chalice --project-dir {project} delete --stage dev\n" in said


@pytest.mark.parametrize("owner", [None, "api_handler"])
def test_a_new_stage_keeps_the_callers_of_the_other_as_they_are(
    project: Path, owner: str | None
) -> None:
    """A channel's role may be called as a stage's resources are."""
    role = "arn:aws:iam::111122223333:role"
    callers = f"web={role}/orders-dev mobile={role}/orders-web reader={role}/orders-test"
    path = project / ".chalice" / "config.json"
    config = json.loads(path.read_text())
    settings = config["stages"]["dev"]
    place = settings["lambda_functions"][owner] if owner else settings
    place.setdefault("environment_variables", {})["ORDERS_PRINCIPALS"] = callers
    path.write_text(json.dumps(config))

    said = succeed(project, "new", "test")

    new = settings_of(project, "test")
    copied = new["lambda_functions"][owner] if owner else new
    assert copied["environment_variables"]["ORDERS_PRINCIPALS"] == callers
    assert "Look through what it has from dev: template_parameters, ORDERS_PRINCIPALS\n" in said
