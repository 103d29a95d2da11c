"""The archive: nothing is missing from it, and nothing is in it that Lambda doesn't need."""

import json
import os
import re
import subprocess
import sys
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import pytest

from ops.deploy.packaging import ARCHIVE_LIMIT_BYTES, VENDORED_LIMIT_BYTES, PackagedApp
from ops.local.environment import without_aws_settings
from ops.local.stack import LocalResources
from tests.builders import gateway_event, order_text, sqs_event, sqs_record
from tests.deployment.conftest import STALE_BYTECODE

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


@pytest.fixture(scope="module")
def archive(packaged_stages: dict[str, PackagedApp]) -> PackagedApp:
    return packaged_stages["dev"]


def names(archive: PackagedApp) -> list[str]:
    with zipfile.ZipFile(archive.archive) as zipped:
        return zipped.namelist()


def test_the_archive_holds_the_app_its_requirements_and_nothing_else(archive: PackagedApp) -> None:
    roots = {name.split("/")[0] for name in names(archive)}

    libraries = {root for root in roots if not root.endswith((".dist-info", ".data", ".py"))}
    assert libraries == (OURS - {"app.py"}) | (REQUIRED - {"typing_extensions"})
    assert {root for root in roots if root.endswith(".py")} == {"app.py", "typing_extensions.py"}


@pytest.mark.parametrize("unwanted", ["tests/", "ops/", "__pycache__", ".pyc", ".chalice", ".env"])
def test_the_archive_holds_no_tests_tools_or_caches(archive: PackagedApp, unwanted: str) -> None:
    assert [name for name in names(archive) if unwanted in name] == []


def test_the_archive_is_small(archive: PackagedApp) -> None:
    assert archive.size_bytes < ARCHIVE_LIMIT_BYTES / 2, archive.describe()
    assert re.fullmatch(r"deployment\.zip: 1\.\d\d MB", archive.describe())


def test_an_archive_with_vendor_is_larger_and_has_the_installed_botocore(
    vendored: PackagedApp,
) -> None:
    assert ARCHIVE_LIMIT_BYTES < vendored.size_bytes < VENDORED_LIMIT_BYTES / 1.5
    held = names(vendored)
    assert "botocore/session.py" in held
    assert "botocore/of_an_older_release.py" not in held
    assert STALE_BYTECODE not in held
    tag = sys.implementation.cache_tag
    assert f"chalicelib/orders/__pycache__/order.{tag}.pyc" in held
    assert f"botocore/__pycache__/session.{tag}.pyc" in held


def test_both_stages_have_the_same_code(packaged_stages: dict[str, PackagedApp]) -> None:
    contents = []
    for packaged in packaged_stages.values():
        with zipfile.ZipFile(packaged.archive) as zipped:
            contents.append({entry.filename: entry.CRC for entry in zipped.infolist()})

    assert contents[0] == contents[1]


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


@pytest.mark.parametrize("kind", ["archive", "vendored"])
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
