"""The configuration that tests bring: stages dev and prod as in config.json here."""

from pathlib import Path

from ops.project import CONFIG
from ops.stage_mentions import with_other_stage
from tests.configuration.checkout import (
    FUNCTIONS,
    LOCAL_ENDPOINT,
    local_endpoint,
    stages_of_checkout,
)

STAGES = ("dev", "prod")
TEXT = Path(__file__).with_name("config.json").read_text(encoding="utf-8")


def write_configuration(project: Path) -> None:
    """Write the tests' configuration into a project that has none."""
    (project / CONFIG).parent.mkdir()
    (project / CONFIG).write_text(TEXT, encoding="utf-8")
    (project / LOCAL_ENDPOINT).write_text(local_endpoint(), encoding="utf-8")
    for stage in STAGES:
        for function in FUNCTIONS:
            path = project / ".chalice" / f"policy-{function}-{stage}.json"
            path.write_text(policy_text(function, stage), encoding="utf-8")


def policy_text(function: str, stage: str) -> str:
    """Write a function's policy for a stage: what it grants is written once, in the checkout."""
    written = stages_of_checkout()[0]
    text = written.policy_text(function)
    return with_other_stage(text, written.name, stage)
