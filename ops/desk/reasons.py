"""The reasons that operators give for what they do: the audit trail keeps them for good."""

from __future__ import annotations

MAX_REASON_CHARACTERS = 500


class BadReason(ValueError):
    """
    A reason that the audit trail does not take: the message says why.

    `problem` is `blank`, `too_long` or `characters`, for whoever says it in another language.
    """

    def __init__(self, problem: str, message: str) -> None:
        super().__init__(message)
        self.problem = problem


def reason_of(text: str, *, needed: bool = False) -> str:
    """
    Read a reason: on one line, without blanks around it. It may be empty unless it is `needed`.

    Raises:
        BadReason: it is blank, too long, or has characters that can't be seen.
    """
    reason = " ".join(text.split())
    if needed and not reason:
        raise BadReason("blank", "a reason is needed, and this one is blank")
    if len(reason) > MAX_REASON_CHARACTERS:
        raise BadReason(
            "too_long",
            f"the reason has {len(reason):,} characters: {MAX_REASON_CHARACTERS} at most",
        )
    if not reason.isprintable():
        raise BadReason("characters", "the reason has characters that can't be seen")
    return reason
