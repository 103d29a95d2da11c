"""The deployed stages of the checkout, as its user has configured them."""

import json
from pathlib import Path
from typing import Any, NamedTuple

from ops.deploy.tracing import WRITE_TRACES
from ops.project import CONFIG, PROJECT_ROOT
from ops.stage_names import LOCAL_STAGE
from tests.configuration import guard

# `chalice local` reads the AWS endpoint of stage local there.
LOCAL_ENDPOINT = ".chalice/aws-local.ini"
FUNCTIONS = {
    "api": "api_handler",
    "processor": "process_orders",
    "events": "publish_events",
    "seals": "seal_days",
}


class CheckoutStage(NamedTuple):
    """A stage of the checkout's .chalice/config.json, and the whole file."""

    name: str
    config: dict[str, Any]

    @property
    def settings(self) -> dict[str, Any]:
        settings: dict[str, Any] = self.config["stages"][self.name]
        return settings

    def policy_file(self, function: str) -> Path:
        file = self.settings["lambda_functions"][FUNCTIONS[function]]["iam_policy_file"]
        return PROJECT_ROOT / ".chalice" / str(file)

    def policy_text(self, function: str) -> str:
        """
        Read a policy, for judging what it reaches.

        Without X-Ray's statement, which names no resource, and which a stage with X-Ray has.
        """
        with guard.lifted():
            policy = json.loads(self.policy_file(function).read_text(encoding="utf-8"))
        if self.settings.get("xray"):
            policy["Statement"] = [each for each in policy["Statement"] if each != WRITE_TRACES]
        return json.dumps(policy)


def local_endpoint() -> str:
    """Read the file that stage local names."""
    with guard.lifted():
        return (PROJECT_ROOT / LOCAL_ENDPOINT).read_text(encoding="utf-8")


def stages_of_checkout() -> list[CheckoutStage]:
    """Read the stages that are deployed: all but the local one."""
    with guard.lifted():
        config: dict[str, Any] = json.loads((PROJECT_ROOT / CONFIG).read_text(encoding="utf-8"))
    return [CheckoutStage(name, config) for name in config["stages"] if name != LOCAL_STAGE]
