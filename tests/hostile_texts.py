"""Texts that whoever shows them must take for text: markup, control characters, forged lines."""

import re

from ops.terminal.visible import visible

MARKUP = (
    "[/x]",
    "[red]y",
    "[link=http://x.example]y[/link]",
    "[object Object]",
    ":bomb:",
    "\\[x]",
    "[/]",
    "<b onclick=x>&amp;",
)
CONTROLS = (
    "\x1b[31mred",
    "\x1b[2J\x1b[1;1H",
    "\x1b]8;;http://x.example\x1b\\y\x1b]8;;\x1b\\",
    "\x9b31m",
    "a\nb",
    "a\tb",
    "a\rb",
    "a\x08\x08b",
    "a\u202eb",
    "a\u200bb",
    "a\u2028b",
    "\ufeffa",
    "a\x00b",
    "a\x7fb",
)
HOSTILE = MARKUP + CONTROLS
# SQS takes no other control characters, in a message as in its attributes.
REFUSED_BY_SQS = re.compile(r"[^\t\n\r\x20-\uffff]")
# Short enough to be quoted whole, and few enough to fill a stage with.
IN_ONE = (
    "[/x] [red]y [/] :bomb: \\[x]",
    "[object Object] [link=http://x.example]y[/link]",
    "<b onclick=x>&amp; \x9b31m a\tb a\rb a\nb",
    "a\u202eb a\u200bb a\u2028b \ufeffa a\x7fb",
    "\x1b[31mred \x1b[2J\x1b[1;1H a\x08\x08b",
    "\x1b]8;;http://x.example\x1b\\y\x1b]8;;\x1b\\",
)


def shown(text: str) -> str:
    """Write a hostile text as a reader is to see it."""
    return visible(text)
