"""Settings that the docs recommend: a stage that takes them keeps every rule of `ops lint`."""

import json
import re
from collections.abc import Iterator, Mapping
from json.decoder import JSONDecoder
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ops.deploy.config_text import VARIABLES
from ops.deploy.findings import findings_in
from ops.deploy.planned_stage import planned_stage
from ops.deploy.stage_config import StageConfig
from ops.project import PROJECT_ROOT
from tests.configuration.own import STAGES
from tests.project import change_stage, copy_without_requirements

PAGES = sorted([*PROJECT_ROOT.glob("*.md"), *(PROJECT_ROOT / "docs").glob("*.md")])
# What a stage has in .chalice/config.json.
SETTINGS = (VARIABLES, "template_parameters", "resource_parameters", "lambda_functions", "tags")
FRAGMENT = re.compile(rf'"({"|".join(SETTINGS)})":\s*(?={{)')
INLINE = re.compile(r"`((?:ORDERS|POWERTOOLS)_[A-Z_]+)=([A-Za-z0-9.]+)`")
# Said of what is refused, or set by the templates.
NOT_RECOMMENDED = {
    "ORDERS_ARCHIVE": "nonsense",
    "ORDERS_AUDIT_SHARDS": "0",
    "ORDERS_AUTH": "none",
    "ORDERS_PARTIAL_BATCH": "enabled",
}


class Recommendation(NamedTuple):
    """Settings that one place of a page shows together."""

    place: str
    settings: Mapping[str, Mapping[str, Any]]


def recommendations() -> Iterator[Recommendation]:
    for page in PAGES:
        for number, block in enumerate(page.read_text(encoding="utf-8").split("\n\n")):
            for settings in (fragments_of(block), variables_of(block)):
                if settings:
                    yield Recommendation(f"{page.name}, paragraph {number}", settings)


def fragments_of(block: str) -> dict[str, Any]:
    return {
        found[1]: JSONDecoder().raw_decode(block, found.end())[0]
        for found in FRAGMENT.finditer(block)
    }


def variables_of(block: str) -> dict[str, Any]:
    variables = dict(INLINE.findall(block))
    recommended = dict(variables.items() - NOT_RECOMMENDED.items())
    return {VARIABLES: recommended} if recommended else {}


ALL = list(recommendations())


@pytest.fixture
def project(tmp_path: Path, deployments: Path) -> Path:
    return copy_without_requirements(tmp_path / "orders", deployments)


def test_the_pages_recommend_settings_of_each_kind() -> None:
    """Without a fragment, the test below would look at nothing."""
    found = {kind for each in ALL for kind in each.settings}
    variables = {name for each in ALL for name in each.settings.get(VARIABLES, {})}

    assert found >= {VARIABLES, "template_parameters", "resource_parameters"}
    assert variables >= {"ORDERS_BATCH_SIZE", "ORDERS_AUDIT_SHARDS", "POWERTOOLS_LOG_LEVEL"}


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("recommended", ALL, ids=[each.place for each in ALL])
def test_what_the_docs_recommend_keeps_every_rule(
    project: Path, recommended: Recommendation, stage: str
) -> None:
    settings = dict(recommended.settings)
    change_stage(project, stage, dict(settings.pop(VARIABLES, {})), **settings)

    findings = findings_in(planned_stage(StageConfig.load(project, stage)))

    assert [finding.lines() for finding in findings] == []


@pytest.mark.parametrize(
    ("window", "timeout", "visibility"),
    [("0", 60, 360), ("1", 60, 361), ("300", 60, 660), ("0", 900, 5400), ("0", 45, 360)],
)
def test_the_visibility_timeout_follows_from_the_time_out_and_the_window(
    project: Path, window: str, timeout: int, visibility: int
) -> None:
    variables = {"ORDERS_BATCH_WINDOW_SECONDS": window}
    functions = json.loads((project / ".chalice" / "config.json").read_text())["stages"]["dev"]
    processor = {**functions["lambda_functions"]["process_orders"], "lambda_timeout": timeout}
    lambda_functions = functions["lambda_functions"] | {"process_orders": processor}
    change_stage(project, "dev", variables, lambda_functions=lambda_functions)

    planned = planned_stage(StageConfig.load(project, "dev"))

    assert planned.queue.visibility_timeout_seconds == visibility
    assert findings_in(planned) == []
