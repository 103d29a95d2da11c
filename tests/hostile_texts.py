"""Texts that whoever shows them must take for text: markup, control characters, forged lines."""

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
SENT_BY_SQS = tuple(
    text for text in HOSTILE if not any(ord(it) < ord(" ") and it not in "\t\n\r" for it in text)
)


def shown(text: str) -> str:
    """Write a hostile text as a reader is to see it."""
    return visible(text)
