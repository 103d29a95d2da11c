"""
Records, their errors and their keys, with the accounts masked.

An order's id is shown whole: it is the handle by which operators type, link and find an order.
"""

from collections.abc import Callable
from dataclasses import replace

from chalicelib.orders.errors import FieldError, Parameter, Sentence, UnreadableOrder
from chalicelib.orders.order import Order
from chalicelib.orders.record import Record
from chalicelib.orders.terms import MAX_AMOUNT, TERMS, Terms, Value
from chalicelib.orders.traceparent import KNOWN_VERSION, trace_id_of
from chalicelib.services.batch_judgement import LineResult
from chalicelib.texts import Texts
from ops.desk.masking import mask, masked_payload, masked_quotation, masked_text
from ops.desk.order_bucket import identity_of
from ops.desk.suspected import Suspicion, compared_terms

# Parameters of sentences that are the system's own. Any other may quote an order.
OWN_PARAMETERS = frozenset({"most", "size", "count", "position", "line", "column"})
# A sender may write a sentence too: nothing that is counted is larger than SQS's largest message.
LARGEST_OWN_NUMBER = 1_048_576


def masked_record(record: Record) -> Record:
    """Mask a record's accounts, in all that it keeps of its sender but the order's id."""
    shown_id = masked_text(record.submission_id)
    return record._replace(
        record_id=record.record_id.replace(record.submission_id, shown_id),
        submission_id=shown_id,
        terms=masked_terms(record.terms),
        errors=tuple(map(masked_error, record.errors)),
        s3_key=record.s3_key and masked_key(record.s3_key),
        payload=None if record.payload is None else masked_payload(record.payload),
        submitted_by=record.submitted_by and masked_text(record.submitted_by),
        sent_by=record.sent_by and masked_text(record.sent_by),
        traceparent=record.traceparent and _masked_traceparent(record.traceparent),
    )


def _masked_traceparent(traceparent: str) -> str:
    """Keep the trace id, masked. The caller's own id in it is often digits, and shown nowhere."""
    return f"{KNOWN_VERSION}-{masked_text(trace_id_of(traceparent))}"


def masked_terms(terms: Terms) -> Terms:
    """Mask terms: the whole value of an account, and what could be one elsewhere."""
    return Terms({name: _masked_term(name, value) for name, value in terms.items()})


def masked_suspicion(suspicion: Suspicion) -> Suspicion:
    """Mask the terms of orders that are suspected to be one, and their submissions' ids."""
    terms = masked_terms(suspicion.terms)
    orders = [
        order._replace(submission_id=masked_text(order.submission_id)) for order in suspicion.orders
    ]
    return replace(suspicion, key=tuple(terms[name] for name in compared_terms()), orders=orders)


def masked_key(key: str) -> str:
    """Mask a key of the archive, but for its order's id and its digest."""
    identity = identity_of(key)
    if identity is None:
        return masked_text(key)
    shown_id = masked_text(identity.submission_id)
    return f"orders/{identity.order_id}/{shown_id}-{identity.payload_sha256}.json"


def masked_order(order: Order) -> Order:
    """Mask what an order's errors quote of it. Its terms and its payload stay as they are."""
    return order._replace(errors=tuple(map(masked_error, order.errors)))


def masked_result(result: LineResult) -> LineResult:
    """Mask what the result of a line quotes of it."""
    refusal = result.refusal
    if isinstance(refusal, UnreadableOrder):
        refusal = UnreadableOrder(refusal.reason, masked_sentence(refusal.sentence), refusal.field)
    return result._replace(order=result.order and masked_order(result.order), refusal=refusal)


def masked_error(error: FieldError) -> FieldError:
    """Mask accounts that an error's sentence quotes: of a masked field the whole value."""
    hide = mask if _is_masked(error.field) else masked_quotation
    return error._replace(sentence=masked_sentence(error.sentence, hide))


def masked_sentence(sentence: Sentence, hide: Callable[[str], str] | None = None) -> Sentence:
    """Put a sentence's quotations through `hide`, which masks what could be an account."""
    hide = hide or masked_quotation
    return Sentence(
        masked_text(sentence.key),
        {
            masked_text(name): _masked_parameter(name, value, hide)
            for name, value in sentence.parameters.items()
        },
    )


def unreadable_words(error: UnreadableOrder, texts: Texts) -> str:
    """Say why no order can be read from a text, as the API does."""
    key = "unreadable-order.id" if error.field else "unreadable-order.body"
    return texts(key, problem=texts.sentence(masked_sentence(error.sentence)))


def _masked_parameter(name: str, value: Parameter, hide: Callable[[str], str]) -> Parameter:
    if isinstance(value, Sentence):
        return masked_sentence(value, hide)
    return value if name in OWN_PARAMETERS and _is_own_number(value) else hide(value)


def _is_own_number(text: str) -> bool:
    if text == str(MAX_AMOUNT):
        return True
    return text.isdecimal() and len(text) < len(str(MAX_AMOUNT)) and int(text) <= LARGEST_OWN_NUMBER


def _masked_term(name: str, value: Value) -> Value:
    if not isinstance(value, str):
        return value
    return mask(value) if _is_masked(name) else masked_text(value)


def _is_masked(name: str) -> bool:
    return name in TERMS and TERMS[name].masked
