"""Numbers, times and durations as people read them, in the console's languages."""

from datetime import datetime
from decimal import Decimal

from chalicelib.texts import Texts

MINUTE, HOUR, DAY = 60, 3600, 86400
SEPARATORS = {"en": (",", "."), "es": (".", ",")}


class Formats:
    """How one language writes figures. All times are shown in UTC, as the records keep them."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self._thousands, self._decimal = SEPARATORS[texts.language]

    def number(self, value: float, decimals: int = 0) -> str:
        return self._localised(f"{value:,.{decimals}f}")

    def amount(self, value: Decimal) -> str:
        return self._localised(f"{value:,.2f}")

    def percent(self, part: float, whole: float) -> str:
        share = 100 * part / whole if whole else 0.0
        # "0 %" would say that there is none, and "100 %" that there is nothing else.
        if part and share < 0.1:  # noqa: PLR2004
            return "<" + self._localised("0.1") + " %"
        if part != whole and share > 99.9:  # noqa: PLR2004
            return ">" + self._localised("99.9") + " %"
        return self.number(share, 0 if share in (0, 100) else 1) + " %"

    def moment(self, moment: datetime) -> str:
        return moment.strftime("%Y-%m-%d %H:%M:%S")

    def clock(self, moment: datetime) -> str:
        return moment.strftime("%H:%M:%S")

    def ago(self, moment: datetime, now: datetime) -> str:
        seconds = max(0.0, (now - moment).total_seconds())
        return self._texts("format.ago", duration=self.duration(seconds))

    def duration(self, seconds: float) -> str:
        """Write a duration in the unit that says it best: 84 ms, 1.2 s, 3 min, 2 h, 5 d."""
        if seconds < 1:
            return f"{seconds * 1000:.0f} ms"
        if seconds < MINUTE:
            return f"{self.number(seconds, 1 if seconds < 10 else 0)} s"  # noqa: PLR2004
        if seconds < HOUR:
            return f"{seconds / MINUTE:.0f} min"
        if seconds < 2 * DAY:
            return f"{seconds / HOUR:.0f} h"
        return self._texts("format.days", days=self.number(seconds / DAY))

    def _localised(self, english: str) -> str:
        swap = {",": self._thousands, ".": self._decimal}
        return "".join(swap.get(character, character) for character in english)
