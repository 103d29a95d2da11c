"""HTML from Python, in which nothing that an order says can ever be more than text."""

from collections.abc import Callable, Iterable

from markupsafe import Markup, escape

from ops.terminal.visible import visible_lines

Child = str | Markup | None | Iterable["str | Markup | None"]
Attribute = str | int | bool | None

VOID = {"br", "hr", "input", "img", "meta", "link"}
# The HTML parser drops a line break that comes first in these.
LOSES_A_LINE_BREAK = {"pre", "textarea"}
# Its text comes back as it is sent: nothing in it may be written otherwise.
EDITED = "textarea"


def tag(element: str, /, *children: Child, **attributes: Attribute) -> Markup:
    """
    Make an element. Text in it is escaped; a child that is None is left out.

    Characters that a reader can't see, or that turn round what stands beside them, are written
    as `visible` writes them, but in the text that a form sends back.

    Attributes are written with underscores (`class_`, `aria_label`); True has no value, and None
    or False leaves an attribute out.
    """
    opened = Markup("<{}{}>").format(element, _attributes(attributes))
    if element in VOID:
        return opened
    shown = str if element == EDITED else visible_lines
    content = Markup("").join(_flat(children, shown))
    if element in LOSES_A_LINE_BREAK and content.startswith("\n"):
        opened += Markup("\n")
    return opened + content + Markup("</{}>").format(element)


def join(*children: Child) -> Markup:
    """Put children side by side, with nothing around them."""
    return Markup("").join(_flat(children, visible_lines))


def _flat(children: Iterable[Child], shown: Callable[[str], str]) -> Iterable[Markup]:
    for child in children:
        if isinstance(child, Markup):
            yield child
        elif isinstance(child, str):
            yield escape(shown(child))
        elif child is not None:
            yield from _flat(child, shown)


def _attributes(attributes: dict[str, Attribute]) -> Markup:
    written = Markup("")
    for name, value in attributes.items():
        if value is None or value is False:
            continue
        spelt = name.rstrip("_").replace("_", "-")
        if value is True:
            written += Markup(" {}").format(spelt)
        else:
            written += Markup(' {}="{}"').format(spelt, str(value))
    return written
