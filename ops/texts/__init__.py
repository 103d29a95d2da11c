"""Words that the commands and the console share, beside the system's own."""

from functools import cache
from pathlib import Path

from chalicelib.texts import FOLDER as SYSTEM_FOLDER
from chalicelib.texts import Texts

FOLDER = Path(__file__).parent


@cache
def texts_in(language: str) -> Texts:
    """Return these words and the system's, in one of LANGUAGES."""
    return Texts(language, SYSTEM_FOLDER, FOLDER)
