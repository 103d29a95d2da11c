"""A CloudFormation template with its parameters filled in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ops.templates import load_template

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PSEUDO_PARAMETERS = {
    "AWS::AccountId": "000000000000",
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::NoValue": None,
}


class Template:
    """
    A CloudFormation template, its parameters filled in.

    It knows the functions that these templates use; what is known only once there is a resource
    stays `{"Ref": ...}`, or its ARN's name.
    """

    def __init__(self, path: Path, **parameters: str) -> None:
        content = load_template(path.read_text(encoding="utf-8"))
        defaults = {
            name: parameter.get("Default") for name, parameter in content["Parameters"].items()
        }
        self._values = {**PSEUDO_PARAMETERS, **defaults, **parameters}
        self._conditions = content.get("Conditions", {})
        self._globals = content.get("Globals", {})
        self._functions: dict[str, Callable[[Any], Any]] = {
            "Ref": self._ref,
            "Fn::If": self._if,
            # CloudFormation compares text: a parameter's 0 is "0".
            "Fn::Equals": lambda pair: str(self.resolve(pair[0])) == str(self.resolve(pair[1])),
            "Fn::Not": lambda one: not self.resolve(one[0]),
            "Fn::Or": lambda several: any(self.resolve(each) for each in several),
            "Fn::And": lambda several: all(self.resolve(each) for each in several),
            "Condition": self._condition,
            "Fn::Sub": self._sub,
            "Fn::Split": lambda pair: self.resolve(pair[1]).split(pair[0]),
            "Fn::GetAtt": self._get_attribute,
        }
        self._raw = content["Resources"]
        self.resources: dict[str, dict[str, Any]] = {
            name: self.resolve(resource) for name, resource in self._raw.items()
        }

    def resolve(self, node: Any) -> Any:
        """Fill in all of a node that can be known."""
        if isinstance(node, list):
            return [self.resolve(each) for each in node]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            ((name, argument),) = node.items()
            if name in self._functions:
                return self._functions[name](argument)
        resolved = {name: self.resolve(value) for name, value in node.items()}
        # AWS::NoValue: as if the property were not there.
        return {name: value for name, value in resolved.items() if value is not None}

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        """Return the properties of all resources of a type."""
        return {
            name: resource["Properties"]
            for name, resource in self.resources.items()
            if resource["Type"] == kind
        }

    def globals_of(self, kind: str) -> dict[str, Any]:
        """Return what the template says for all SAM resources of a kind, as `Api`."""
        found: dict[str, Any] = self._globals.get(kind, {})
        return found

    def _ref(self, name: str) -> Any:
        return self._values.get(name, {"Ref": name})

    def _if(self, argument: list[Any]) -> Any:
        condition, then, otherwise = argument
        return self.resolve(then if self.resolve(self._conditions[condition]) else otherwise)

    def _condition(self, name: Any) -> Any:
        # A policy's statement has a member of this name, too.
        known = isinstance(name, str) and name in self._conditions
        return self.resolve(self._conditions[name]) if known else {"Condition": name}

    def _sub(self, argument: Any) -> str:
        text, own = (argument, {}) if isinstance(argument, str) else argument
        values = {**self._values, **self.resolve(own)}
        return re.sub(
            r"\$\{([A-Za-z0-9:.]+)\}", lambda found: str(values.get(found[1], found[0])), text
        )

    def _get_attribute(self, argument: Any) -> str:
        name, attribute = argument.split(".", 1) if isinstance(argument, str) else argument
        if (self._raw[name]["Type"], attribute) == ("AWS::SQS::Queue", "Arn"):
            return self._sub(
                "arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:"
                + self._sub(self.resolve(self._raw[name]["Properties"]["QueueName"]))
            )
        return f"{name}.{attribute}"
