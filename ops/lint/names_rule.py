"""The rule of a stage's names: its settings and policies name nothing of another stage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalicelib.settings import DEFAULT_SERVICE, PRINCIPALS
from ops.lint.rule import rule
from ops.lint.stage import NamedText, statements_of
from ops.stage_mentions import stages_named_in
from ops.stage_names import service_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ops.lint.stage import StageSettings

OWN_NAMES = "own-names"
STAGE_TAG = "stage"
# IAM takes capital and small letters in the key of a condition for the same.
ALIASES = "kms:resourcealiases"
SERVICE, BUCKET = "ORDERS_SERVICE", "ORDERS_BUCKET"
# A function that isn't told another takes this one.
DEFAULTS = {SERVICE: DEFAULT_SERVICE}


def names_in_variables(where: str, stage: str, variables: Mapping[str, str]) -> Iterator[NamedText]:
    """Yield the settings of the app that name resources, or the stage's metrics."""
    for name, value in variables.items():
        if name == SERVICE:
            yield NamedText(f"{SERVICE} {where}", value or DEFAULT_SERVICE, service_name(stage))
        # The roles of channels may be called orders-NAME, and are no stage's.
        elif name.startswith("ORDERS_") and name != PRINCIPALS:
            # Any bucket may be called orders-NAME: as an ARN it says that it is one.
            text = f"arn:*:s3:::{value}" if name == BUCKET else value
            yield NamedText(f"{name} {where}", text)


def names_in_tags(where: str, stage: str, tags: Mapping[str, str]) -> Iterator[NamedText]:
    """Yield the tag that says the stage."""
    if STAGE_TAG in tags:
        yield NamedText(f"the tag {STAGE_TAG} {where}", tags[STAGE_TAG], stage)


def names_in_policy(where: str, policy: Mapping[str, Any]) -> Iterator[NamedText]:
    """Yield the resources that a policy reaches, and the aliases by which it reaches a key."""
    for statement in statements_of(policy):
        for named in (statement.get("Resource", []), *_aliases_in(statement)):
            for text in named if isinstance(named, list) else [named]:
                yield NamedText(where, str(text))


def _aliases_in(statement: Mapping[str, Any]) -> Iterator[Any]:
    for compared in statement.get("Condition", {}).values():
        yield from (compared[key] for key in compared if key.lower() == ALIASES)


@rule(
    OWN_NAMES,
    "Grant only what a task needs: each stage has policies and settings with its own names.",
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html#grant-least-privilege",
)
def _own_names(stage: StageSettings) -> Iterable[str]:
    gateway = stage.gateway
    if gateway.stages and stage.stage not in gateway.stages:
        found = ", ".join(sorted(gateway.stages))
        yield f"api_gateway_stage is {found}, and should be {stage.stage}"
    yield from foreign_names(stage.stage, stage.names)


def foreign_names(stage: str, names: Iterable[NamedText]) -> Iterator[str]:
    """Say which texts name another stage, one sentence for each place."""
    foreign: dict[str, list[str]] = {}
    for name in names:
        if name.expected is None:
            if _names_only_others(name.text, stage):
                foreign.setdefault(name.where, []).append(name.text)
        elif name.text != name.expected:
            yield f"{name.where} is {name.text}, and should be {name.expected}"
    for where, texts in foreign.items():
        yield f"{where} names another stage: {', '.join(dict.fromkeys(texts))}"


def _names_only_others(text: str, stage: str) -> bool:
    """
    Tell whether a text names a stage, and not this one.

    orders-dev-111122223333 names two: it is a bucket of dev, and may be a queue of another stage.
    """
    named = stages_named_in(text)
    return bool(named) and stage not in named


NAMES_RULES = (_own_names,)
