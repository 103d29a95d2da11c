"""The parts that pages are made of."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from botocore.exceptions import BotoCoreError, ClientError
from nicegui import ui

from chalicelib.unavailable import StoreUnavailable
from ops.console.markup import Child, join, tag
from ops.console.view import address

if TYPE_CHECKING:
    from markupsafe import Markup

    from chalicelib.submissions import Record
    from ops.console.view import View

Found = TypeVar("Found")

# What a stage that can't be reached, or credentials that don't suffice, make of a read.
FAILURES = (StoreUnavailable, BotoCoreError, ClientError)

FORM_FIELDS = """(event) => {
    event.preventDefault();
    emit([...new FormData(event.target, event.submitter)]);
}"""


class FormData:
    """What a form was sent with."""

    def __init__(self, fields: Iterable[Sequence[str]]) -> None:
        self._fields = [(name, value) for name, value in fields]

    def get(self, name: str) -> str:
        """The field's value without blanks around it, "" if there is none."""
        return next((value for field, value in self._fields if field == name), "").strip()

    def raw(self, name: str) -> str:
        """The field's value, exactly."""
        return next((value for field, value in self._fields if field == name), "")

    def all(self, name: str) -> list[str]:
        return [value for field, value in self._fields if field == name]


OnSubmit = Callable[[FormData], Awaitable[None] | None]


def html(*children: Child) -> ui.html:
    """HTML made with `tag`, as a part of the page."""
    return ui.html(str(join(*children)), sanitize=False)


def form(on_submit: OnSubmit, classes: str = "") -> ui.element:
    """A form whose fields, and the button that was pressed, come to `on_submit`."""
    element = ui.element("form").classes(classes)
    element.on(
        "submit",
        lambda event: on_submit(FormData(event.args)),
        js_handler=FORM_FIELDS,
    )
    return element


def loaded(
    view: View, read: Callable[[], Found], show: Callable[[Found], None]
) -> Callable[[], Awaitable[None]]:
    """
    A part of the page that is read once the page is there. Returns what reads it anew.

    It says that it loads; or that it could not be read, with a button to try again.
    """
    area = ui.element("div").classes("loaded").props('aria-live="polite" aria-busy="true"')
    with area:
        loading(view)

    async def load() -> None:
        try:
            found = await view.fetch(read)
        except FAILURES as error:
            area.clear()
            with area:
                failed(view, error, load)
        else:
            area.clear()
            with area:
                show(found)
        area.props('aria-busy="false"')

    ui.timer(0, load, once=True)
    return load


def loading(view: View) -> None:
    """The part is on its way."""
    html(tag("p", tag("span", class_="spinner", aria_hidden="true"), view.t("state.loading")))


def failed(view: View, error: Exception, again: Callable[[], Awaitable[None]]) -> None:
    """The part could not be read: what to do, and what it was."""
    with ui.element("div").classes("notice bad").props('role="alert"'):
        html(
            tag("strong", view.t("state.failed")),
            tag("p", view.t("state.failed_hint", stage=view.console.stage)),
            tag("p", tag("code", str(error))),
        )
        button(view.t("state.again"), again)


def button(words: str, on_click: Callable[[], Any], classes: str = "button") -> ui.element:
    """A button that calls Python."""
    element = ui.element("button").props('type="button"').classes(classes)
    with element:
        html_text(words)
    element.on("click", lambda _: on_click(), args=[])
    return element


def html_text(words: str) -> ui.element:
    """Bare words, without a paragraph around them."""
    return ui.html(str(tag("span", words)), sanitize=False, tag="span")


def heading(words: str, lead: str, *tools: Child) -> Markup:
    """What a page is called and is for, and beside it what can be chosen or done."""
    return join(
        tag("div", tag("h1", words), tag("div", *tools, class_="tools"), class_="heading"),
        tag("p", lead, class_="lead"),
    )


def segments(
    view: View, label: str, parameter: str, choices: Mapping[str, str], chosen: str
) -> Markup:
    """Links to the page with each choice of a parameter. `choices` has the words of each."""
    links = [
        tag(
            "a",
            words,
            href=address(view.path, {parameter: name}),
            aria_current="true" if name == chosen else None,
        )
        for name, words in choices.items()
    ]
    return tag("nav", *links, class_="segments", aria_label=label)


def empty(words: str, hint: str = "") -> Markup:
    """There is nothing to show, said in words."""
    return tag(
        "div", tag("p", words), tag("p", hint, class_="muted") if hint else None, class_="empty"
    )


