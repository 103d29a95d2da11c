"""The parts of a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nicegui import ui

from ops.console.markup import Child, join, tag
from ops.console.view import address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from markupsafe import Markup

    from ops.console.view import View


def html(*children: Child, element: str = "div") -> ui.html:
    """Add HTML made with `tag` to the page, in an element around it. A bare string is text."""
    return ui.html(str(join(*children)), sanitize=False, tag=element)


def refill(shown: ui.html, *children: Child) -> None:
    """Put other content in the place of what `html` has made; nothing is sent if it is the same."""
    if shown.content != str(join(*children)):
        shown.set_content(str(join(*children)))


def button(words: str, on_click: Callable[[], Any], classes: str = "button") -> ui.element:
    """Add a button that calls Python."""
    element = ui.element("button").props('type="button"').classes(classes)
    with element:
        html_text(words)
    element.on("click", lambda _: on_click(), args=[])
    return element


def html_text(words: str) -> ui.element:
    """Add bare words, without a paragraph around them."""
    return html(tag("span", words), element="span")


def heading(words: str, lead: str, *tools: Child) -> Markup:
    """Make a page's title, its purpose, and beside them the tools."""
    return join(
        tag("div", tag("h1", words), tag("div", *tools, class_="tools"), class_="heading"),
        tag("p", lead, class_="lead"),
    )


def segments(
    view: View, label: str, parameter: str, choices: Mapping[str, str], chosen: str
) -> Markup:
    """Link to the page with each choice of a parameter. `choices` has the words of each."""
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
    """Say that there is nothing to show."""
    return tag(
        "div", tag("p", words), tag("p", hint, class_="muted") if hint else None, class_="empty"
    )


def notice(words: Child, kind: str = "info") -> Markup:
    """Make a sentence that stands out: `info`, `good`, `warn` or `bad`."""
    return tag("p", words, class_=f"notice {kind}")


def facts(pairs: Iterable[tuple[str, Child]]) -> Markup:
    """List names and values."""
    return tag(
        "dl",
        *[tag("div", tag("dt", name), tag("dd", value)) for name, value in pairs],
        class_="facts",
    )


def moment(view: View, when: Any) -> Markup:
    """Show a time in UTC, and on hover how long ago it was."""
    return tag(
        "time",
        view.f.moment(when),
        datetime=when.isoformat(),
        title=view.f.ago(when, view.now()),
    )


def copy_button(words: str, text: str, done: str) -> Markup:
    """Make a button that copies a text, by console.js."""
    return tag("button", words, type="button", class_="button", data_copies=text, data_done=done)
