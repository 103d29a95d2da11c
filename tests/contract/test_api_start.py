"""The benchmark of the API's start compares the same answers of both sides."""

from collections.abc import Iterator

import pytest

from benchmarks.api_start import BARE, MODULES, ROUTES, App, record_order
from benchmarks.processes import FakeAws, environment


@pytest.fixture(scope="module")
def fake_aws() -> Iterator[FakeAws]:
    with FakeAws(at_once=True) as aws:
        yield aws


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("side", MODULES)
def test_each_side_answers_each_route_with_one_order(
    fake_aws: FakeAws, side: str, route: str
) -> None:
    fake_aws.reset()
    record_order(fake_aws.url)
    given = environment(fake_aws.url, _HANDLER="app.app")

    with App(MODULES[side], given) as app:
        app.first(route)
        app.answer(route, times=2)

    calls = fake_aws.reset()["calls"]
    assert calls.pop("DynamoDB PutItem") == 1
    assert calls == ({"SQS SendMessage": 3} if route.startswith("POST") else {"DynamoDB Query": 3})


def test_an_answer_that_is_not_the_expected_one_ends_the_benchmark(fake_aws: FakeAws) -> None:
    fake_aws.reset()
    given = environment(fake_aws.url)

    with App(MODULES[BARE], given) as app, pytest.raises(RuntimeError, match="404, not 200"):
        app.first("GET /orders/{orderId}")
