"""The runbook: every alarm has its entry."""

import re

from ops.local.resources import TEMPLATE
from ops.project import PROJECT_ROOT
from ops.templates import load_template


def test_every_alarm_has_an_entry_in_the_runbook() -> None:
    template = load_template(TEMPLATE.read_text())
    runbook = (PROJECT_ROOT / "docs" / "operating.md").read_text()

    alarms = {
        resource["Properties"]["AlarmName"]["Fn::Sub"].replace("${Stage}", "STAGE")
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::CloudWatch::Alarm"
    }

    assert set(re.findall(r"^### (orders-STAGE-\S+)$", runbook, re.MULTILINE)) == alarms
