"""Packaging: a stage that can't be packaged gets a sentence that says what to type."""

import hashlib
import re
import shlex
import stat
import sys
import tempfile
import zipfile
from base64 import urlsafe_b64encode
from importlib.metadata import PathDistribution
from pathlib import Path

import pytest
import yaml

from ops.deploy import packaging, pins
from ops.deploy.clean_copy import copy_cleanly
from ops.deploy.packaging import package_app
from ops.deploy.problems import PackagingFailed
from ops.deploy.runtimes import ENDS
from ops.deploy.tracing import FUNCTION
from ops.project import PROJECT_ROOT
from ops.vendor import DISTRIBUTIONS
from tests.deployment.conftest import litter
from tests.project import (
    change_stage,
    copy_without_requirements,
    outputs_of,
    record_resources,
)


@pytest.fixture
def own_project(tmp_path: Path, deployments: Path) -> Path:
    """Make a copy that a test may change. Its archives have no requirements."""
    project = copy_without_requirements(tmp_path / "orders", deployments)
    record_resources(project, "dev", outputs_of("dev"))
    return project


def pinned(name: str) -> str:
    """Find the line of a requirement."""
    lines = (PROJECT_ROOT / "requirements.txt").read_text().splitlines(keepends=True)
    return next(line for line in lines if line.startswith(f"{name}=="))


def test_packaging_refuses_an_unknown_stage_and_names_the_known_ones(
    own_project: Path, tmp_path: Path
) -> None:
    with pytest.raises(PackagingFailed, match=r"no stage 'test': take one of local, dev, prod"):
        package_app("test", tmp_path / "out", own_project)


def test_packaging_refuses_a_stage_without_resources_and_says_what_to_type(
    tmp_path: Path, deployments: Path
) -> None:
    project = copy_without_requirements(tmp_path / "orders", deployments)

    with pytest.raises(PackagingFailed) as failed:
        package_app("dev", tmp_path / "out", project)

    assert "(ORDERS_QUEUE_NAME, ORDERS_QUEUE_URL," in str(failed.value)
    assert "python -m ops resources up --stage dev" in str(failed.value)


