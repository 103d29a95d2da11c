"""The runbook: every alarm has its entry."""

import re

import pytest

from ops.local.resources import TEMPLATE
from ops.project import PROJECT_ROOT
from ops.templates import load_template
from tests.resources import properties_of_resources


def test_every_alarm_has_an_entry_in_the_runbook() -> None:
    template = load_template(TEMPLATE.read_text())
    runbook = (PROJECT_ROOT / "docs" / "operating.md").read_text()

    alarms = {
        resource["Properties"]["AlarmName"]["Fn::Sub"].replace("${Stage}", "STAGE")
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::CloudWatch::Alarm"
    }

    entries = re.findall(r"^### .*$", runbook, re.MULTILINE)
    named = [name for entry in entries for name in re.findall(r"orders-STAGE-[\w-]+", entry)]
    assert sorted(named) == sorted(alarms)


@pytest.mark.parametrize(
    ("page", "sentence"),
    [
        ("operating.md", "failed {} times, once every 6 minutes"),
        ("operating.md", "Each order has {}\nattempts, six minutes apart"),
        ("operators.md", "failed, {} in three hours"),
        ("reliability.md", "| receives | {} (`MaxReceiveCount`)"),
        ("scaling.md", "| a stage | {} | 360 s |"),
    ],
)
def test_the_pages_name_the_receives_of_the_template(page: str, sentence: str) -> None:
    receives = properties_of_resources()["OrdersQueue"]["RedrivePolicy"]["maxReceiveCount"]

    text = (PROJECT_ROOT / "docs" / page).read_text(encoding="utf-8")

    assert sentence.format(receives) in text
