"""The pages for operators: every alarm has its entry, and every command in them exists."""

import re
from pathlib import Path
from typing import Any

import click
import pytest

from ops.__main__ import main
from ops.local.resources import TEMPLATE
from ops.project import PROJECT_ROOT
from ops.templates import load_template
from tests.ops_commands import subcommand

PAGES = ["deploying.md", "operating.md", "scaling.md"]


def text_of(page: str) -> str:
    return (PROJECT_ROOT / "docs" / page).read_text()


def anchors_of(page: str) -> set[str]:
    """As GitHub makes them of the headings."""
    headings = re.findall(r"^#+ (.+)$", text_of(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_alarm_has_an_entry_in_the_runbook() -> None:
    template = load_template(TEMPLATE.read_text())

    alarms = {
        resource["Properties"]["AlarmName"]["Fn::Sub"].replace("${Stage}", "STAGE")
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::CloudWatch::Alarm"
    }

    entries = set(re.findall(r"^### (orders-STAGE-\S+)$", text_of("operating.md"), re.MULTILINE))
    assert entries == alarms


@pytest.mark.parametrize("page", PAGES)
def test_every_command_in_the_pages_exists(page: str) -> None:
    for line in re.findall(r"python -m ops ([^`\n]+)", text_of(page)):
        command: Any = main
        for word in line.split():
            if not isinstance(command, click.Group):
                break
            command = subcommand(command, word)
        options = {option for each in command.params for option in each.opts + each.secondary_opts}
        assert {word for word in line.split() if word.startswith("--")} <= options, line


@pytest.mark.parametrize("page", PAGES)
def test_every_make_target_in_the_pages_exists(page: str) -> None:
    targets = re.findall(r"^([a-z-]+):", (PROJECT_ROOT / "Makefile").read_text(), re.MULTILINE)

    assert set(re.findall(r"(?:`|\$ )make ([a-z-]+)", text_of(page))) <= set(targets)


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", text_of(page)):
        path, _, anchor = target.partition("#")
        assert (PROJECT_ROOT / "docs" / path).exists()
        assert not anchor or anchor in anchors_of(path or page)


def test_what_the_commands_point_to_is_there() -> None:
    sources = "".join(path.read_text() for path in (PROJECT_ROOT / "ops" / "deploy").glob("*.py"))

    for page, anchor in re.findall(r"docs/(\w+\.md)#([\w-]+)", sources):
        assert Path(page).name in PAGES
        assert anchor in anchors_of(page)
