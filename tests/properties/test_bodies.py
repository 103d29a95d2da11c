"""Bodies over HTTP: what is queued is what was sent, byte for byte, on AWS as on any server."""

import json
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.builders import gateway_event, order_text
from tests.http.conftest import Api, running

PARTS = order_text(note="?").encode().split(b"?")

notes = st.binary(max_size=20) | st.text(max_size=20).map(
    lambda text: text.encode(errors="surrogatepass")
)
bodies = st.binary() | notes.map(lambda note: note.join(PARTS))


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    with running() as api:
        yield api


@given(body=bodies)
@example(body=b"\xff".join(PARTS))
@example(body="\ufffd".encode().join(PARTS))
@example(body=b"\\ufffd".join(PARTS))
@example(body="\ufffd".encode() + b"\xff")
@example(body=b"\xff".join(PARTS) + b"\xe2\x82")
def test_an_order_is_queued_byte_for_byte_or_refused(api: Api, body: bytes) -> None:
    """API Gateway hands a body on as text, in which U+FFFD stands for what is not UTF-8."""
    api.queue.sent.clear()
    answer = api.post(body)
    queued = [sent.body.encode() for sent in api.queue.sent]

    api.queue.sent.clear()
    event = gateway_event("POST", "/orders", body=body.decode(errors="replace"))
    on_aws = api.invoke(event)

    assert queued == ([body] if answer.status == 202 else [])
    assert [sent.body.encode() for sent in api.queue.sent] == queued
    said = json.loads(on_aws["body"])
    if answer.status == 202:
        # The one part that says where the API is.
        assert said.pop("submissionUrl") == f"/dev{answer.body.pop('submissionUrl')}"
    assert (on_aws["statusCode"], said) == (answer.status, answer.body)
