"""The two actions on dead letters: redrive and discard."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ops.desk.dead_letters import DEFAULT_PER_SECOND

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from ops.console.forms import FormData
    from ops.desk.dead_letters import DeadLetters
    from ops.desk.letters import Handled, Plan


class Action(NamedTuple):
    """
    An action: `handle` carries out a plan, with the fields of the form that confirmed it.

    Its words in the texts are `dead_letters.NAME`, `dead_letters.NAME_plan` and so on.
    """

    name: str
    button: str
    needs_reason: bool
    has_rate: bool
    handle: Callable[[DeadLetters, Plan, FormData], Generator[Handled]]


def _redrive(letters: DeadLetters, plan: Plan, confirmed: FormData) -> Generator[Handled]:
    rate = confirmed.get("rate")
    per_second = float(rate) if rate.isdigit() and int(rate) else DEFAULT_PER_SECOND
    return letters.redrive(plan, why=confirmed.get("why"), per_second=per_second)


def _discard(letters: DeadLetters, plan: Plan, confirmed: FormData) -> Generator[Handled]:
    return letters.discard(plan, why=confirmed.get("why"))


REDRIVE = Action("redrive", "primary", needs_reason=False, has_rate=True, handle=_redrive)
DISCARD = Action("discard", "danger", needs_reason=True, has_rate=False, handle=_discard)
ACTIONS = {action.name: action for action in (REDRIVE, DISCARD)}
