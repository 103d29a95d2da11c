"""Rules and notices of who may call: the table of principals, and the room that it has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.services.principals import READER, BadPrincipals, Principals
from chalicelib.settings import PRINCIPALS
from ops.lint.rule import LAMBDA_DOCS, rule
from ops.stage_names import LOCAL_STAGE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ops.lint.stage import StageSettings

MOST_BYTES_OF_VARIABLES = 4_096
# Here anyone may try what any channel does.
STAGES_FOR_TRYING = {"dev", LOCAL_STAGE}


@rule(
    "principals",
    "Grant least privilege: map each caller to one channel, by the ARN of its role.",
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html#grant-least-privilege",
)
def _principals(stage: StageSettings) -> Iterable[str]:
    try:
        table = Principals.parse(stage.api.variables.get(PRINCIPALS))
    except BadPrincipals as error:
        yield f"{PRINCIPALS}: {error}; the API answers nobody until then"
        return
    for pattern, names in _names_by_pattern(table).items():
        channels = [name for name in names if name != READER]
        if len(set(channels)) > 1:
            listed = ", ".join(channels)
            yield f"{PRINCIPALS} has {pattern} for {listed}: only {channels[0]} counts"
        if len(set(names)) < len(names):
            yield f"{PRINCIPALS} has {pattern} for the same name twice"


@rule(
    "environment-variables",
    "All environment variables of a function have 4 KB together.",
    f"{LAMBDA_DOCS}/gettingstarted-limits.html",
)
def _environment_variables(stage: StageSettings) -> Iterable[str]:
    for name, function in {"API": stage.api, "processor": stage.processor}.items():
        size = sum(len(f"{key}{value}".encode()) for key, value in function.variables.items())
        if size > MOST_BYTES_OF_VARIABLES:
            yield (
                f"those of the {name} function have {size:,} bytes, and Lambda takes "
                f"{MOST_BYTES_OF_VARIABLES:,}: in {PRINCIPALS}, one * may stand for several names"
            )


def _names_by_pattern(table: Principals) -> dict[str, list[str]]:
    names: dict[str, list[str]] = {}
    for entry in table.entries:
        names.setdefault(entry.pattern, []).append(entry.name)
    return names


def notices(stage: StageSettings) -> Iterator[str]:
    """Say what a stage's table of callers means that nobody may have meant. It breaks no rule."""
    table = _table_of(stage)
    if table is not None and not table.entries and stage.stage not in STAGES_FOR_TRYING:
        yield (
            f"{PRINCIPALS} is not set: every caller whom IAM lets in may hand in orders as any "
            "channel, and reads the orders of all channels (docs/stages.md, Channels)"
        )
    for entry in table.entries if table else ():
        if entry.wide_parts:
            wide = " and any ".join(entry.wide_parts)
            yield f"{PRINCIPALS}: {entry.text} lets in callers of any {wide}: name yours"


def _table_of(stage: StageSettings) -> Principals | None:
    """Read the table; None if it is bad, which breaks a rule."""
    try:
        return Principals.parse(stage.api.variables.get(PRINCIPALS))
    except BadPrincipals:
        return None


PRINCIPALS_RULES = (_principals, _environment_variables)
