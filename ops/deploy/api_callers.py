"""Callers of other accounts: what the API's definition has to say of them beside its policy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from pathlib import Path

# The parameter of infrastructure/merge-template.yaml that the API's policy is made of.
PARAMETER = "OtherCallers"


def note_callers(template: Path) -> None:
    """
    Write the callers into the description of the API.

    A changed policy takes effect with the next deployment of the API. SAM makes one only if the
    text of the definition changes, and the policy in it names the parameter, not its value.
    """
    content: dict[str, Any] = yaml.safe_load(template.read_text(encoding="utf-8"))
    callers = content["Parameters"][PARAMETER]["Default"]
    if not callers:
        return
    for resource in content["Resources"].values():
        if resource.get("Type") == "AWS::Serverless::Api":
            information = resource["Properties"]["DefinitionBody"]["info"]
            information["description"] = f"Callers of other accounts: {callers}"
    template.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
