"""Text in a CSV cell, in which a spreadsheet finds nothing to compute."""

import re

# A spreadsheet takes for a cell of its own what follows a semicolon (where the comma is the decimal
# sign), a tab or a line break: https://owasp.org/www-community/attacks/CSV_Injection
_CELL_BEGINS = r"(?:^|(?<=[;\t\r\n]))"
# It computes a cell that begins with one of these, or with its full-width form. Some take blanks,
# quotes and characters without a width off before they look.
_IS_FORMULA = r"""(?=[\s\x00-\x1f"'\u200b\u2060\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20])"""
_IS_BLANK_FIRST = r"^(?='*[\t\r\n])"
_FORMULA = re.compile(f"{_CELL_BEGINS}{_IS_FORMULA}|{_IS_BLANK_FIRST}")


def without_formulas(text: str) -> str:
    """
    Put an apostrophe before each place of a text that a spreadsheet would compute.

    It is put before such a place even if an apostrophe is there already. So whoever imports the
    file can take exactly one off again; docs/operators.md shows how.
    """
    return _FORMULA.sub("'", text)
