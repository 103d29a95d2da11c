"""The language of the person who types a command."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from chalicelib.texts import ENGLISH, LANGUAGES, texts_in

if TYPE_CHECKING:
    from collections.abc import Mapping

# The first that is set counts, as POSIX has it.
VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")
FILE_TEXTS = texts_in(ENGLISH)
"""The texts of what a program or a file gets, which is one for all its readers."""


def readers_language(environment: Mapping[str, str]) -> str:
    """Choose the language of a locale such as es_ES.UTF-8: English where there is no other."""
    locale = next((environment[name] for name in VARIABLES if environment.get(name)), "")
    language = re.split("[_.@]", locale)[0].lower()
    return language if language in LANGUAGES else ENGLISH
