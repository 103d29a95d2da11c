"""A `traceparent` is carried in the one form that W3C Trace Context, level 1, knows, or not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.orders.traceparent import trace_id_of, well_formed_traceparent

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
USUAL = f"00-{TRACE}-{PARENT}-01"


@pytest.mark.parametrize("flags", ["00", "01", "02", "ff"])
def test_one_of_the_known_version_is_carried_as_it_is(flags: str) -> None:
    text = f"00-{TRACE}-{PARENT}-{flags}"

    assert well_formed_traceparent(text) == text
    assert trace_id_of(text) == TRACE


@pytest.mark.parametrize(
    ("text", "carried"),
    [
        (f"01-{TRACE}-{PARENT}-01", USUAL),
        (f"fe-{TRACE}-{PARENT}-03", USUAL),
        (f"cc-{TRACE}-{PARENT}-02", f"00-{TRACE}-{PARENT}-00"),
        (f"cc-{TRACE}-{PARENT}-01-what-the-future-will-be-like", USUAL),
        (f"cc-{TRACE}-{PARENT}-01-", USUAL),
        (f"cc-{TRACE}-{PARENT}-01-\n\ud800", USUAL),
    ],
)
def test_what_a_later_version_says_is_written_in_the_known_one(text: str, carried: str) -> None:
    assert well_formed_traceparent(text) == carried


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        USUAL.upper(),
        USUAL[:-1],
        f"{USUAL}0",
        f"{USUAL}-",
        f"{USUAL}-more",
        f"{USUAL}\n",
        f" {USUAL}",
        f"{USUAL}, {USUAL}",
        f"cc-{TRACE}-{PARENT}-01.more",
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE[:-1]}g-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-0x",
        USUAL.replace("-", "_"),
        USUAL.replace("4", "\uff14"),
        f"0-{TRACE}-{PARENT}-01",
        "x" * 250_000,
    ],
)
def test_any_other_text_is_none(text: str) -> None:
    assert well_formed_traceparent(text) is None


@given(st.text() | st.from_regex(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?"))
def test_what_is_carried_is_carried_on_unchanged(text: str) -> None:
    carried = well_formed_traceparent(text)

    if carried is not None:
        assert len(carried) == len(USUAL)
        assert well_formed_traceparent(carried) == carried
        assert trace_id_of(carried) == text.split("-")[1]
