"""A rule: one limit of AWS, and the call that it is checked on."""

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

Part = TypeVar("Part")


def _nobody_answers(_operation: str, **_parameters: Any) -> Mapping[str, Any]:
    return {}


@dataclass(frozen=True)
class Call:
    """
    A request of a client, before it is sent.

    What is no request is one too: a presigned URL (`s3.PresignedUrl`), a document of metrics
    (`cloudwatch.EmbeddedMetrics`), a line of a log (`logs.Line`) and the answer of a function
    (`lambda.Answer`).
    """

    service: str
    operation: str
    parameters: Mapping[str, Any]
    # Makes another request on the same client. An empty answer means that it can't be known.
    ask: Callable[..., Mapping[str, Any]] = _nobody_answers
    # The parts of it that rules have read already; see `read_once`.
    read: dict[str, list[Any]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.service}.{self.operation}"


def read_once(read: Callable[[Call], Iterable[Part]]) -> Callable[[Call], list[Part]]:
    """Read a part of a call once for all rules: most of their time goes into it."""

    @functools.wraps(read)
    def read_or_remember(call: Call) -> list[Part]:
        if read.__name__ not in call.read:
            call.read[read.__name__] = list(read(call))
        return call.read[read.__name__]

    return read_or_remember


# It says what is wrong with a call, or None.
Check = Callable[[Call], str | None]


def first(problems: Iterable[str | None]) -> str | None:
    """Return the first problem that there is."""
    return next(filter(None, problems), None)


@dataclass(frozen=True)
class Rule:
    """One limit of AWS."""

    name: str
    # AWS's page that sets the limit.
    source: str
    # The calls that it is checked on, as `service.Operation`.
    calls: tuple[str, ...]
    check: Check
    # AWS's code of the error. None: AWS takes the call, and loses something later.
    code: str | None
