"""A fifth field of an order is seen on the console, with no change to the console."""

from collections.abc import Mapping
from typing import Any

import pytest

from chalicelib.orders.record import Record, Status
from chalicelib.orders.terms import TERMS, Term
from ops.console.pages.order.comparison import comparison
from ops.console.pages.order.summary import summary
from ops.console.pages.order.timeline import timeline
from ops.console.terms import term_cells, term_columns
from ops.desk.masked_records import masked_record
from ops.desk.masking import mask
from tests.builders import START, order_text, submission
from tests.unit.test_console_order import history, unmasked, view_in

MADE_UP = "reference"


@pytest.fixture(params=[False, True], ids=["plain", "masked"])
def shown(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, str]:
    """Add the made-up field, masked or not; say how each of its values is shown."""
    masked: bool = request.param
    rule = Term(lambda _, value: (value, []), masked=masked)
    monkeypatch.setitem(TERMS, MADE_UP, rule)
    return {value: mask(value) if masked else value for value in ("invoice-17", "<b>invoice-8")}


def recorded(reference: str, **changes: Any) -> Record:
    record = Record.of_first(submission(order_text(reference=reference)), START)
    return record._replace(**changes)


def test_a_new_term_is_in_the_summary_of_the_order(shown: Mapping[str, str]) -> None:
    page = summary(view_in(), masked_record(recorded("invoice-17")))

    assert f"<dt>{MADE_UP}</dt><dd>{shown['invoice-17']}</dd>" in page


def test_a_new_term_is_compared_with_the_accepted_orders(shown: Mapping[str, str]) -> None:
    order, other = recorded("invoice-17"), recorded("<b>invoice-8")

    page = comparison(view_in(), order, [other], masked_record)

    row = page[page.index(f">{MADE_UP}</td>") :]
    row = row[: row.index("</tr>")]
    assert shown["invoice-17"] in row
    assert shown["<b>invoice-8"].replace("<", "&lt;").replace(">", "&gt;") in row
    assert 'class="changed"' in row
    assert "&lt;b&gt;invoice-8" in comparison(view_in(), order, [other], unmasked)


@pytest.mark.usefixtures("shown")
def test_a_new_term_is_named_where_it_differs() -> None:
    duplicate = recorded("invoice-8", status=Status.DUPLICATE, differs=(MADE_UP,))

    page = timeline(view_in(), history(duplicate), masked_record)

    assert f"differs from the accepted one in: {MADE_UP}" in page


def test_a_new_term_has_a_column_in_the_lists(shown: Mapping[str, str]) -> None:
    view, terms = view_in(), recorded("invoice-17").terms.masked(mask)

    columns = [column.heading.replace("\N{NO-BREAK SPACE}", " ") for column in term_columns(view)]
    cells = dict(zip(columns, term_cells(view, terms), strict=True))

    assert columns[:3] == ["Amount", "From account → To account", "Channel"]
    assert columns[-1] == MADE_UP
    assert cells[MADE_UP] == shown["invoice-17"]
