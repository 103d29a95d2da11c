"""HTML from Python, in which nothing that an order says can ever be more than text."""

from collections.abc import Iterable

from markupsafe import Markup, escape

Child = str | Markup | None | Iterable["str | Markup | None"]
Attribute = str | int | bool | None

VOID = {"br", "hr", "input", "img", "meta", "link"}


def tag(element: str, /, *children: Child, **attributes: Attribute) -> Markup:
    """
    Make an element. Text in it is escaped; a child that is None is left out.

    Attributes are written with underscores (`class_`, `aria_label`); True has no value, and None
    or False leaves an attribute out.
    """
    opened = Markup("<{}{}>").format(element, _attributes(attributes))
    if element in VOID:
        return opened
    return opened + join(*children) + Markup("</{}>").format(element)


def join(*children: Child) -> Markup:
    """Put children side by side, with nothing around them."""
    return Markup("").join(_flat(children))


def _flat(children: Iterable[Child]) -> Iterable[Markup]:
    for child in children:
        if isinstance(child, str):
            yield escape(child)
        elif child is not None:
            yield from _flat(child)


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
