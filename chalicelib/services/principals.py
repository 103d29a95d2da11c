"""
Principals: who calls the API, and for which channel.

A stage may map callers to channels, and name readers. Then a channel is who calls, whatever a body
says. The table is entries parted by white space, each `NAME=PATTERN`: a channel's name or `reader`,
and an ARN in which `*` stands for anything but `/` and `:`.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Self

from chalicelib.orders.record import Record
from chalicelib.orders.terms import CHANNELS

READER = "reader"
# Stands for whoever calls without a signature.
ANONYMOUS = "anonymous"
NAMES = (*CHANNELS, READER)
# The ARNs of roles and users, as IAM and API Gateway write them. A comma at the wrong place, before
# another ARN, is told by its colons.
PATTERN = re.compile(
    r"arn:(?P<partition>aws[a-z-]*|\*):(?P<service>iam|sts)::(?P<account>[0-9]{12}|\*)"
    r":(?P<kind>role|user|assumed-role|federated-user)/(?P<name>[!-9;-~]*[!-.0-9;-~])"
)
FEDERATED = "federated-user"
SERVICE_OF_KIND = {
    "role": "iam",
    "user": "iam",
    "assumed-role": "sts",
    FEDERATED: "sts",
}
ADVICE = (
    "write CHANNEL=ARN or reader=ARN, with the ARN of a role or a user, as in "
    "web=arn:aws:iam::111122223333:role/orders-web"
)


class BadPrincipals(ValueError):
    """A table of principals can't be used: the message says which entry, and what to do."""


class Forbidden(PermissionError):
    """The stage maps callers to channels, and does not let this one do what it asks."""

    def __init__(self, principal: str) -> None:
        super().__init__(principal)
        self.principal = principal


class CallerUnknown(Forbidden):
    """The caller is of no channel, and may read nothing, or only read."""

    def __init__(self, principal: str, *, reads: bool = False) -> None:
        super().__init__(principal)
        self.reads = reads


class ChannelNotYours(Forbidden):
    """A caller of one channel names another one."""

    def __init__(self, principal: str, channel: str, named: str) -> None:
        super().__init__(principal)
        self.channel = channel
        self.named = named


class Caller(NamedTuple):
    """
    Who calls, and what this stage lets them do.

    `restricted`: the stage maps callers. Otherwise everyone who may call may do all.
    """

    arn: str | None = None
    channel: str | None = None
    reads_all: bool = True
    restricted: bool = False

    @property
    def principal(self) -> str:
        """The caller without the session of an assumed role: the owner of idempotency keys."""
        return ANONYMOUS if self.arn is None else principal_of(self.arn)

    @property
    def sees_only(self) -> str | None:
        """The channel whose records alone the caller may read; None: all of them."""
        return None if self.reads_all else self.channel

    def sees(self, record: object) -> bool:
        """Say whether the caller may read what a list holds: of an unreadable one nobody knows."""
        if self.reads_all:
            return True
        return isinstance(record, Record) and record.channel == self.channel

    def require_channel(self) -> None:
        """
        Refuse a caller who may hand in nothing.

        Raises:
            CallerUnknown: the stage maps callers, and this one to no channel.
        """
        if self.restricted and self.channel is None:
            raise CallerUnknown(self.principal, reads=self.reads_all)

    def require_reader(self) -> None:
        """
        Refuse a caller who may read nothing.

        Raises:
            CallerUnknown: the stage maps callers, and this one is none of them.
        """
        if not self.reads_all and self.channel is None:
            raise CallerUnknown(self.principal)

    def require_own(self, named: str | None) -> None:
        """
        Refuse a channel that is named, and not the caller's, where the stage maps callers.

        Raises:
            ChannelNotYours: it is another one.
        """
        if self.restricted and self.channel and named and named != self.channel:
            raise ChannelNotYours(self.principal, self.channel, named)


