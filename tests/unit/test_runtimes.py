"""Lambda's runtimes: a package is for one that there is, and for the one that its stage wants."""

import json
import re
from datetime import date
from importlib.resources import files

import pytest

from ops.deploy.problems import PackagingFailed
from ops.deploy.runtimes import AS_OF, ENDS, required_runtime, warning_of_end
from ops.project import PROJECT_ROOT


@pytest.mark.parametrize("minor", [11, 12, 13, 14])
def test_a_package_is_for_the_runtime_of_its_python(minor: int) -> None:
    assert required_runtime("dev", {}, (3, minor)) == f"python3.{minor}"


@pytest.mark.parametrize("minor", [10, 15])
def test_a_python_that_lambda_does_not_have_is_refused_with_a_command(minor: int) -> None:
    with pytest.raises(PackagingFailed) as refused:
        required_runtime("prod", {}, (3, minor))

    assert f"Lambda has no runtime for Python 3.{minor}: it has python3.11, " in str(refused.value)
    assert "type `make .venv PYTHON=python3.14`; then run the command again." in str(refused.value)


def test_the_runtime_that_a_stage_wants_is_the_one_that_is_named() -> None:
    with pytest.raises(PackagingFailed, match=r"`make \.venv PYTHON=python3\.12`"):
        required_runtime("dev", {"runtime": "python3.12"}, (3, 15))


def test_a_stage_that_wants_another_runtime_is_refused_with_a_command() -> None:
    with pytest.raises(PackagingFailed) as refused:
        required_runtime("prod", {"runtime": "python3.13"}, (3, 11))

    assert str(refused.value).startswith(
        "Stage prod wants python3.13 (runtime in .chalice/config.json), and this is Python 3.11. "
    )
    assert "type `make .venv PYTHON=python3.13`; then run the command again." in str(refused.value)


@pytest.mark.parametrize("wanted", ["python3.9", "3.13", "", None, ["python3.11"]])
def test_a_wanted_runtime_that_there_is_not_is_refused(wanted: object) -> None:
    with pytest.raises(PackagingFailed, match=r"take one of python3\.11, python3\.12, "):
        required_runtime("dev", {"runtime": wanted}, (3, 11))


@pytest.mark.parametrize(
    ("today", "warns"),
    [(date(2026, 6, 29), False), (date(2026, 6, 30), True), (date(2027, 12, 31), True)],
)
def test_the_end_of_a_runtime_is_warned_of_for_a_year_and_from_then_on(
    today: date, warns: bool
) -> None:
    warning = warning_of_end("python3.11", today)

    assert (warning is not None) is warns
    assert not warning or "until 2027-06-30" in warning


def test_the_page_has_the_same_table() -> None:
    page = (PROJECT_ROOT / "docs/stages.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(python[0-9.]+)` \| ([0-9-]+) \|$", page, re.MULTILINE)

    assert {name: date.fromisoformat(end) for name, end in rows} == ENDS
    assert f"as of {AS_OF}" in page


def test_the_table_is_as_cfn_lint_has_it() -> None:
    """It is released twice a month: after an upgrade, this says that AWS has changed something."""
    path = files("cfnlint") / "data" / "AdditionalSpecs" / "LmbdRuntimeLifecycle.json"
    known = json.loads(path.read_text())

    in_production = {
        name: date.fromisoformat(dates["deprecated"])
        for name, dates in known.items()
        if name.startswith("python") and date.fromisoformat(dates["deprecated"]) > AS_OF
    }
    assert in_production == ENDS
