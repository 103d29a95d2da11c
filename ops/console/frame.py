"""The frame around every page: the way to the others, the switches, and the keys' help."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, NamedTuple

from nicegui import ui

from chalicelib.texts import LANGUAGES
from ops.console.markup import join, tag
from ops.console.view import LANGUAGE_COOKIE, THEME_COOKIE, THEMES

if TYPE_CHECKING:
    from markupsafe import Markup

    from ops.console.view import View


class Place(NamedTuple):
    """A page that the navigation leads to, by `g` and its key. Its words are `KEY.title`."""

    key: str
    path: str
    shortcut: str
    icon: str


PLACES = (
    Place("overview", "/", "v", "M3 12h4l3 8 4-16 3 8h4"),
    Place("orders", "/orders", "o", "M8 6h13M8 12h13M8 18h13M3 6h.01M3 12h.01M3 18h.01"),
    Place("duplicates", "/duplicates", "d", "M9 9h11v11H9zM5 15H4V4h11v1"),
    Place("rejected", "/rejected", "r", "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM9 9l6 6M15 9l-6 6"),
    Place("dead_letters", "/dead-letters", "l", "M4 5h16v14H4zM4 6l8 7 8-7"),
    Place("try_it", "/try-it", "t", "M5 4l14 8-14 8z"),
    Place("audit", "/audit", "a", "M6 3h9l4 4v14H6zM9 12h7M9 16h7"),
    Place("seals", "/seals", "s", "M12 3l7 3v5c0 5-3 8-7 10-4-2-7-5-7-10V6zM9 12l2 2 4-4"),
    Place("health", "/health", "h", "M12 20s-8-5-8-11a4 4 0 0 1 8-2 4 4 0 0 1 8 2c0 6-8 11-8 11z"),
)


def show_frame(view: View, title: str, active: str) -> None:
    """Put the frame around the page that is being built, and set its title and language."""
    client = ui.context.client
    page = copy.copy(client.page)
    page.language = "es" if view.t.language == "es" else "en-US"
    client.page = page
    ui.page_title(f"{title} · {view.t('frame.product')} {view.console.stage}")
    # As plain text: NiceGUI puts it beside text that is no Markup, which would be escaped then.
    ui.add_head_html(
        str(
            join(
                tag(
                    "link",
                    rel="stylesheet",
                    href=f"/assets/console.css?{view.console.asset_version}",
                ),
                # Not deferred: the theme is set before anything is drawn.
                tag(
                    "script",
                    src=f"/assets/console.js?{view.console.asset_version}",
                    id="console-js",
                    data_theme=view.theme,
                ),
            )
        )
    )
    ui.add_body_html(str(join(_skip_link(view), _top(view, active), _help(view))))


def icon(path: str) -> Markup:
    """Make a drawing for the eye only: words stand beside it."""
    drawing = tag("path", d=path)
    return tag("svg", drawing, viewBox="0 0 24 24", class_="icon", aria_hidden="true")


def places(view: View) -> list[Place]:
    """List the pages that this stage has: orders are tried out where no customer's are."""
    return [place for place in PLACES if place.key != "try_it" or view.console.may_try]


def _skip_link(view: View) -> Markup:
    return tag("a", view.t("frame.skip"), href="#content", class_="skip")


def _top(view: View, active: str) -> Markup:
    return tag(
        "header",
        tag(
            "a",
            icon("M4 7h11l5 5-5 5H4l4-5z"),
            tag("span", view.t("frame.product")),
            tag("span", view.console.stage, class_=f"stage {_stage_class(view)}"),
            href="/",
            class_="brand",
        ),
        tag(
            "details",
            tag("summary", icon("M4 7h16M4 12h16M4 17h16"), view.t("frame.menu")),
            tag("div", _navigation(view, active, narrow=True), _switches(view), class_="sheet"),
            class_="menu",
        ),
        tag("div", _navigation(view, active, narrow=False), _switches(view), class_="side"),
        class_="frame",
    )


def _stage_class(view: View) -> str:
    return "safe" if view.console.may_try else "live"


def _navigation(view: View, active: str, *, narrow: bool) -> Markup:
    return tag(
        "nav",
        tag(
            "ul",
            *[
                tag(
                    "li",
                    tag(
                        "a",
                        icon(place.icon),
                        tag("span", view.t(f"{place.key}.title")),
                        href=place.path,
                        data_shortcut=None if narrow else place.shortcut,
                        aria_current="page" if place.key == active else None,
                    ),
                )
                for place in places(view)
            ],
        ),
        aria_label=view.t("frame.pages"),
    )


def _switches(view: View) -> Markup:
    return tag(
        "div",
        _switch(
            view.t("frame.language"),
            LANGUAGE_COOKIE,
            {name: view.t(f"frame.languages.{name}") for name in LANGUAGES},
            view.t.language,
        ),
        _switch(
            view.t("frame.theme"),
            THEME_COOKIE,
            {name: view.t(f"frame.themes.{name}") for name in THEMES},
            view.theme,
        ),
        tag(
            "button",
            tag("kbd", "?"),
            view.t("frame.keys"),
            type="button",
            data_opens="keys",
            class_="plain",
        ),
        class_="switches",
    )


def _switch(label: str, cookie: str, choices: dict[str, str], chosen: str) -> Markup:
    """Make buttons of which one is pressed. console.js keeps the choice in a cookie."""
    return tag(
        "div",
        *[
            tag(
                "button",
                words,
                type="button",
                data_cookie=cookie,
                data_value=value,
                aria_pressed="true" if value == chosen else "false",
                lang=value if cookie == LANGUAGE_COOKIE else None,
            )
            for value, words in choices.items()
        ],
        role="group",
        aria_label=label,
        class_="switch",
    )


def _help(view: View) -> Markup:
    keys = [
        ("/", view.t("frame.key_search")),
        ("j k", view.t("frame.key_rows")),
        ("Enter", view.t("frame.key_open")),
        *[(f"g {place.shortcut}", view.t(f"{place.key}.title")) for place in places(view)],
        ("?", view.t("frame.key_help")),
    ]
    return tag(
        "dialog",
        tag("h2", view.t("frame.keys"), id="keys-title"),
        tag("dl", *[join(tag("dt", tag("kbd", key)), tag("dd", words)) for key, words in keys]),
        tag(
            "form",
            tag("button", view.t("frame.close"), class_="button"),
            method="dialog",
            class_="actions",
        ),
        id="keys",
        aria_labelledby="keys-title",
    )
