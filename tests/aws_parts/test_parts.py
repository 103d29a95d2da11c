"""Java, which DynamoDB Local needs: one that is missing or too old is told."""

import os
from pathlib import Path

import pytest

from tests.aws_parts import DYNAMODB_LOCAL, java_version

NEEDED = "it needs Java 17 or newer (Debian's openjdk-17-jre-headless)"


def put_java(directory: Path, first_line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a Java on the path that says its version as the real one does: to stderr."""
    program = directory / "java"
    program.write_text(f"#!/bin/sh\necho '{first_line}' >&2\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(directory), prepend=os.pathsep)


@pytest.mark.parametrize(
    ("first_line", "version"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('openjdk version "25" 2025-09-16', 25),
        ('java version "1.8.0_422"', 1),
        ("Unable to locate a Java Runtime.", 0),
    ],
)
def test_java_says_its_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first_line: str, version: int
) -> None:
    put_java(tmp_path, first_line, monkeypatch)

    assert java_version() == version


def test_dynamodb_local_is_missing_without_java(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")

    assert DYNAMODB_LOCAL.missing() == NEEDED


def test_dynamodb_local_is_missing_with_a_java_that_is_too_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_java(tmp_path, 'openjdk version "11.0.2" 2019-01-15', monkeypatch)

    assert DYNAMODB_LOCAL.missing() == NEEDED
