"""The table of rules: each limit is tried, and has a page of AWS as its source."""

import pytest

from tests.aws_limits import (
    test_cloudwatch,
    test_dynamodb,
    test_events,
    test_functions,
    test_kms,
    test_s3,
    test_sns,
    test_sqs,
)
from tests.aws_limits.rule import Rule
from tests.aws_limits.rules import BY_NAME, RULES

MODULES = (
    test_cloudwatch,
    test_dynamodb,
    test_events,
    test_functions,
    test_kms,
    test_s3,
    test_sns,
    test_sqs,
)


def test_each_rule_has_a_case_on_both_sides_of_its_limit() -> None:
    assert {case.rule for module in MODULES for case in module.CASES} == BY_NAME.keys()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_each_rule_has_a_page_of_aws_as_its_source(rule: Rule) -> None:
    assert rule.source.startswith("https://docs.aws.amazon.com/")
    assert rule.calls


def test_no_two_rules_have_the_same_name() -> None:
    assert len(BY_NAME) == len(RULES)
