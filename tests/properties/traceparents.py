"""Texts that a sender may give as its `traceparent`: well-formed ones, and any other."""

from hypothesis import strategies as st

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"

well_formed = st.from_regex(
    r"(00|0[1-9a-f]|cc)-[0-9a-f]{31}[1-9]-[0-9a-f]{15}[1-9]-0[0-3]", fullmatch=True
)
mutilated = st.builds(
    lambda text, at, more: text[:at] + more + text[at + 1 :],
    well_formed,
    st.integers(0, 60),
    st.text(max_size=2),
)
any_texts = well_formed | mutilated | st.text(max_size=80)
# Header values as a server lets them through: visible ASCII, blanks and bytes over 127.
header_texts = any_texts.map(
    lambda text: "".join(each for each in text if " " <= each <= "\xff" and each != "\x7f")
)
