"""Forms: their fields, and the data that they are sent with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from nicegui import ui

from ops.console.markup import Child, tag

if TYPE_CHECKING:
    from markupsafe import Markup

    from ops.console.view import View

FORM_FIELDS = """(event) => {
    event.preventDefault();
    emit([...new FormData(event.target, event.submitter)]);
}"""


class FormData:
    """The fields that a form was sent with."""

    def __init__(self, fields: Iterable[Sequence[str]]) -> None:
        self._fields = [(name, value) for name, value in fields]

    def get(self, name: str) -> str:
        """Return the field's value without blanks around it, "" if there is none."""
        return next((value for field, value in self._fields if field == name), "").strip()

    def raw(self, name: str) -> str:
        """Return the field's value, exactly."""
        return next((value for field, value in self._fields if field == name), "")

    def all(self, name: str) -> list[str]:
        return [value for field, value in self._fields if field == name]


OnSubmit = Callable[[FormData], Awaitable[None] | None]


def form(on_submit: OnSubmit, classes: str = "") -> ui.element:
    """Add a form. Its fields, and the button that was pressed, come to `on_submit`."""
    element = ui.element("form").classes(classes)
    element.on(
        "submit",
        lambda event: on_submit(FormData(event.args)),
        js_handler=FORM_FIELDS,
    )
    return element


def select(view: View, name: str, label: str, choices: Iterable[tuple[str, str]]) -> Markup:
    """Make a labelled choice of a parameter of the page's address. The first one is any."""
    chosen = view.parameters.get(name, "")
    return tag(
        "label",
        tag("span", label),
        tag(
            "select",
            *[
                tag("option", words, value=value, selected=value == chosen)
                for value, words in (("", view.t("orders.any")), *choices)
            ],
            name=name,
        ),
    )


def text_input(name: str, label: str, value: str = "", **attributes: Any) -> Markup:
    """Make a labelled field for a line of text."""
    return tag(
        "label",
        tag("span", label),
        tag("input", name=name, value=value, autocomplete="off", **attributes),
    )


def filters(view: View, *fields: Child) -> Markup:
    """Make a form of filters, which end up in the page's address."""
    return tag(
        "form",
        *fields,
        tag("button", view.t("orders.apply"), class_="primary"),
        class_="filters",
        role="search",
        action=view.path,
    )
