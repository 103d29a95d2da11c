"""The rules of the embedded metric format that the tests hold the log to."""

import copy
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.lambda_runtime.emf import problems_of

Line = dict[str, Any]
Break = Callable[[Line], object]


def line() -> Line:
    directive = {
        "Namespace": "Orders",
        "Dimensions": [["service"]],
        "Metrics": [{"Name": "OrdersReceived", "Unit": "Count"}],
    }
    directives = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]}
    return {"_aws": directives, "service": "orders", "OrdersReceived": [1.0]}


def directive_of(changed: Line) -> dict[str, Any]:
    directive: dict[str, Any] = changed["_aws"]["CloudWatchMetrics"][0]
    return directive


def test_a_line_that_keeps_the_rules_has_no_problem() -> None:
    assert problems_of(line()) == []
    assert problems_of({**line(), "OrdersReceived": 3}) == []


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda it: it["_aws"].update(Timestamp=int(time.time())), "not in milliseconds"),
        (lambda it: it["_aws"].update(CloudWatchMetrics=[]), "no CloudWatchMetrics"),
        (lambda it: directive_of(it).update(Namespace=""), "the namespace is ''"),
        (lambda it: directive_of(it).update(Namespace="AWS/Lambda"), "the namespace is"),
        (lambda it: it.pop("service"), "dimension service is None"),
        (lambda it: it.update(service=""), "dimension service is ''"),
        (lambda it: directive_of(it).update(Dimensions=[["service"] * 31]), "31 dimensions"),
        (lambda it: directive_of(it).update(Metrics=[]), "0 metrics"),
        (lambda it: it.pop("OrdersReceived"), "metric OrdersReceived is None"),
        (lambda it: it.update(OrdersReceived=[1.0] * 101), "metric OrdersReceived is"),
        (lambda it: it.update(OrdersReceived=["1"]), "metric OrdersReceived is ['1']"),
        (lambda it: directive_of(it)["Metrics"][0].update(Unit="Orders"), "is in 'Orders'"),
    ],
)
def test_a_line_that_breaks_a_rule_is_found(spoil: Break, problem: str) -> None:
    spoilt = copy.deepcopy(line())
    spoil(spoilt)

    (found,) = problems_of(spoilt)

    assert problem in found
