"""CloudFormation templates as Python objects, short forms such as !Sub included."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

# Parameters of the resources template.
VISIBILITY_TIMEOUT = "VisibilityTimeoutSeconds"
MAX_RECEIVE_COUNT = "MaxReceiveCount"
# Parameters of the resources template for an emulator, which can't make alarms on expressions.
EMULATOR_PARAMETERS = {"ExpressionAlarms": "off"}


# PyYAML's own is in Python. The other one takes a tenth of the time, where PyYAML has it.
_SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _TemplateLoader(_SafeLoader):  # type: ignore[misc, valid-type] # yaml is untyped
    """Reads !Sub, !GetAtt and their like as the objects that they are short for."""


def _short_form(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(cast("yaml.MappingNode", node), deep=True)
    if suffix in {"Ref", "Condition"}:
        return {suffix: value}
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {f"Fn::{suffix}": value}


_TemplateLoader.add_multi_constructor("!", _short_form)


def load_template(text: str) -> dict[str, Any]:
    """Load a template from YAML or JSON."""
    return cast("dict[str, Any]", yaml.load(text, Loader=_TemplateLoader))  # noqa: S506 (a SafeLoader)


def load_without_short_forms(text: str) -> dict[str, Any]:
    """Load a template that Chalice has made. A short form in it is an error."""
    return cast("dict[str, Any]", yaml.load(text, Loader=_SafeLoader))  # noqa: S506 (a SafeLoader)


def default_visibility_timeout_seconds(template: Mapping[str, Any]) -> int:
    """Return the visibility timeout that the queue has if none is given."""
    return int(template["Parameters"][VISIBILITY_TIMEOUT]["Default"])
