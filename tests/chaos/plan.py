"""The plan of the orders that clients hand in: drawn from the seed alone, before anything runs."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from random import Random
from typing import Any

# How many of a hundred orders, about.
SHARES = {
    "new": 62,
    "resent": 10,
    "conflicting": 7,
    "invalid": 8,
    "corrected": 5,
    "unreadable": 8,
}
UNREADABLE = [
    b"",
    b"null",
    b'{"amount": 1}',
    b'{"id": "a/../b"}',
    b'{"id": "a", "id": "a"}',
    b"[" * 99,
]
# One client in so many keeps no key, and does not dare to try again.
WITHOUT_KEY = 10
# One client in so many hands a taken order in once more, as a client does that has crashed.
FORGETFUL = 20


@dataclass(frozen=True, slots=True)
class Handing:
    """One order that a client hands in, as often as it takes to get an answer."""

    kind: str
    order_id: str | None
    body: bytes
    # Its idempotency key; None: it is handed in once, whatever comes of it.
    key: str | None
    forgetful: bool

    @property
    def readable(self) -> bool:
        return self.kind != "unreadable"

    @property
    def sha256(self) -> str:
        return sha256(self.body).hexdigest()


def make_plan(seed: int, orders: int, clients: int) -> list[list[Handing]]:
    """Plan the orders of each client, in sequence. Clients hand in each other's orders too."""
    return _Planner(Random(seed)).plan(orders, clients)  # noqa: S311 (no secret)


class _Planner:
    def __init__(self, random: Random) -> None:
        self._random = random
        self._valid: list[dict[str, Any]] = []
        self._invalid: list[dict[str, Any]] = []

    def plan(self, orders: int, clients: int) -> list[list[Handing]]:
        plan: list[list[Handing]] = [[] for _ in range(clients)]
        for number in range(orders):
            kind = self._random.choices(list(SHARES), list(SHARES.values()))[0]
            self._random.choice(plan).append(self._handing(kind, number))
        return plan

    def _handing(self, kind: str, number: int) -> Handing:
        fields = self._fields(kind, number)
        body = self._unreadable(number) if fields is None else json.dumps(fields).encode()
        return Handing(
            kind=kind,
            order_id=None if fields is None else fields["id"],
            body=body,
            key=f"key-{number}" if self._random.randrange(WITHOUT_KEY) else None,
            forgetful=not self._random.randrange(FORGETFUL),
        )

    def _fields(self, kind: str, number: int) -> dict[str, Any] | None:
        match kind:
            case "unreadable":
                return None
            case "resent" if self._valid:
                return self._recent(self._valid)
            case "conflicting" if self._valid:
                return self._recent(self._valid) | {"amount": number + 0.5, "note": number}
            case "corrected" if self._invalid:
                return self._recent(self._invalid) | {"amount": number + 1, "channel": "web"}
            case "invalid":
                self._invalid.append(self._order(number) | {"amount": -number, "channel": "fax"})
                return self._invalid[-1]
            case _:
                self._valid.append(self._order(number))
                return self._valid[-1]

    def _recent(self, orders: Sequence[dict[str, Any]]) -> dict[str, Any]:
        # Choose one that was planned lately, so that both are under way at the same time.
        return self._random.choice(orders[-20:])

    def _order(self, number: int) -> dict[str, Any]:
        return {
            "id": f"chaos-{number}",
            "amount": self._random.randrange(1, 10**9) / 100,
            "fromAccount": str(self._random.randrange(10**9)),
            "toAccount": str(10**9 + self._random.randrange(10**9)),
            "channel": self._random.choice(["web", "mobile", "atm"]),
        }

    def _unreadable(self, number: int) -> bytes:
        # Spaces make each of them one of its own, and change nothing.
        body = self._random.choice(UNREADABLE)
        return body + b" " * number if body else body
