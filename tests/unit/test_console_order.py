"""The order's page: its account of each submission, its masks, and text that stays text."""

import json
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from chalicelib.orders.errors import Sentence, sentence, sentence_to_json
from chalicelib.orders.record import Record, Status
from chalicelib.services.queries import OrderHistory
from ops.console.formats import Formats
from ops.console.pages.order.comparison import comparison
from ops.console.pages.order.put_away import put_away
from ops.console.pages.order.summary import summary
from ops.console.pages.order.timeline import timeline
from ops.console.texts import texts_in
from ops.console.view import View
from ops.desk.decisions import Decided, Decision
from ops.desk.letters import DeadLetter, Known
from ops.desk.masked_records import masked_record
from ops.desk.order_table import Identity
from tests.builders import START, order_text, sqs_message, submission
from tests.properties.traceparents import TRACE, TRACEPARENT

ACCOUNT = "4012887001"


def view_in(language: str = "en") -> View:
    """Make a view without a request: enough for a part that is only written."""
    texts = texts_in(language)
    view = SimpleNamespace(
        t=texts, f=Formats(texts), now=lambda: START + timedelta(minutes=1), link=lambda **_: ""
    )
    return cast("View", view)


def recorded(**fields: Any) -> Record:
    """Record a first submission with these fields."""
    return Record.of_first(submission(order_text(**fields)), START)


def history(*records: Record) -> OrderHistory:
    return OrderHistory(records[0], None, records, None)


def unmasked(record: Record) -> Record:
    return record


@pytest.mark.parametrize(
    ("language", "label"), [("en", "The caller&#39;s trace"), ("es", "Traza de quien llama")]
)
def test_the_summary_names_the_callers_trace(language: str, label: str) -> None:
    traced = recorded()._replace(traceparent=TRACEPARENT)

    shown = summary(view_in(language), masked_record(traced))

    assert label in shown
    assert f"<code>{TRACE}</code>" in shown
    assert label not in summary(view_in(language), recorded())


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "<code>amount</code> must be more than 0: got -1"),
        ("es", "<code>amount</code> debe ser mayor que 0: se recibió -1"),
    ],
)
def test_an_error_is_a_sentence_in_the_readers_language(language: str, said: str) -> None:
    page = timeline(view_in(language), history(recorded(amount=-1)), masked_record)

    assert said in page


@pytest.mark.parametrize(
    "fields", [{"amount": f"{ACCOUNT},"}, {"channel": ACCOUNT}, {"amount": int(ACCOUNT) * -1}]
)
def test_an_account_in_the_wrong_field_is_masked_in_the_error_too(fields: dict[str, Any]) -> None:
    record = recorded(**fields)

    assert ACCOUNT not in timeline(view_in(), history(record), masked_record)
    assert ACCOUNT in timeline(view_in(), history(record), unmasked)


def test_the_limit_that_an_error_names_is_not_masked() -> None:
    page = timeline(view_in(), history(recorded(amount=10**14)), masked_record)

    assert "must be at most 9999999999999.99: got ****0000" in page


@pytest.mark.parametrize(("shown", "seen"), [(masked_record, "****7001"), (unmasked, ACCOUNT)])
def test_accounts_are_shown_only_on_request(shown: Callable[[Record], Record], seen: str) -> None:
    record = recorded(fromAccount=ACCOUNT)
    page = summary(view_in(), shown(record)) + comparison(view_in(), record, [record], shown)

    assert page.count(seen) == 3
    assert (ACCOUNT in page) == (seen == ACCOUNT)


def test_different_accounts_that_look_the_same_masked_are_marked() -> None:
    order, other = recorded(fromAccount="1110001234"), recorded(fromAccount="2220001234")

    page = comparison(view_in(), order, [other], masked_record)

    # The account, and the digest of the whole text.
    assert page.count('class="changed"') == 2


def test_a_difference_in_an_unknown_term_is_named_too() -> None:
    duplicate = recorded()._replace(status=Status.DUPLICATE, differs=("amount", "<b>currency"))

    page = timeline(view_in(), history(duplicate), masked_record)

    assert "differs from the accepted one in: Amount, &lt;b&gt;currency" in page


def test_the_timeline_says_what_a_message_claimed_beside_the_order() -> None:
    claimed = recorded()._replace(
        message_channel="atm",
        ignored_attributes=("receivedAt", "requestId"),
        sent_by="AROAEXAMPLE:i-1",
    )

    page = timeline(view_in(), history(claimed), masked_record)

    assert "channel by the message's attribute: ATM" in page.unescape()
    assert "could not be used, and were left out: receivedAt, requestId" in page
    assert "put on the queue by AROAEXAMPLE:i-1, says SQS" in page
    assert "attribute" not in timeline(view_in(), history(recorded()), masked_record)


def test_an_orders_text_never_becomes_markup() -> None:
    page = timeline(view_in(), history(recorded(channel="<script>alert(1)</script>")), unmasked)

    assert "&lt;script&gt;" in page
    assert "<script>" not in page


@pytest.mark.parametrize(
    ("detail", "said"),
    [
        (sentence("id.bad", got=f'"{ACCOUNT}/1"'), 'got "****0011"'),
        (sentence("order.too_large", size=300_000, most=262_144), "has 300000 bytes"),
        (json.dumps(sentence_to_json(sentence("id.bad", got=ACCOUNT))), "****7001"),
        ("is not JSON: Extra data", "is not JSON: Extra data"),
        (None, "—"),
    ],
)
def test_the_detail_of_a_dead_letter_shows_no_account(
    detail: Sentence | str | None, said: str
) -> None:
    letter = DeadLetter(
        sqs_message(), None, "s-1", "bad_id", detail, None, None, known=Known.UNREADABLE
    )

    words = letter.written_detail(view_in().t) or "—"

    assert said in words
    assert ACCOUNT not in words


@pytest.mark.parametrize(
    ("decision", "language", "said"),
    [
        (
            Decision(Decided.DISCARDED, "arn:ana", "<b>", at=START),
            "en",
            "Submission s-1 was discarded by arn:ana on 2026-03-01 12:00:00 UTC. Reason: &lt;b&gt;",
        ),
        (
            Decision(Decided.RESUBMITTED, "arn:ana", order_id="order-7b", at=START),
            "es",
            (
                "El envío s-1 fue entregado de nuevo como la orden order-7b por arn:ana el "
                "2026-03-01 12:00:00 UTC."
            ),
        ),
        (
            Decision(Decided.HANDED_IN, "arn:ana"),
            "en",
            "Submission s-1 was handed in again by arn:ana on — UTC.",
        ),
    ],
)
def test_a_submission_that_was_put_away_says_who_decided_it_and_why(
    decision: Decision, language: str, said: str
) -> None:
    page = put_away(view_in(language), [(Identity("order-7", "s-1", "7" * 64), decision)])

    assert page
    assert said in page


def test_an_order_about_which_nothing_was_decided_says_nothing_of_it() -> None:
    assert put_away(view_in(), []) is None