def test_the_package_holds_none_of_the_callers_settings(
    own_project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORDERS_AUTH", "none")
    monkeypatch.setenv("ORDERS_BATCH_WINDOW_SECONDS", "7")
    monkeypatch.delenv("AWS_DEFAULT_REGION")

    packaged = package_app("dev", tmp_path / "out", own_project, vendored=False)

    template = packaged.template.read_text()
    assert "awsSigv4" in template
    assert "MaximumBatchingWindowInSeconds: 0" in template


def test_a_temporary_directory_with_a_space_in_its_name_packages_all_the_same(
    own_project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A variable of pip is a list, parted by spaces."""
    (own_project / "requirements.txt").write_text(pinned("jmespath"))
    temporary = tmp_path / "a temporary directory"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr(tempfile, "tempdir", None)

    packaged = package_app("dev", tmp_path / "out", own_project, vendored=False)

    with zipfile.ZipFile(packaged.archive) as zipped:
        assert "jmespath/__init__.py" in zipped.namelist()


def test_a_stage_over_boto3_gets_no_obstore_if_it_is_the_last_word_of_the_requirements(
    own_project: Path, tmp_path: Path
) -> None:
    requirements = pinned("jmespath") + pinned("obstore").partition(" ")[0]
    (own_project / "requirements.txt").write_text(requirements)
    change_stage(own_project, "dev", {"ORDERS_ARCHIVE": "boto3"})

    packaged = package_app("dev", tmp_path / "out", own_project, vendored=False)

    with zipfile.ZipFile(packaged.archive) as zipped:
        roots = {name.partition("/")[0] for name in zipped.namelist()}
    assert "jmespath" in roots
    assert "obstore" not in roots


def test_the_stages_own_figures_become_the_templates_defaults(
    own_project: Path, tmp_path: Path
) -> None:
    variables = {
        "ORDERS_BATCH_SIZE": "100",
        "ORDERS_BATCH_WINDOW_SECONDS": "2",
        "ORDERS_MAXIMUM_CONCURRENCY": "500",
    }
    change_stage(own_project, "dev", variables, template_parameters={"ThrottleRate": "42"})

    packaged = package_app("dev", tmp_path / "out", own_project, vendored=False)

    template = yaml.safe_load(packaged.template.read_text())
    (event,) = template["Resources"]["ProcessOrders"]["Properties"]["Events"].values()
    assert template["Parameters"]["ThrottleRate"]["Default"] == "42"
    assert event["Properties"]["BatchSize"] == 100
    assert event["Properties"]["MaximumBatchingWindowInSeconds"] == 2
    assert event["Properties"]["ScalingConfig"] == {"MaximumConcurrency": 500}


def test_packaging_refuses_a_parameter_that_the_template_does_not_have(
    own_project: Path, tmp_path: Path
) -> None:
    change_stage(own_project, "dev", {}, template_parameters={"ThrotleRate": "42"})

    with pytest.raises(PackagingFailed, match="has ThrotleRate, which infrastructure/merge"):
        package_app("dev", tmp_path / "out", own_project, vendored=False)


def test_packaging_refuses_a_value_that_cloudformation_would_refuse_later(
    own_project: Path, tmp_path: Path
) -> None:
    change_stage(own_project, "dev", {}, template_parameters={"OtherCallers": "*"})

    with pytest.raises(PackagingFailed, match=r"has '\*' as OtherCallers: it has to be ARNs of"):
        package_app("dev", tmp_path / "out", own_project, vendored=False)


def test_packaging_repeats_what_chalice_refuses_in_its_words(
    own_project: Path, tmp_path: Path
) -> None:
    change_stage(own_project, "dev", {"ORDERS_AUTH": "open"})

    with pytest.raises(PackagingFailed, match="ORDERS_AUTH must be one of iam, none"):
        package_app("dev", tmp_path / "out", own_project, vendored=False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ORDERS_ARCHIVE", "nonsense"),
        ("ORDERS_AUDIT_SHARDS", "0"),
        ("ORDERS_MAXIMUM_WAITING", "many"),
        ("ORDERS_PARTIAL_BATCH", "yes"),
        ("ORDERS_LOG_FORMAT", "xml"),
    ],
)
def test_packaging_refuses_a_setting_that_no_function_could_use(
    own_project: Path, tmp_path: Path, name: str, value: str
) -> None:
    """The app reads these with its first order only, and then each order would fail."""
    change_stage(own_project, "dev", {name: value})

    with pytest.raises(PackagingFailed, match=rf"^Stage dev: {name} must be .+ it is '{value}'"):
        package_app("dev", tmp_path / "out", own_project, vendored=False)


def test_packaging_refuses_a_setting_of_one_function_that_it_could_not_use(
    own_project: Path, tmp_path: Path
) -> None:
    processor = {"environment_variables": {"ORDERS_ARCHIVE": "nonsense"}}
    change_stage(own_project, "dev", {}, lambda_functions={"process_orders": processor})

    with pytest.raises(PackagingFailed, match=r"^Stage dev: ORDERS_ARCHIVE must be one of "):
        package_app("dev", tmp_path / "out", own_project, vendored=False)


@pytest.mark.parametrize(
    ("vendored", "limit"), [(True, "VENDORED_LIMIT_BYTES"), (False, "ARCHIVE_LIMIT_BYTES")]
)
def test_packaging_refuses_an_archive_that_is_too_large_and_says_how_to_look(
    own_project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, vendored: bool, limit: str
) -> None:
    monkeypatch.setattr(packaging, limit, 10_000)

    with pytest.raises(
        PackagingFailed, match=r"MB for python3\.\d+ is more than 0\.01 MB"
    ) as failed:
        package_app("dev", tmp_path / "out", own_project, vendored=vendored)

    options = "" if vendored else " --without-vendor"
    assert f"`python -m ops package --stage dev --out build{options} --project-dir " in str(
        failed.value
    )
    assert f"raise {limit} in ops/deploy/packaging.py" in str(failed.value)


def test_packaging_names_the_module_that_is_no_python(own_project: Path, tmp_path: Path) -> None:
    (own_project / "chalicelib" / "broken.py").write_text("def\n")

    with pytest.raises(PackagingFailed, match=r"chalicelib/broken.py.* line 1.*SyntaxError"):
        package_app("dev", tmp_path / "out", own_project)


def test_packaging_leaves_no_earlier_files_behind_when_it_fails(
    own_project: Path, tmp_path: Path
) -> None:
    packaged = package_app("dev", tmp_path, own_project, vendored=False)
    change_stage(own_project, "dev", {"ORDERS_AUTH": "open"})

    with pytest.raises(PackagingFailed):
        package_app("dev", tmp_path, own_project, vendored=False)

    assert not packaged.template.exists()
    assert not packaged.archive.exists()


def test_packaging_leaves_the_project_as_it_is(own_project: Path, tmp_path: Path) -> None:
    litter(own_project)
    before = sorted(path for path in own_project.rglob("*"))

    package_app("dev", tmp_path / "out", own_project)

    assert sorted(path for path in own_project.rglob("*")) == before


def test_packaging_takes_no_wheel_but_the_one_that_is_pinned(
    own_project: Path, tmp_path: Path
) -> None:
    text = (PROJECT_ROOT / "requirements.txt").read_text()
    first_hash = text.partition("sha256:")[2][:64]
    (own_project / "requirements.txt").write_text(text.replace(first_hash, "0" * 64))

    with pytest.raises(PackagingFailed, match="PACKAGES DO NOT MATCH THE HASHES"):
        package_app("dev", tmp_path / "out", own_project, vendored=False)


def test_packaging_takes_no_wheel_for_arm64_but_the_one_that_is_pinned(
    own_project: Path, tmp_path: Path
) -> None:
    """Chalice asks for it by its name alone."""
    text = (PROJECT_ROOT / "requirements.txt").read_text()
    (of_arm64,) = re.findall(r"^obstore==\S+ --hash=sha256:(\w+)", text, re.MULTILINE)
    (own_project / "requirements.txt").write_text(text.replace(of_arm64, "0" * 64))
    change_stage(own_project, "dev", {"ORDERS_ARCHIVE": "obstore"})

    with pytest.raises(PackagingFailed, match=r"^obstore==\S+ can't be had for Lambda, as"):
        package_app("dev", tmp_path / "out", own_project, vendored=False)


def test_packaging_refuses_releases_that_are_not_pinned_and_says_what_to_type(
    own_project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pinned = {**pins.pins(), "botocore": "1.2.3", "six": "1.0"}
    monkeypatch.setattr(pins, "pins", lambda: pinned)

    with pytest.raises(PackagingFailed) as failed:
        package_app("dev", tmp_path / "out", own_project)

    assert re.search(r"botocore 1\.\S+ \(pinned: 1\.2\.3\), six", str(failed.value))
    python = shlex.quote(sys.executable)
    assert f"{python} -m pip install --require-hashes -r " in str(failed.value)


def test_packaging_finds_what_was_changed_after_its_installation(tmp_path: Path) -> None:
    source = "def add():\n    return 1\n"
    (tmp_path / "small-1.0.dist-info").mkdir()
    for name in ("kept.py", "changed.py"):
        (tmp_path / name).write_text(source)
    digest = urlsafe_b64encode(hashlib.sha256(source.encode()).digest()).rstrip(b"=").decode()
    (tmp_path / "small-1.0.dist-info" / "RECORD").write_text(
        "".join(
            f"{name}.py,sha256={digest},{len(source)}\n" for name in ("kept", "changed", "gone")
        )
        + "__pycache__/kept.cpython-311.pyc,,\nsmall-1.0.dist-info/RECORD,,\n"
    )
    (tmp_path / "changed.py").write_text(source.replace("1", "2"))

    changed = pins.changed_files(PathDistribution(tmp_path / "small-1.0.dist-info"))

    assert changed == ["changed.py", "gone.py"]


def test_packaging_refuses_what_was_changed_after_its_installation(
    own_project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pins, "changed_files", lambda installed: [f"{installed.name}/a.py"])

    with pytest.raises(PackagingFailed, match=r"released: chalice/a\.py, botocore/a\.py"):
        package_app("dev", tmp_path / "out", own_project)


def test_all_that_is_packaged_is_pinned() -> None:
    assert {packaging.CHALICE, *DISTRIBUTIONS} <= pins.pins().keys()


def test_the_stages_runtime_is_this_pythons(own_project: Path, tmp_path: Path) -> None:
    runtime = "python{}.{}".format(*sys.version_info)
    change_stage(own_project, "dev", {}, runtime=runtime)

    packaged = package_app("dev", tmp_path / "out", own_project, vendored=False)

    template = yaml.safe_load(packaged.template.read_text())
    functions = [it for it in template["Resources"].values() if it["Type"] == FUNCTION]
    assert {it["Properties"]["Runtime"] for it in functions} == {runtime}
    assert packaged.runtime == runtime


def test_packaging_refuses_a_stage_that_wants_another_runtime(
    own_project: Path, tmp_path: Path
) -> None:
    other = next(name for name in ENDS if name != "python{}.{}".format(*sys.version_info))
    change_stage(own_project, "dev", {}, runtime=other)

    with pytest.raises(PackagingFailed, match=f"`make .venv PYTHON={other}`"):
        package_app("dev", tmp_path / "out", own_project)


def test_the_clean_copy_of_a_read_only_checkout_can_be_written_to(
    own_project: Path, tmp_path: Path
) -> None:
    """Packaging puts bytecode into the copy, and removes it in the end."""
    library = own_project / "chalicelib"
    for path in (library, *library.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)

    copy = copy_cleanly(own_project, tmp_path / "copy")

    modes = {path.stat().st_mode for path in (copy, *copy.rglob("*"))}
    assert all(mode & stat.S_IWUSR for mode in modes)
