"""Checkouts of others: the configurations that the docs tell users to commit, and leftovers."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from ops.deploy.runtimes import ENDS
from ops.deploy.tracing import WRITE_TRACES
from ops.local.emulator import EMULATOR_PYTHON
from ops.project import CONFIG, PROJECT_ROOT
from ops.stage_mentions import with_other_stage
from tests.configuration.checkout import FUNCTIONS
from tests.configuration.own import STAGES, write_configuration
from tests.project import change_stage, outputs_of, record_resources

DIRECTORIES = ("benchmarks", "chalicelib", "infrastructure", "ops", "tests")
FILES = ("app.py", "pyproject.toml", "requirements*.txt")
EMULATOR_URL = "http://127.0.0.1:4566/000000000000"
RENAMED = {"dev": "qa", "prod": "staging"}
# By `chalice deploy` and by `make package`.
LEFTOVERS = {
    ".chalice/deployed/qa.json": json.dumps({"resources": [{"name": "api_handler"}]}),
    ".chalice/deployments/one.zip": "",
    "build/sam.yaml": "Resources: {}\n",
    "build/deployment.zip": "",
}


def copy_checkout(directory: Path) -> Path:
    """Copy all that tests need of the checkout, with the tests' configuration in place of its."""
    directory.mkdir()
    for name in DIRECTORIES:
        shutil.copytree(PROJECT_ROOT / name, directory / name)
    for path in (found for name in FILES for found in PROJECT_ROOT.glob(name)):
        shutil.copy2(path, directory)
    environment = EMULATOR_PYTHON.parents[1]
    (directory / environment.name).symlink_to(environment, target_is_directory=True)
    write_configuration(directory)
    return directory


def record_on_aws(checkout: Path) -> None:
    """Record resources as docs/deploying.md says: these lines belong into the repository."""
    for stage in STAGES:
        record_resources(checkout, stage, outputs_of(stage))


def record_take_large_batches_and_trace(checkout: Path) -> None:
    """
    Be a stage that has grown: each of these changes is another place of a configuration.

    Its resources are recorded, it takes the batch that docs/scaling.md recommends, and X-Ray is on
    as docs/stages.md says.
    """
    record_on_aws(checkout)
    batch = {"ORDERS_BATCH_SIZE": "100", "ORDERS_BATCH_WINDOW_SECONDS": "1"}
    for stage in STAGES:
        change_stage(checkout, stage, batch, xray=True)
        for function in FUNCTIONS:
            path = checkout / f".chalice/policy-{function}-{stage}.json"
            policy = json.loads(path.read_text(encoding="utf-8"))
            policy["Statement"].append(WRITE_TRACES)
            path.write_text(json.dumps(policy), encoding="utf-8")


def rename_stages_and_rehearse(checkout: Path) -> None:
    """Have other stages than dev and prod, and what a rehearsal of both ways leaves behind."""
    for old, new in RENAMED.items():
        rename_stage(checkout, old, new)
    change_stage(checkout, "staging", {}, runtime=max(ENDS))
    queues = {
        "QueueUrl": f"{EMULATOR_URL}/orders-qa",
        "DeadLetterQueueUrl": f"{EMULATOR_URL}/orders-dlq-qa",
    }
    record_resources(checkout, "qa", outputs_of("qa") | queues)
    for name, text in LEFTOVERS.items():
        (checkout / name).parent.mkdir(exist_ok=True)
        (checkout / name).write_text(text)


def rename_stage(checkout: Path, old: str, new: str) -> None:
    """Do as docs/stages.md says, and take the old one out."""
    config = json.loads((checkout / CONFIG).read_text(encoding="utf-8"))
    settings = json.dumps(config["stages"].pop(old))
    config["stages"][new] = json.loads(settings.replace(old, new))
    (checkout / CONFIG).write_text(json.dumps(config), encoding="utf-8")
    for function in FUNCTIONS:
        policy = checkout / f".chalice/policy-{function}-{old}.json"
        text = with_other_stage(policy.read_text(encoding="utf-8"), old, new)
        policy.with_name(f"policy-{function}-{new}.json").write_text(text, encoding="utf-8")
        policy.unlink()


OTHERS: dict[str, Callable[[Path], None]] = {
    "recorded-large-batches-traced": record_take_large_batches_and_trace,
    "renamed-and-rehearsed": rename_stages_and_rehearse,
}
