"""The terms of an order on a page: their names, their values, and their columns in a list."""

from __future__ import annotations

from decimal import Decimal
from itertools import groupby
from typing import TYPE_CHECKING

from chalicelib.orders.terms import TERMS
from ops.console.markup import tag
from ops.console.tables import Column

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from chalicelib.orders.record import Record
    from chalicelib.orders.terms import Terms
    from ops.console.markup import Child
    from ops.console.view import View


def term_value(view: View, terms: Terms, name: str) -> str:
    """Write the value of a term. One that has words of its own in the texts is these."""
    match terms[name]:
        case None:
            return "—"
        case Decimal() as amount:
            return view.f.amount(amount)
        case text:
            return value_words(view, name, text)


def value_words(view: View, name: str, value: str) -> str:
    """Write a value that a term has, such as a channel."""
    return view.t.or_else(f"value.{name}.{value}", value)


def differing_terms(view: View, record: Record) -> str:
    """Name the terms in which a duplicate differs from the accepted order."""
    return ", ".join(map(view.t.label, record.differs))


def term_columns(view: View, shown: Iterable[str] = TERMS) -> list[Column]:
    """Make a list's columns of terms. Masked ones that stand together share one: from → to."""
    return [Column(_heading(view, names), TERMS[names[0]].decimal) for names in _together(shown)]


def term_cells(view: View, terms: Terms, shown: Iterable[str] = TERMS) -> list[Child]:
    """Make the cells of these columns. The terms are masked already."""
    return [_cell([term_value(view, terms, name) for name in names]) for names in _together(shown)]


def _heading(view: View, names: Sequence[str]) -> str:
    # No-break spaces within a label: the heading breaks at an arrow only.
    return " → ".join(view.t.label(name).replace(" ", "\N{NO-BREAK SPACE}") for name in names)


def _cell(values: Sequence[str]) -> Child:
    return values[0] if len(values) == 1 else tag("span", " → ".join(values), class_="nowrap")


def _together(shown: Iterable[str]) -> list[list[str]]:
    alike = groupby(shown, lambda name: TERMS[name].masked or name)
    return [list(names) for _, names in alike]
