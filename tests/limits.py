"""Limits on what must not grow unseen: who goes over one is told what it is for, and what to do."""

from typing import NamedTuple


class Limit(NamedTuple):
    """The most of something, where it stands, and what it protects."""

    most: int
    what: str
    name: str
    file: str
    protects: str
    afterwards: str = ""

    def require(self, found: int) -> None:
        """
        Hold a figure to the limit.

        Raises:
            AssertionError: it is over the limit. The message says what to do.
        """
        assert found <= self.most, self.said_of(found)

    def said_of(self, found: int) -> str:
        """Say what to do about a figure that is over the limit."""
        return (
            f"{self.what}: {found:,}, and {self.name} in {self.file} allows {self.most:,}. "
            f"It protects {self.protects}. Look first whether your change can do with less. "
            f"If it is worth what it costs, write {found:,} there, and why."
            + (f" Then {self.afterwards}." if self.afterwards else "")
        )