def notice(words: Child, kind: str = "info") -> Markup:
    """A sentence that stands out: `info`, `good`, `warn` or `bad`."""
    return tag("p", words, class_=f"notice {kind}")


class Column(NamedTuple):
    """A table's column: its heading, and whether it holds figures."""

    heading: str
    numeric: bool = False
    hidden_heading: bool = False


def table(
    caption: str,
    columns: Sequence[Column],
    rows: Iterable[Sequence[Child]],
    classes: str = "",
) -> Markup:
    """
    A table, which console.css makes a list of cards on a narrow screen.

    Roles are given, since a table that is not laid out as one is none to a screen reader.
    """
    headings = [
        tag(
            "th",
            tag("span", column.heading, class_="unseen")
            if column.hidden_heading
            else column.heading,
            scope="col",
            role="columnheader",
            class_="num" if column.numeric else None,
        )
        for column in columns
    ]
    return tag(
        "table",
        tag("caption", caption),
        tag("thead", tag("tr", *headings, role="row"), role="rowgroup"),
        tag("tbody", *[_row(columns, row) for row in rows], role="rowgroup"),
        role="table",
        class_=f"cards {classes}".strip(),
    )


def _row(columns: Sequence[Column], cells: Sequence[Child]) -> Markup:
    return tag(
        "tr",
        *[
            tag(
                "td",
                cell,
                role="cell",
                data_label=None if column.hidden_heading else column.heading,
                class_="num" if column.numeric else None,
            )
            for column, cell in zip(columns, cells, strict=True)
        ],
        role="row",
    )


def facts(pairs: Iterable[tuple[str, Child]]) -> Markup:
    """Names and values."""
    return tag(
        "dl",
        *[tag("div", tag("dt", name), tag("dd", value)) for name, value in pairs],
        class_="facts",
    )


def outcome(view: View, record: Record) -> Markup:
    """What became of a submission, in a word, a colour, and what else there is to know."""
    kind = "conflict" if record.differs else record.status.value.lower()
    corrected = record.is_duplicate and record.status.value == "ACCEPTED"
    return join(
        tag("span", view.t(f"outcome.{kind}"), class_=f"badge {kind}"),
        tag("span", view.t("outcome.correction"), class_="badge also") if corrected else None,
        tag("span", view.t("outcome.id_seen"), class_="badge also")
        if record.is_duplicate and record.status.value == "REJECTED"
        else None,
    )


def moment(view: View, when: Any) -> Markup:
    """A time in UTC, and how long ago it was for whoever points at it."""
    return tag(
        "time",
        view.f.moment(when),
        datetime=when.isoformat(),
        title=view.f.ago(when, view.now()),
    )


def error_words(view: View, field: str, code: str) -> Markup:
    """A broken rule of an order: the field, and what is wrong with it."""
    return join(tag("code", field), " ", view.t.or_else(f"error.{code}", code))


def select(
    name: str, label: str, choices: Iterable[tuple[str, str]], chosen: str, **attributes: Any
) -> Markup:
    """A labelled choice; its first choice stands for any."""
    return tag(
        "label",
        tag("span", label),
        tag(
            "select",
            *[
                tag("option", words, value=value, selected=value == chosen)
                for value, words in choices
            ],
            name=name,
            **attributes,
        ),
    )


def text_input(name: str, label: str, value: str = "", **attributes: Any) -> Markup:
    """A labelled field for a line of text."""
    return tag(
        "label",
        tag("span", label),
        tag("input", name=name, value=value, autocomplete="off", **attributes),
    )


class Dialog:
    """A modal dialog. What is in it is made anew each time that it opens."""

    def __init__(self, title: str) -> None:
        self._element = ui.element("dialog").props(f"aria-label={json.dumps(title)}")
        self._title = title

    def open(self, build: Callable[[], None]) -> None:
        self._element.clear()
        with self._element:
            html(tag("h2", self._title))
            build()
        self._run("if (!it.open) it.showModal()")

    def close(self) -> None:
        self._run("it.close()")

    def _run(self, code: str) -> None:
        with self._element:
            ui.run_javascript(f"const it = getHtmlElement({self._element.id}); {code}")


def copy_button(words: str, text: str, done: str) -> Markup:
    """A button that copies a text, by console.js."""
    return tag("button", words, type="button", class_="button", data_copies=text, data_done=done)
