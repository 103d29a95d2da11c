"""The console's words beside the shared ones, and the language that a reader gets them in."""

from functools import cache
from pathlib import Path

from chalicelib.texts import FOLDER as SYSTEM_FOLDER
from chalicelib.texts import LANGUAGES, Texts, preferred_language
from ops.texts import FOLDER as SHARED_FOLDER

FOLDER = Path(__file__).parent


@cache
def texts_in(language: str) -> Texts:
    """Return the console's words, the commands' and the system's, in one of LANGUAGES."""
    return Texts(language, SYSTEM_FOLDER, SHARED_FOLDER, FOLDER)


def chosen_language(cookie: str | None, accept_language: str) -> str:
    """Choose the language that was chosen on the console, else the browser's."""
    return cookie if cookie in LANGUAGES else preferred_language(accept_language)
