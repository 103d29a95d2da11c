"""The archive: nothing is missing from it, and nothing is in it that Lambda doesn't need."""

import json
import os
import re
import stat
import subprocess
import sys
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import pytest

from ops.deploy.packaging import (
    ARCHIVE_LIMIT_BYTES,
    OBSTORE_LIMIT_BYTES,
    VENDORED_LIMIT_BYTES,
    PackagedApp,
    package_app,
)
from ops.local.environment import without_aws_settings
from ops.local.stack import LocalResources
from ops.project import CONFIG, PROJECT_ROOT
from tests.builders import gateway_event, order_text, sqs_event, sqs_record
from tests.deployment.conftest import LITTER
from tests.project import copy_project, outputs_of, record_resources

# Lambda's Python runtime has these beside the standard library: boto3 and its dependencies.
RUNTIME = ("boto3", "botocore", "s3transfer", "jmespath", "python-dateutil", "urllib3", "six")
OURS = {"app.py", "chalicelib", "chalice"}
REQUIRED = {"aws_lambda_powertools", "jmespath", "typing_extensions"}

INVOKE = """
import json, sys
import app
context = None
event = json.loads(sys.stdin.read())
print(json.dumps({
    "posted": app.app(event["post"], context),
    "processed": app.process_orders(event["process"], context),
    "read": app.app(event["get"], context),
    "files": sorted({
        module.__file__ for module in list(sys.modules.values())
        if getattr(module, "__file__", None)
    }),
}))
"""


def names(archive: PackagedApp) -> list[str]:
    with zipfile.ZipFile(archive.archive) as zipped:
        return zipped.namelist()


def test_an_archive_without_vendor_holds_the_app_and_its_requirements_and_nothing_else(
    without_vendor: PackagedApp,
) -> None:
    roots = {name.split("/")[0] for name in names(without_vendor)}

    libraries = {root for root in roots if not root.endswith((".dist-info", ".data", ".py"))}
    assert libraries == (OURS - {"app.py"}) | (REQUIRED - {"typing_extensions"})
    assert {root for root in roots if root.endswith(".py")} == {"app.py", "typing_extensions.py"}


@pytest.mark.parametrize("unwanted", ["tests/", "ops/", "__pycache__", ".pyc", ".chalice", ".env"])
def test_an_archive_without_vendor_holds_no_tests_tools_or_caches(
    without_vendor: PackagedApp, unwanted: str
) -> None:
    assert [name for name in names(without_vendor) if unwanted in name] == []


def test_an_archive_without_vendor_is_small(without_vendor: PackagedApp) -> None:
    runtime = "python{}.{}".format(*sys.version_info)

    assert without_vendor.size_bytes < ARCHIVE_LIMIT_BYTES / 2, without_vendor.describe()
    assert re.fullmatch(rf"deployment\.zip: 1\.\d MB for {runtime}", without_vendor.describe())


def test_an_archive_has_the_installed_botocore_and_all_bytecode(vendored: PackagedApp) -> None:
    assert ARCHIVE_LIMIT_BYTES < vendored.size_bytes < VENDORED_LIMIT_BYTES / 1.5
    held = set(names(vendored))
    # A wheel's commands, in its .data, are no modules.
    sources = {Path(name) for name in held if name.endswith(".py") and ".data/" not in name}
    tag = sys.implementation.cache_tag
    bytecode = {str(it.parent / "__pycache__" / f"{it.stem}.{tag}.pyc") for it in sources}
    # Chalice packages its own __init__.py, which Lambda's functions load in no time.
    assert bytecode - held <= {f"chalice/__pycache__/__init__.{tag}.pyc"}
    assert {name for name in held if name.endswith(".pyc")} <= bytecode
    assert Path("botocore/session.py") in sources


# The number of each processor in a compiled file: `e_machine` of an ELF header.
PROCESSORS = {"arm64": 183, "x86_64": 62}


def test_an_archive_of_a_stage_over_obstore_has_it_for_the_stages_processor(
    over_obstore: PackagedApp, vendored: PackagedApp
) -> None:
    processor = over_obstore.archive.parent.name
    with zipfile.ZipFile(over_obstore.archive) as zipped:
        header = zipped.read("obstore/_obstore.abi3.so")[:20]

    assert header[:4] == b"\x7fELF"
    assert int.from_bytes(header[18:20], "little") == PROCESSORS[processor]
    tag = sys.implementation.cache_tag
    assert f"obstore/__pycache__/store.{tag}.pyc" in names(over_obstore)
    assert over_obstore.size_bytes < VENDORED_LIMIT_BYTES + OBSTORE_LIMIT_BYTES / 1.5
    assert {root for root in names(over_obstore) if "obstore" not in root} == {
        name for name in names(vendored) if "obstore" not in name
    }


def test_the_pages_show_about_the_size_that_an_archive_over_obstore_has(
    over_obstore: PackagedApp,
) -> None:
    """Within a tenth: it differs a little with Python, and with each release of a requirement."""
    shown = [
        float(megabytes)
        for page in sorted((PROJECT_ROOT / "docs").glob("*.md"))
        for megabytes in re.findall(r"deployment\.zip[:,] (\S+) MB\b", page.read_text("utf-8"))
    ]

    assert len(shown) >= 4
    for megabytes in shown:
        assert megabytes == pytest.approx(over_obstore.size_bytes / 1e6, rel=0.1)


