"""The rule of X-Ray: on for the whole way of an order, or for nothing of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops.lint.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ops.lint.stage import StageSettings


@rule(
    "tracing",
    "A trace shows the parts of an application for which X-Ray is on.",
    "https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-enabling-xray.html",
)
def _tracing(stage: StageSettings) -> Iterable[str]:
    is_on = {
        "API Gateway": stage.gateway.traced,
        "the API function": stage.api.traced,
        "the processor": stage.processor.traced,
    }
    on = [name for name, traced in is_on.items() if traced]
    off = [name for name, traced in is_on.items() if not traced]
    if on and off:
        yield (
            f"X-Ray is on for {' and '.join(on)}, and off for {' and '.join(off)}: a trace lacks a "
            "part of the way (`xray` of the stage; `chalice deploy` never turns a function's off "
            "again)"
        )


TRACING_RULES = (_tracing,)