ANYONE = Caller()
"""A caller of whom nothing is known, on a stage that maps none."""


class Entry(NamedTuple):
    """
    One entry of the table, as it was written, and the pattern that it stands for.

    A role's ARN stands for the ARN of whoever has assumed it.
    """

    text: str
    name: str
    pattern: str

    @property
    def wide_parts(self) -> list[str]:
        """Name what the pattern leaves open of where a caller is from."""
        _, partition, _, _, account, _ = self.pattern.split(":")
        parts = {"partition": partition, "account": account}
        return [name for name, part in parts.items() if part == "*"]

    def matches(self, principal: str) -> bool:
        return re.fullmatch(_regular(self.pattern), principal) is not None


class Principals:
    """A stage's table: the callers of each channel, and the readers."""

    def __init__(self, entries: Sequence[Entry] = ()) -> None:
        self.entries = entries

    @classmethod
    def parse(cls, text: str | None) -> Self:
        """
        Read a table; none, or an empty one, maps nobody.

        Raises:
            BadPrincipals: an entry can't be used.
        """
        if not text:
            return cls()
        entries = [_entry(each) for each in text.split()]
        if not entries:
            raise BadPrincipals(f"it has white space only: leave it out, or {ADVICE}")
        return cls(entries)

    def caller(self, arn: str | None) -> Caller:
        """Say who a caller is. The first entry of a channel that matches is the caller's."""
        if not self.entries:
            return Caller(arn)
        names = list(self._names_of(arn))
        channels = [name for name in names if name != READER]
        return Caller(arn, channels[0] if channels else None, READER in names, restricted=True)

    def _names_of(self, arn: str | None) -> Iterator[str]:
        if arn is None:
            return
        principal = principal_of(arn)
        yield from (entry.name for entry in self.entries if entry.matches(principal))


def principal_of(arn: str) -> str:
    """
    Leave the session's name out of an assumed role's ARN.

    The name changes from instance to instance of a channel, and the caller chooses it.
    """
    return arn.rsplit("/", 1)[0] if ":assumed-role/" in arn else arn


def _entry(text: str) -> Entry:
    name, separator, pattern = text.partition("=")
    if not separator:
        raise BadPrincipals(f"{text!r} has no =: {ADVICE}")
    if name not in NAMES:
        raise BadPrincipals(f"{text!r} is for {name!r}, which is none of {', '.join(NAMES)}")
    parts = PATTERN.fullmatch(pattern)
    if not parts or SERVICE_OF_KIND[parts["kind"]] != parts["service"]:
        raise BadPrincipals(f"{text!r} has no ARN of a role or a user: {ADVICE}")
    return Entry(text, name, _as_called(text, pattern, parts))


def _as_called(text: str, pattern: str, parts: re.Match[str]) -> str:
    """Write a pattern as API Gateway writes the callers that it stands for."""
    kind, name = parts["kind"], parts["name"]
    if kind == FEDERATED:
        # "GetFederationToken" in the STS API reference: its caller chooses the name.
        raise BadPrincipals(
            f"{text!r} names a federated user, whose name is chosen by whoever asks STS for it: "
            "let these callers assume a role, and write the role's ARN"
        )
    if kind == "assumed-role" and "/" in name:
        raise BadPrincipals(
            f"{text!r} names a session: leave out what follows the role's name, since a caller is "
            "compared without it"
        )
    if kind != "role":
        return pattern
    path, _, role = name.rpartition("/")
    if path and "*" in role:
        # It would stand for roles of every path: the caller's ARN does not have it.
        raise BadPrincipals(
            f"{text!r} has a path and a * in the role's name: whoever assumed a role is seen "
            "without its path, so write the whole name, or leave out the path"
        )
    return f"arn:{parts['partition']}:sts::{parts['account']}:assumed-role/{role}"


def _regular(pattern: str) -> str:
    return "[^/:]*".join(map(re.escape, pattern.split("*")))
