"""Duplicates: orders that came in again, with the same terms, with others, or with other ids."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from chalicelib.http.parameters import audit_query
from chalicelib.orders.record import Status
from ops.console.bounded import read_newest
from ops.console.components import empty, heading, html, moment, notice, segments
from ops.console.listing import Listing, show_list
from ops.console.markup import join, tag
from ops.console.record_list import show_records
from ops.console.records import order_link
from ops.console.searching import MOST_READS, Searching
from ops.console.tables import Column
from ops.console.terms import differing_terms, term_cells, term_columns
from ops.desk.listed_terms import listed_terms
from ops.desk.masked_records import masked_record, masked_suspicion
from ops.desk.search import ANYTHING
from ops.desk.suspected import DEFAULT_WINDOW, compared_terms, suspected

if TYPE_CHECKING:
    from collections.abc import Sized
    from datetime import datetime

    from markupsafe import Markup

    from chalicelib.orders.record import Record
    from ops.console.markup import Child
    from ops.console.view import View
    from ops.desk.suspected import Suspicion

SHOWN = 100
KINDS = ("conflicts", "suspected", "all")


def show(view: View) -> None:
    """Build the page."""
    t = view.t
    kind = view.choice("show", KINDS)
    words = {name: t(f"duplicates.{name}") for name in KINDS}
    kinds = segments(view, t("duplicates.which"), "show", words, kind)
    html(heading(t("duplicates.title"), t(f"duplicates.{kind}_lead"), kinds))
    if kind == "all":
        query = audit_query({"isDuplicate": "true"}, view.now())
        show_records(view, query, t("duplicates.none"), t("duplicates.none_hint"))
    elif kind == "suspected":
        searching = Searching(view)
        show_list(view, lambda: _suspected(view, searching), loading=searching.show)
    else:
        show_list(view, lambda: _conflicts(view))


def _conflicts(view: View) -> Listing:
    """List the last seven days' duplicates that differ from the accepted order."""
    t = view.t
    query = audit_query({"status": Status.DUPLICATE.value}, view.now())
    duplicates, complete = read_newest(view.console.desk.orders, query)
    conflicts = [record for record in duplicates if record.differs]
    read = view.f.number(len(duplicates))
    return Listing(
        t("duplicates.conflicts"),
        columns=[
            Column(t("field.id")),
            Column(t("duplicates.differs")),
            *term_columns(view),
            Column(t("field.processed_at")),
            Column(t("field.submission")),
        ],
        rows=[_row(view, record) for record in conflicts[:SHOWN]],
        none=empty(t("duplicates.no_conflicts"), t("duplicates.no_conflicts_hint"))
        if complete
        else empty(t("state.none_so_far")),
        above=None if complete else notice(t("duplicates.sample", count=read)),
        below=_cut(view, conflicts),
    )


def _row(view: View, record: Record) -> list[Child]:
    record = masked_record(record)
    return [
        order_link(record.order_id),
        tag("strong", differing_terms(view, record)),
        *term_cells(view, listed_terms(record)),
        moment(view, record.processed_at),
        tag("code", record.submission_id[:13], title=record.submission_id, class_="nowrap"),
    ]


def _suspected(view: View, searching: Searching) -> Listing:
    """List orders of the last seven days that look like one that was handed in under two ids."""
    t = view.t
    query = audit_query({"status": Status.ACCEPTED.value}, view.now())
    bounds = searching.bounds(most_reads=MOST_READS)
    walk = searching.walk = view.console.desk.orders.search(query, ANYTHING, bounds)
    found = list(islice(suspected(walk, DEFAULT_WINDOW), SHOWN + 1))
    return Listing(
        t("duplicates.suspected"),
        columns=[
            Column(t("duplicates.orders")),
            Column(t("duplicates.count"), numeric=True),
            *term_columns(view, compared_terms()),
            Column(t("duplicates.first")),
            Column(t("duplicates.apart"), numeric=True),
        ],
        rows=[_suspicion_row(view, each) for each in found[:SHOWN]],
        none=empty(t("state.none_so_far"))
        if walk.stopped_at
        else empty(t("duplicates.none_suspected"), t("duplicates.none_suspected_hint")),
        above=_stopped(view, walk.stopped_at) if walk.stopped_at else None,
        below=_cut(view, found),
    )


def _cut(view: View, found: Sized) -> Child:
    """Say that a list is cut short, if it is."""
    if len(found) <= SHOWN:
        return None
    return notice(view.t("state.newest", count=view.f.number(SHOWN)))


def _stopped(view: View, moment: datetime) -> Markup:
    """Say how far the search came, and the command that goes through all of it."""
    command = view.console.desk.stage.command("duplicates", suspected=True)
    words = view.t("duplicates.read_to", moment=view.f.moment(moment), command=command)
    return notice(words)


def _suspicion_row(view: View, suspicion: Suspicion) -> list[Child]:
    suspicion = masked_suspicion(suspicion)
    links = [order_link(order.order_id) for order in suspicion.in_order]
    return [
        tag(
            "span",
            *[join(" " if number else None, link) for number, link in enumerate(links)],
            tag("span", " ", view.t("duplicates.unnamed", count=view.f.number(more)))
            if (more := suspicion.count - len(links))
            else None,
        ),
        view.f.number(suspicion.count),
        *term_cells(view, suspicion.terms, compared_terms()),
        moment(view, suspicion.first_at),
        view.f.duration((suspicion.last_at - suspicion.first_at).total_seconds()),
    ]
