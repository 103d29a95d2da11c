"""The caller's `traceparent` goes with each order that it hands in, and changes no answer."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import gateway_event, lines_event, order_text
from tests.fakes import SentMessage
from tests.http.conftest import Api, post_lines, running
from tests.http.test_errors import lines_of
from tests.properties.traceparents import PARENT, TRACE, TRACEPARENT, header_texts

OTHER = TRACEPARENT.replace("4bf9", "4bf8")
LATER = f"cc-{TRACE}-{PARENT}-01-more"


@pytest.fixture(scope="module")
def lasting() -> Iterator[Api]:
    with running() as api:
        yield api


def event_with(*sent: str, **changes: Any) -> dict[str, Any]:
    """Make the event of an order with these headers, as API Gateway hands them on."""
    event = gateway_event("POST", "/orders", body=order_text(), **changes)
    if sent:
        event["headers"]["TraceParent"] = sent[-1]
        event["multiValueHeaders"]["TraceParent"] = list(sent)
    return event


def carried_by(sent: Sequence[SentMessage]) -> set[str | None]:
    return {message.attributes.get("traceparent") for message in sent}


def test_an_order_takes_the_callers_traceparent_along(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    api.post(order_text(), traceparent=TRACEPARENT)

    (line,) = lines_of(caplog)
    assert carried_by(api.queue.sent) == {TRACEPARENT}
    assert line["traceId"] == TRACE


def test_each_line_of_a_batch_takes_that_of_its_request_along(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    body = f"{order_text('order-1')}\n{order_text('order-2')}\n[]".encode()

    api.invoke(lines_event(body, headers={"traceparent": TRACEPARENT}))

    (line,) = lines_of(caplog)
    assert len(api.queue.sent) == 2
    assert carried_by(api.queue.sent) == {TRACEPARENT}
    assert line["traceId"] == TRACE


def test_an_order_without_one_has_no_such_attribute(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    api.post(order_text())
    post_lines(api, order_text("order-2"))

    assert not any("traceparent" in message.attributes for message in api.queue.sent)
    assert not any("traceId" in line for line in lines_of(caplog))


@pytest.mark.parametrize(
    ("sent", "carried"),
    [
        ([TRACEPARENT], TRACEPARENT),
        ([f" \t{TRACEPARENT} "], TRACEPARENT),
        ([LATER], TRACEPARENT),
        ([TRACEPARENT, TRACEPARENT], None),
        ([TRACEPARENT, OTHER], None),
        ([f"{TRACEPARENT}, {OTHER}"], None),
        (["00-1111111-7777777-01"], None),
        ([""], None),
    ],
)
def test_two_of_them_or_a_bad_one_are_as_none(
    api: Api, caplog: pytest.LogCaptureFixture, sent: list[str], carried: str | None
) -> None:
    plain = api.invoke(event_with())
    answer = api.invoke(event_with(*sent))

    written = json.dumps(lines_of(caplog))
    assert answer["statusCode"] == plain["statusCode"] == 202
    assert api.queue.sent[1].attributes.get("traceparent") == carried
    assert ("traceId" in written) is (carried is not None)
    assert "1111111" not in written


@pytest.mark.parametrize("path", ["/orders/order-001", "/health", "/orders"])
def test_the_line_of_any_request_names_the_trace(
    api: Api, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    api.get(path, traceparent=TRACEPARENT)

    assert lines_of(caplog)[-1]["traceId"] == TRACE


def test_a_refused_order_is_found_by_its_trace_too(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    answer = api.post("[]", traceparent=TRACEPARENT)

    (line,) = lines_of(caplog)
    assert answer.status == 400
    assert (line["traceId"], line["status"]) == (TRACE, 400)


@given(st.lists(header_texts, max_size=3), st.sampled_from([order_text(), "[]", "{}"]))
def test_no_header_text_whatever_changes_the_answer(
    lasting: Api, sent: list[str], body: str
) -> None:
    lasting.queue.sent.clear()

    plain = lasting.invoke({**event_with(), "body": body})
    answer = lasting.invoke({**event_with(*sent), "body": body})

    assert without_ids(answer) == without_ids(plain)
    sent_by_each = [
        (message.body, {**message.attributes, "submissionId": "", "traceparent": ""})
        for message in lasting.queue.sent
    ]
    assert sent_by_each[:1] == sent_by_each[1:]
    assert carried_by(lasting.queue.sent[:1]) <= {None}


def without_ids(answer: dict[str, Any]) -> dict[str, Any]:
    return {**answer, "body": re.sub(r"id-[0-9]+", "id", answer["body"])}