def test_an_archive_has_obstore_wherever_the_configuration_says_so(
    tmp_path: Path, deployments: Path
) -> None:
    """Chalice gives a variable of the whole project to each function of each stage."""
    project = copy_project(tmp_path / "orders", deployments)
    record_resources(project, "dev", outputs_of("dev"))
    config = json.loads((project / CONFIG).read_text())
    config["environment_variables"] = {"ORDERS_ARCHIVE": "obstore"}
    (project / CONFIG).write_text(json.dumps(config))

    packaged = package_app("dev", tmp_path / "packaged", project, vendored=False)

    assert "obstore/_obstore.abi3.so" in names(packaged)


@pytest.mark.parametrize("kind", ["without_vendor", "vendored"])
def test_an_archive_of_a_stage_over_boto3_has_no_obstore(
    request: pytest.FixtureRequest, kind: str
) -> None:
    held = names(request.getfixturevalue(kind))

    assert [name for name in held if name.startswith("obstore")] == []


@pytest.mark.parametrize("kind", ["without_vendor", "vendored"])
def test_an_archive_holds_nothing_that_a_machine_leaves_behind(
    request: pytest.FixtureRequest, kind: str
) -> None:
    archive: PackagedApp = request.getfixturevalue(kind)
    litter = {name.removeprefix("vendor/") for name in LITTER}

    assert litter.isdisjoint(names(archive))
    assert [name for name in names(archive) if "/." in name or name.startswith(".")] == []


@pytest.mark.parametrize("kind", ["without_vendor", "vendored"])
def test_every_file_of_an_archive_can_be_read_by_lambdas_user(
    request: pytest.FixtureRequest, kind: str
) -> None:
    archive: PackagedApp = request.getfixturevalue(kind)
    with zipfile.ZipFile(archive.archive) as zipped:
        modes = {entry.external_attr >> 16 for entry in zipped.infolist()}

    assert modes == {stat.S_IFREG | 0o644}


def test_both_stages_have_the_same_code(
    without_vendor: PackagedApp, project: Path, tmp_path: Path
) -> None:
    prod = package_app("prod", tmp_path, project, vendored=False)
    contents = []
    for packaged in (without_vendor, prod):
        with zipfile.ZipFile(packaged.archive) as zipped:
            contents.append({entry.filename: entry.CRC for entry in zipped.infolist()})

    assert contents[0] == contents[1]


def test_a_template_depends_neither_on_vendor_nor_on_requirements(
    vendored: PackagedApp, without_vendor: PackagedApp, packaged_stages: dict[str, PackagedApp]
) -> None:
    """So the tests of templates do without both, which take time."""
    kinds = (vendored, without_vendor, packaged_stages["dev"])

    assert len({packaged.template.read_text() for packaged in kinds}) == 1


def lambda_runtime(directory: Path) -> Path:
    """Make a directory with boto3 and nothing else, as Lambda's runtime has it."""
    directory.mkdir()
    for name in RUNTIME:
        package = distribution(name)
        files = [file for file in package.files or [] if file.suffix == ".py"]
        # Commands are noted as files too, at ../../../bin.
        roots = {file.parts[0] for file in files} - {".."}
        for root in roots:
            (directory / root).symlink_to(Path(str(package.locate_file(root))))
    return directory


@pytest.mark.parametrize("kind", ["without_vendor", "vendored"])
def test_the_archive_runs_with_only_boto3_installed(
    request: pytest.FixtureRequest, kind: str, tmp_path: Path, local_resources: LocalResources
) -> None:
    archive: PackagedApp = request.getfixturevalue(kind)
    code, runtime = tmp_path / "code", lambda_runtime(tmp_path / "runtime")
    with zipfile.ZipFile(archive.archive) as zipped:
        zipped.extractall(code)
    text = order_text(kind)
    events = {
        "post": gateway_event("POST", "/orders", body=text),
        "process": sqs_event(sqs_record(text)),
        "get": gateway_event("GET", f"/orders/{kind}", resource="/orders/{order_id}"),
    }
    paths = f"import sys; sys.path[:0] = [{str(code)!r}, {str(runtime)!r}]"

    # -I and -S: no site-packages, no working directory, no PYTHONPATH.
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", paths + INVOKE],
        input=json.dumps(events),
        env=without_aws_settings(os.environ) | local_resources.environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout.splitlines()[-1])
    assert answers["posted"]["statusCode"] == 202
    assert json.loads(answers["read"]["body"])["order"]["status"] == "ACCEPTED"
    allowed = (str(tmp_path), str(Path(os.__file__).parent))
    elsewhere = [file for file in answers["files"] if not file.startswith(allowed)]
    assert [file for file in elsewhere if "site-packages" in file] == []
    (botocore,) = [file for file in answers["files"] if file.endswith("botocore/session.py")]
    assert botocore.startswith(str(code if kind == "vendored" else runtime))
