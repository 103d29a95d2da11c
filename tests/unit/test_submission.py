"""A submission: its id, and the key of its object."""

import uuid

import pytest

from chalicelib.orders.submission import submission_id_for, well_formed_submission_id
from tests.builders import order_text, submission


def test_no_two_submissions_have_the_same_archive_key() -> None:
    one, other = submission(submission_id="s-1"), submission(submission_id="s-2")
    altered = submission(order_text(amount=1), "s-1")

    assert one.archive_key.startswith("orders/order-001/s-1-")
    assert len({one.archive_key, other.archive_key, altered.archive_key}) == 3


def test_an_idempotency_key_gives_its_caller_the_same_submission_id() -> None:
    mine = submission_id_for("web", "key-1")

    assert mine == submission_id_for("web", "key-1")
    assert uuid.UUID(mine).version == 5
    assert mine != submission_id_for("atm", "key-1")
    assert mine != submission_id_for("web", "key-2")


@pytest.mark.parametrize("text", ["../../x", "a b", "a\nb", "x" * 129, "ñ"])
def test_a_bad_submission_id_is_replaced_by_the_same_one_each_time(
    text: str,
) -> None:
    replaced = well_formed_submission_id(text)

    assert replaced == well_formed_submission_id(text)
    assert uuid.UUID(replaced).version == 5


def test_a_well_formed_submission_id_stays() -> None:
    assert well_formed_submission_id("Channel.7_a-b") == "Channel.7_a-b"
