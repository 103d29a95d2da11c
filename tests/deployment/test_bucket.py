"""The archive's bucket: nobody overwrites an object, and S3 gives each one at once, for good."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from ops.lint.template import Template
from ops.project import PROJECT_ROOT, RESOURCES_TEMPLATE

RESOURCES = Template(PROJECT_ROOT / RESOURCES_TEMPLATE, Stage="dev")
# S3 refuses to read an object of any other class until a copy of it was asked for.
READ_AT_ONCE = {"STANDARD_IA", "ONEZONE_IA", "GLACIER_IR"}
WRITES = {"put_object", "copy_object", "copy", "upload_file", "upload_fileobj"}
WRITES |= {"create_multipart_upload"}
# The first writes to the bucket of templates; the second shows that the policy refuses.
OTHER_WRITES = {"ops/deploy/artifacts.py", "ops/verify/stores.py"}


def only(kind: str) -> dict[str, Any]:
    (properties,) = RESOURCES.of_type(kind).values()
    return properties


def test_the_policy_refuses_a_put_that_could_overwrite() -> None:
    statements = only("AWS::S3::BucketPolicy")["PolicyDocument"]["Statement"]

    (statement,) = [each for each in statements if each["Sid"] == "RefuseToOverwrite"]

    assert statement["Effect"] == "Deny"
    assert statement["Principal"] == "*"
    assert statement["Action"] == "s3:PutObject"
    assert str(statement["Resource"]).endswith("/*")
    # Nothing else stands in the condition, which would exempt somebody.
    assert statement["Condition"] == {"Null": {"s3:if-none-match": "true"}}


def calls_that_write() -> Iterator[tuple[str, ast.Call]]:
    for directory in ("chalicelib", "ops"):
        for path in sorted(Path(PROJECT_ROOT, directory).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                    continue
                is_of_s3 = "s3" in ast.unparse(node.func.value) or "_client" in ast.unparse(node)
                if node.func.attr in WRITES and is_of_s3:
                    yield path.relative_to(PROJECT_ROOT).as_posix(), node


def test_no_code_puts_what_the_policy_refuses() -> None:
    writes = [(path, call) for path, call in calls_that_write() if path not in OTHER_WRITES]

    assert "chalicelib/aws/s3.py" in {path for path, _ in writes}
    for path, call in writes:
        arguments = {each.arg: ast.unparse(each.value) for each in call.keywords}
        assert ast.unparse(call.func).endswith(".put_object"), path
        assert arguments.get("IfNoneMatch") == "'*'", path
        # S3 refuses a put without one, if the bucket has Object Lock.
        assert "ChecksumSHA256" in arguments, path


def bucket_with(**parameters: str) -> dict[str, Any]:
    resources = Template(PROJECT_ROOT / RESOURCES_TEMPLATE, Stage="dev", **parameters)
    (properties,) = resources.of_type("AWS::S3::Bucket").values()
    return properties


def test_no_object_is_locked_unless_the_stage_asks_for_it() -> None:
    assert not [name for name in only("AWS::S3::Bucket") if "Lock" in name]


@pytest.mark.parametrize("mode", ["governance", "compliance"])
def test_each_new_object_is_locked_as_the_stage_asks_for_it(mode: str) -> None:
    """Both properties: with the second alone, CloudFormation made no bucket once."""
    properties = bucket_with(ObjectLock=mode, ObjectLockDays="30")

    assert properties["ObjectLockEnabled"] is True
    assert properties["ObjectLockConfiguration"] == {
        "ObjectLockEnabled": "Enabled",
        "Rule": {"DefaultRetention": {"Mode": mode.upper(), "Days": "30"}},
    }
    # Object Lock needs it.
    assert properties["VersioningConfiguration"] == {"Status": "Enabled"}


def test_the_lock_replaces_no_bucket() -> None:
    """By the schema that CloudFormation itself goes by."""
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", "AWS::S3::Bucket").schema
    replacing = {path.rpartition("/")[2] for path in schema["createOnlyProperties"]}

    assert "BucketName" in replacing
    assert not {"ObjectLockEnabled", "ObjectLockConfiguration"} & replacing


def test_an_overwritten_version_is_kept() -> None:
    assert only("AWS::S3::Bucket")["VersioningConfiguration"] == {"Status": "Enabled"}


def test_the_lifecycle_deletes_nothing_and_leaves_every_order_readable() -> None:
    rules = only("AWS::S3::Bucket")["LifecycleConfiguration"]["Rules"]

    classes = [each["StorageClass"] for rule in rules for each in rule.get("Transitions", [])]
    settings = {name for rule in rules for name in rule}

    assert set(classes) <= READ_AT_ONCE
    assert settings <= {"Id", "Status", "Prefix", "Transitions", "AbortIncompleteMultipartUpload"}
