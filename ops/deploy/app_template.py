"""The template of the app's stack, from the one that Chalice has made."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import yaml
from chalice.package import TemplateDeepMerger

from chalicelib.settings import ACCEPTED_ONLY
from ops.deploy.parameter_values import unmet_need
from ops.deploy.problems import PackagingFailed
from ops.deploy.tracing import API, FUNCTION, complete_tracing
from ops.project import CONFIG, MERGE_TEMPLATE, OPTIONAL_MERGE_TEMPLATES
from ops.templates import load_template, load_without_short_forms

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# The parameter of the merge template that the API's resource policy is made of.
CALLERS = "OtherCallers"
# Of merge-template-events.yaml: the function and its parameter.
PUBLISHER, EVENTS_OF = "PublishEvents", "EventsOf"


def complete_template(template: Path, project: Path, parameters: Mapping[str, str]) -> None:
    """
    Complete Chalice's template in place.

    A function that only some stages have gets its part; the stage's own values become the
    defaults of the parameters, so that the stack needs no parameter to be deployed; the API names
    its callers of other accounts; and X-Ray is on for all of the stage, or for nothing of it.

    Raises:
        PackagingFailed: the template doesn't have one of the parameters, or refuses its value.
    """
    content = load_without_short_forms(template.read_text(encoding="utf-8"))
    if PUBLISHER in content["Resources"]:
        parameters = {**parameters, **_told(content["Resources"], parameters)}
    for name in OPTIONAL_MERGE_TEMPLATES:
        part = load_template((project / name).read_text(encoding="utf-8"))
        if part["Resources"].keys() <= content["Resources"].keys():
            content = TemplateDeepMerger().merge(part, content)
    _set_defaults(content.get("Parameters", {}), parameters)
    _note_callers(content)
    complete_tracing(content["Resources"])
    template.write_text(_as_yaml(content), encoding="utf-8")


def with_code_at(template: Path, bucket: str, key: str) -> str:
    """Write a template for an uploaded archive: all functions get their code there."""
    content = load_without_short_forms(template.read_text(encoding="utf-8"))
    for resource in content["Resources"].values():
        if resource["Type"] == FUNCTION:
            resource["Properties"]["CodeUri"] = {"Bucket": bucket, "Key": key}
    return _as_yaml(content)


def _told(functions: Mapping[str, Any], parameters: Mapping[str, str]) -> dict[str, str]:
    """Take the setting that the function has, for the parameter that its filter is made of."""
    if EVENTS_OF in parameters:
        raise PackagingFailed(
            f"template_parameters in {CONFIG} has {EVENTS_OF}: write it into resource_parameters."
        )
    variables = functions[PUBLISHER]["Properties"]["Environment"]["Variables"]
    return {EVENTS_OF: variables.get("ORDERS_EVENTS_OF") or ACCEPTED_ONLY}


def _set_defaults(parameters: dict[str, Any], values: Mapping[str, str]) -> None:
    unknown = values.keys() - parameters.keys() - {"Stage"}
    if unknown:
        raise PackagingFailed(
            f"template_parameters in {CONFIG} has {', '.join(sorted(unknown))}, which "
            f"{MERGE_TEMPLATE} does not have."
        )
    for name, value in values.items():
        if name not in parameters:
            continue
        needed = unmet_need(parameters[name], value)
        if needed:
            raise PackagingFailed(
                f"template_parameters in {CONFIG} has {value!r} as {name}: it has to be {needed}."
            )
        parameters[name]["Default"] = value


def _note_callers(content: dict[str, Any]) -> None:
    """
    Write the callers of other accounts into the description of the API.

    A changed policy takes effect with the next deployment of the API. SAM makes one only if the
    text of the definition changes, and the policy in it names the parameter, not its value.
    """
    callers = content["Parameters"][CALLERS]["Default"]
    for resource in content["Resources"].values():
        if callers and resource["Type"] == API:
            information = resource["Properties"]["DefinitionBody"]["info"]
            information["description"] = f"Callers of other accounts: {callers}"


def _as_yaml(content: Any) -> str:
    # CloudFormation refuses aliases, and YAML writes one where two places share an object. After a
    # trip through JSON none do.
    unshared = json.loads(json.dumps(content))
    text: str = yaml.safe_dump(unshared, sort_keys=False)
    return text
