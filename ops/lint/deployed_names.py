"""Names in the settings, the tags and the policies of a deployed stage's functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops.lint.names_rule import DEFAULTS, names_in_policy, names_in_tags, names_in_variables
from ops.stage_names import api_function_name, processor_name, publisher_name, sealer_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ops.lint.clients import StageClients
    from ops.lint.stage import NamedText


def read_names(clients: StageClients, stage: str) -> tuple[NamedText, ...]:
    """Read what the functions of a stage name: not every stage has the last two."""
    names = (api_function_name, processor_name, publisher_name, sealer_name)
    return tuple(each for name in names for each in _names_of(clients, stage, name(stage)))


def _names_of(clients: StageClients, stage: str, function: str) -> Iterator[NamedText]:
    functions = clients.of("lambda")
    try:
        found = functions.get_function_configuration(FunctionName=function)
    except functions.exceptions.ResourceNotFoundException:
        return
    where = f"of function {function}"
    variables = found.get("Environment", {}).get("Variables", {})
    yield from names_in_variables(where, stage, DEFAULTS | variables)
    tags = functions.list_tags(Resource=found["FunctionArn"]).get("Tags", {})
    yield from names_in_tags(where, stage, tags)
    yield from _names_in_policies(clients, found["Role"].rsplit("/", 1)[1])


def _names_in_policies(clients: StageClients, role: str) -> Iterator[NamedText]:
    iam = clients.of("iam")
    for page in iam.get_paginator("list_role_policies").paginate(RoleName=role):
        for policy in page.get("PolicyNames", []):
            found = iam.get_role_policy(RoleName=role, PolicyName=policy)
            yield from names_in_policy(f"policy {policy} of role {role}", found["PolicyDocument"])
