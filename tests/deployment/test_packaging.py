"""Packaging: a stage that can't be packaged gets a sentence that says what to type."""

from pathlib import Path

import pytest
import yaml

from ops.deploy import packaging
from ops.deploy.packaging import PackagedApp, PackagingFailed, package_app
from tests.project import change_stage, copy_project, outputs_of, record_resources


@pytest.fixture
def own_project(tmp_path: Path, deployments: Path) -> Path:
    """Make a copy that a test may change."""
    project = copy_project(tmp_path / "orders", deployments)
    record_resources(project, "dev", outputs_of("dev"))
    return project


def test_packaging_refuses_an_unknown_stage_and_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(PackagingFailed, match=r"no stage 'test': take one of local, dev, prod"):
        package_app("test", tmp_path)


def test_packaging_refuses_a_stage_without_resources_and_says_what_to_type(
    tmp_path: Path, deployments: Path
) -> None:
    project = copy_project(tmp_path / "orders", deployments)

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

    packaged = package_app("dev", tmp_path / "out", own_project)

    template = packaged.template.read_text()
    assert "awsSigv4" in template
    assert "MaximumBatchingWindowInSeconds: 0" in template


def test_the_stages_own_figures_become_the_templates_defaults(
    own_project: Path, tmp_path: Path
) -> None:
    variables = {
        "ORDERS_BATCH_SIZE": "100",
        "ORDERS_BATCH_WINDOW_SECONDS": "2",
        "ORDERS_MAXIMUM_CONCURRENCY": "500",
    }
    change_stage(own_project, "dev", variables, template_parameters={"ThrottleRate": "42"})

    packaged = package_app("dev", tmp_path / "out", own_project)

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
        package_app("dev", tmp_path / "out", own_project)


def test_packaging_repeats_what_chalice_refuses_in_its_words(
    own_project: Path, tmp_path: Path
) -> None:
    change_stage(own_project, "dev", {"ORDERS_AUTH": "open"})

    with pytest.raises(PackagingFailed, match="ORDERS_AUTH must be one of iam, none"):
        package_app("dev", tmp_path / "out", own_project)


def test_packaging_refuses_an_archive_that_is_too_large(
    own_project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packaging, "ARCHIVE_LIMIT_BYTES", 1_000_000)

    with pytest.raises(PackagingFailed, match=r"deployment.zip: 1.\d\d MB is more than 1 MB"):
        package_app("dev", tmp_path / "out", own_project)


def test_packaging_says_what_to_type_when_vendor_cannot_be_filled_anew(
    own_project: Path, tmp_path: Path
) -> None:
    (own_project / "vendor" / "botocore").mkdir(parents=True)
    # Its bytecode can't be made.
    (own_project / "chalicelib" / "broken.py").write_text("def\n")

    with pytest.raises(PackagingFailed, match=r"could not be filled anew: .*\n.*`make vendor`"):
        package_app("dev", tmp_path / "out", own_project)


def test_an_archive_with_vendor_may_be_larger(
    vendored_project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packaging, "VENDORED_LIMIT_BYTES", 4_000_000)

    with pytest.raises(PackagingFailed, match=r"more than 4 MB: .* or raise VENDORED_LIMIT_BYTES"):
        package_app("dev", tmp_path / "out", vendored_project)


def test_packaging_twice_gives_the_same_template_and_archive(
    packaged_stages: dict[str, PackagedApp], project: Path, tmp_path: Path
) -> None:
    again = package_app("dev", tmp_path / "out", project)

    assert again.template.read_text() == packaged_stages["dev"].template.read_text()
    assert again.archive.read_bytes() == packaged_stages["dev"].archive.read_bytes()


def test_packaging_again_gives_the_same_with_vendor(
    vendored: PackagedApp, vendored_project: Path, tmp_path: Path
) -> None:
    again = package_app("dev", tmp_path / "out", vendored_project)

    assert again.archive.read_bytes() == vendored.archive.read_bytes()
