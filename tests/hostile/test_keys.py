"""An object's key stays under its order's prefix, whatever a message says of itself."""

import json
import posixpath
import re
import string

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.services.cursors import encode_cursor
from chalicelib.services.message import Message
from chalicelib.services.processing import Processor
from chalicelib.services.queries import Queries
from tests.builders import Clock, order_fields, sqs_message
from tests.fakes import FakeArchive, FakeQueue, FakeRecordStore, FakeReporter

KEY = re.compile(r"orders/(?P<order>[A-Za-z0-9._-]{1,64})/[A-Za-z0-9._-]{1,128}-[0-9a-f]{64}\.json")

# Ids that are ids, ids that climb, and anything else.
ids = st.one_of(
    st.text(string.ascii_letters + string.digits + "._-", min_size=1, max_size=64),
    st.lists(st.sampled_from(["..", ".", "/", "%2e", "\\", "a", "\0", "\n", "~"])).map("".join),
    st.text(),
)


class System:
    """A processor over fakes."""

    def __init__(self) -> None:
        self.records, self.archive = FakeRecordStore(), FakeArchive()
        self.clock = Clock()

    def process(self, *messages: Message) -> None:
        Processor(
            records=self.records,
            archive=self.archive,
            queue=FakeQueue(),
            reporter=FakeReporter(),
            clock=self.clock,
        ).process_batch(messages)


@given(order_id=ids, submission_id=ids, note=st.text())
def test_a_key_never_leaves_its_orders_prefix(order_id: str, submission_id: str, note: str) -> None:
    system = System()
    body = json.dumps(order_fields(order_id, note=note))

    system.process(sqs_message(body, submissionId=submission_id))

    for key in system.archive.objects:
        match = KEY.fullmatch(key)
        assert match, key
        assert match["order"] == order_id
        assert posixpath.normpath(key) == key


@given(first=ids, second=ids)
def test_two_submissions_never_share_a_key(first: str, second: str) -> None:
    system = System()

    system.process(sqs_message(submissionId=first), sqs_message(submissionId=second))

    # A message without a submission id gets one from its message id, which is unique.
    assert len(system.archive.objects) == (1 if first == second != "" else 2)


@given(position=st.text(), record_id=st.text())
def test_a_forged_cursor_shows_no_other_order(position: str, record_id: str) -> None:
    """Readers of the code can forge a cursor: it says where to go on, never in which order."""
    system = System()
    for order_id in ("mine", "theirs"):
        for amount in (1, 2, 3):
            system.process(sqs_message(json.dumps(order_fields(order_id, amount=amount))))
    queries = Queries(system.records, system.archive, system.clock)
    forged = encode_cursor("history/mine", (position.replace("\n", ""), record_id))

    history = queries.get_order("mine", forged)

    assert {record.order_id for record in [history.order, *history.records]} == {"mine"}
