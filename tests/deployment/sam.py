"""AWS's own SAM transform, which CloudFormation runs over the packaged template."""

import json
import subprocess
from typing import Any

import yaml

from ops.deploy.packaging import PackagedApp
from ops.local.emulator import EMULATOR_PYTHON

# The emulator's environment has aws-sam-translator: the tests need no second one.
TRANSLATE = """
import json, sys
import boto3
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
session = boto3.session.Session(region_name="us-east-1")
translator = Translator({}, Parser(), boto_session=session)
json.dump(translator.translate(json.load(sys.stdin), {}), sys.stdout)
"""


def translated(packaged: PackagedApp) -> dict[str, Any]:
    """Apply the SAM transform to a packaged template. Return the resources that it makes."""
    uploaded = yaml.safe_load(packaged.template_with_code_at("code", "deployment.zip"))
    done = subprocess.run(
        [str(EMULATOR_PYTHON), "-c", TRANSLATE],
        input=json.dumps(uploaded),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    resources: dict[str, Any] = json.loads(done.stdout)["Resources"]
    return resources


def of_type(resources: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """Return the properties of all resources of a type."""
    return [r["Properties"] for r in resources.values() if r["Type"] == kind]
