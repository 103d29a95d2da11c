"""A broken limit fails its test, whatever the code under test makes of it."""

import subprocess
import sys
from pathlib import Path

import pytest

from ops.project import PROJECT_ROOT
from tests.aws_limits.cases import BODY, SWALLOWED
from tests.aws_limits.ledger import Broken, expected

ATTRIBUTES = "SQS: a message has at most 10 attributes"
TEST = f'''
import pytest
from tests.aws_limits.ledger import expected
CODE = """{SWALLOWED}"""

def test_that_swallows_the_error():
    exec(CODE)

def test_that_expects_it():
    with expected("{BODY}"):
        exec(CODE)

@pytest.mark.xfail(strict=True)
def test_that_is_known_to_break_it():
    exec(CODE)

def test_that_expects_another():
    with expected("{ATTRIBUTES}"):
        exec(CODE)

def test_that_breaks_none():
    pass

@pytest.fixture
def careless():
    yield
    exec(CODE)

def test_whose_fixture_breaks_it(careless):
    pass

def test_that_fails_itself_too():
    exec(CODE)
    assert 1 == 2
'''


def test_a_broken_limit_fails_its_test_and_no_other(tmp_path: Path) -> None:
    (tmp_path / "test_limits.py").write_text(TEST)
    command = [sys.executable, "-m", "pytest", "-p", "tests.aws_limits.plugin", "-q", "-rA"]

    done = subprocess.run(
        [*command, "-p", "no:cacheprovider", "--rootdir", str(tmp_path), str(tmp_path)],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    *_, summary = done.stdout.splitlines()
    assert "3 failed, 3 passed, 1 xfailed, 1 error" in summary, done.stdout
    assert "assert 1 == 2" in done.stdout
    assert done.stdout.count("AWS would refuse this:") >= 4
    assert f"{BODY}: no body in sqs.SendMessage of process" in done.stdout


def test_a_rule_that_is_expected_must_be_broken() -> None:
    with pytest.raises(AssertionError, match="AWS would have taken it"), expected(BODY):
        pass


def test_a_broken_limit_names_its_rule_its_problem_and_the_page_of_aws() -> None:
    broken = Broken(BODY, "no body", "sqs.SendMessage", "https://docs.aws.amazon.com/x", 7)

    assert str(broken) == (
        f"{BODY}: no body in sqs.SendMessage of process 7 (https://docs.aws.amazon.com/x)"
    )
