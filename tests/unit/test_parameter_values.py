"""Values of a template's parameters: what CloudFormation would refuse is refused before."""

import pytest

from ops.deploy.parameter_values import unmet_need
from ops.project import MERGE_TEMPLATE, PROJECT_ROOT
from ops.templates import load_template

ACCOUNT = "arn:aws:iam::444455556666:root"
CALLERS = "ARNs of accounts (...:root), users or roles, with a comma and no space between them"
STAGE = "a text like (?!dlq-|events-)[a-z][a-z0-9-]{1,19}(?<!-events)"
AT_LEAST_1 = "a number of at least 1"


@pytest.mark.parametrize(
    ("name", "value", "needed"),
    [
        ("OtherCallers", "", None),
        ("OtherCallers", ACCOUNT, None),
        ("OtherCallers", f"{ACCOUNT}, {ACCOUNT}", CALLERS),
        ("OtherCallers", "*", CALLERS),
        ("OtherCallers", [ACCOUNT], CALLERS),
        ("AccessLog", "enabled", None),
        ("AccessLog", "on", "disabled or enabled"),
        ("LogRetentionDays", 30, None),
        ("LogRetentionDays", "30", None),
        ("ThrottleRate", 100, None),
        ("ThrottleRate", "0.5", AT_LEAST_1),
        ("ThrottleRate", "many", AT_LEAST_1),
        ("ThrottleRate", "NaN", AT_LEAST_1),
        ("ThrottleRate", None, AT_LEAST_1),
        ("Stage", "dev-eu", None),
        ("Stage", "Dev", STAGE),
        ("Stage", "dlq-dev", STAGE),
        ("Stage", "events-dev", STAGE),
        ("Stage", "dev-events", STAGE),
    ],
)
def test_a_value_meets_what_its_parameter_needs(
    name: str, value: object, needed: str | None
) -> None:
    template = load_template((PROJECT_ROOT / MERGE_TEMPLATE).read_text(encoding="utf-8"))

    assert unmet_need(template["Parameters"][name], value) == needed
