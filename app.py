"""
The app: routes for channels to hand in and read orders, and the processor of the orders' queue.

Each is a few lines. The services that they call are in chalicelib/services, made by the one
Application; chalicelib/http reads requests and writes responses.
"""

import gc

# All that a function loads stays, so the collector would look for garbage in vain: 9% of a cold
# start. It must stand before the imports. The last lines turn it on again.
gc.disable()

from chalicelib.compiled_patterns import use_compiled_patterns

# The other imports compile no pattern then: 10% of a cold start.
use_compiled_patterns()

from collections.abc import Callable
from functools import partial, wraps
from http import HTTPStatus
from typing import Any, cast

from chalice.app import (
    Chalice,
    CloudWatchEvent,
    Cron,
    DynamoDBEvent,
    IAMAuthorizer,
    Request,
    Response,
    SQSEvent,
)

from chalicelib.application import CurrentApplication
from chalicelib.aws.items import written_records
from chalicelib.http import batches, document, document_page, representation, responses
from chalicelib.http.parameters import (
    audit_query,
    history_limit,
    is_dry_run,
    submission_query,
)
from chalicelib.http.requests import (
    NDJSON,
    body_of,
    caller_arn_of,
    decoded,
    idempotency_key_of,
    location_of,
    note,
    parameters_of,
    prefix_of,
    request_id_of,
    time_left_of,
    traceparent_of,
)
from chalicelib.services.batch_judgement import judge_lines
from chalicelib.services.health import HealthStatus
from chalicelib.services.intake import SubmissionUnconfirmed, judge
from chalicelib.services.message import Message
from chalicelib.services.principals import Caller
from chalicelib.services.queries import AuditList
from chalicelib.services.submissions import SubmissionNotFound
from chalicelib.settings import AppSettings, current_environment

EVENTS_BATCH_SIZE = 100
# The time is UTC's. Yesterday is over since an hour then; each retry comes minutes later.
EACH_NIGHT = Cron(0, 1, "*", "*", "?", "*")

# The telemetry does all logging: Chalice's own would bring exceptions with their messages.
app = Chalice(app_name="orders", configure_logs=False)
# API Gateway hands bytes of this type on as they are, in base64. As text, with its quotes escaped,
# a body of 4 MiB could be more than the 6 MB that Lambda takes.
app.api.binary_types.append(NDJSON)
application = CurrentApplication()
settings = AppSettings.from_env(current_environment())
authorizer = IAMAuthorizer() if settings.closed else None


def answering(view: Callable[..., Response]) -> Callable[..., Response]:
    """Give a view the current request. Its exceptions become problems."""

    @wraps(view)
    def answer(**path: str) -> Response:
        request = cast("Request", app.current_request)
        return responses.answer(view, request, decoded(path), application().telemetry)

    return answer


def caller_of(request: Request) -> Caller:
    """Say who calls, and what the stage lets them do."""
    return application().principals.caller(caller_arn_of(request))


def reader_of(request: Request) -> Caller:
    """Say who calls, if the stage lets them read anything."""
    caller = caller_of(request)
    caller.require_reader()
    return caller


def reading(path: str, **details: Any) -> Callable[..., Any]:
    """
    Declare a route that only reads.

    It has HEAD wherever it has GET (RFC 9110, 9.1). A Content-Type says nothing here: there is
    no body, but some clients send one with each request.
    """
    route: Callable[..., Any] = app.route(
        path, methods=["GET", "HEAD"], content_types=[], **details
    )
    return route


@app.middleware("http")
def respond(request: Request, get_response: Callable[[Any], Response]) -> Response:
    """Give every answer a request id, and log it."""
    return responses.respond(request, get_response, application().telemetry)


@app.route("/orders", methods=["POST"], content_types=["application/json"], authorizer=authorizer)
@answering
def submit_order(request: Request) -> Response:
    """Take an order in: it is queued, valid or not, if it can be read. A dry run only judges it."""
    caller = caller_of(request)
    caller.require_channel()
    if is_dry_run(*parameters_of(request)):
        return judge_order(request, caller)
    receipt = application().intake.submit(
        body_of(request),
        request_id=request_id_of(request),
        caller=caller,
        idempotency_key=idempotency_key_of(request),
        traceparent=traceparent_of(request),
    )
    # Note it at once: the order is queued, even if the answer fails.
    note(request, orderId=receipt.order.id, submissionId=receipt.submission_id)
    return responses.translated_response(
        request,
        partial(representation.receipt_json, receipt, prefix=prefix_of(request)),
        HTTPStatus.ACCEPTED,
        {
            "Location": location_of(request, receipt.order.id),
            **(responses.REPLAYED if receipt.replayed else {}),
        },
    )


def judge_order(request: Request, caller: Caller) -> Response:
    """Judge an order, and queue nothing. Its line of the log says so, whatever the answer is."""
    note(request, dryRun=True)
    order = judge(body_of(request), idempotency_key_of(request), caller)
    note(request, orderId=order.id)
    return responses.translated_response(request, partial(representation.judgement_json, order))


@app.route("/order-batches", methods=["POST"], content_types=[NDJSON], authorizer=authorizer)
@answering
def submit_batch(request: Request) -> Response:
    """Take many orders in, one a line: each is queued by itself. A dry run only judges them."""
    caller = caller_of(request)
    caller.require_channel()
    if is_dry_run(*parameters_of(request)):
        return judge_batch(request, caller)
    receipt = application().batch_intake.submit(
        batches.lines_of(request),
        request_id=request_id_of(request),
        caller=caller,
        idempotency_key=idempotency_key_of(request),
        traceparent=traceparent_of(request),
        time_left_ms=time_left_of(request),
    )
    if receipt.failures:
        failure = SubmissionUnconfirmed("; ".join(receipt.failures))
        application().telemetry.request_failed(failure, request_id_of(request))
    return batches.response(request, receipt, HTTPStatus.ACCEPTED)


def judge_batch(request: Request, caller: Caller) -> Response:
    """Judge many orders, and queue none. Its line of the log says so, whatever the answer is."""
    note(request, dryRun=True)
    judged = judge_lines(batches.lines_of(request), idempotency_key_of(request), caller)
    return batches.response(request, judged, HTTPStatus.OK)


@reading("/orders", authorizer=authorizer)
@answering
def list_orders(request: Request) -> Response:
    """List what became of all orders, newest first."""
    caller = reader_of(request)
    parameters, repeated = parameters_of(request)
    query = audit_query(parameters, application().clock(), repeated)

    def read(limit: int) -> AuditList:
        return application().queries.list_orders(
            query._replace(limit=limit), parameters.get("cursor"), caller
        )

    return responses.paged_response(request, read, query.limit, representation.audit_json)


@reading("/orders/{order_id}", authorizer=authorizer)
@answering
def get_order(request: Request, order_id: str) -> Response:
    """Show an order, the history of its submissions, and where its JSON can be downloaded."""
    caller = reader_of(request)
    parameters, repeated = parameters_of(request)
    limit = history_limit(order_id, parameters, repeated)
    read = partial(
        application().queries.get_order, order_id, parameters.get("cursor"), caller=caller
    )
    return responses.paged_response(request, read, limit, representation.history_json)


@reading("/orders/{order_id}/submissions/{submission_id}", authorizer=authorizer)
@answering
def get_submission(request: Request, order_id: str, submission_id: str) -> Response:
    """Show what became of one submission; with `wait`, once it is recorded."""
    caller = reader_of(request)
    query = submission_query(order_id, submission_id, *parameters_of(request))
    submission = application().waiting_room.ask(
        partial(
            application().submissions.read, order_id, submission_id, query.payload_sha256, caller
        ),
        missing=SubmissionNotFound,
        # Only GET has a limit on how many wait (infrastructure/merge-template.yaml).
        wait_seconds=query.wait_seconds if request.method == "GET" else 0,
        time_left_ms=time_left_of(request),
    )
    return responses.translated_response(
        request, partial(representation.submission_json, submission)
    )


@reading("/health")
@answering
def health(_request: Request) -> Response:
    """Tell whether the system is well: open to anyone, so it names nothing."""
    report = application().health.report()
    failed = report.status is HealthStatus.FAIL
    return responses.json_response(
        representation.health_json(report),
        HTTPStatus.SERVICE_UNAVAILABLE if failed else HTTPStatus.OK,
        "application/health+json",
    )


@reading("/")
@answering
def lead_to_docs(request: Request) -> Response:
    """Lead whoever opens the API's address to its description: open to anyone, as that is."""
    return responses.redirection(f"{prefix_of(request)}/docs")


@reading("/openapi.json")
@answering
def get_document(request: Request) -> Response:
    """Describe the API to programs: open to anyone, as everything in it is public."""
    return responses.json_response(document.read_document(prefix_of(request)))


@reading("/asyncapi.json")
@answering
def get_messages_document(_request: Request) -> Response:
    """Describe the queue's messages and the events to programs: open to anyone, too."""
    return responses.json_response(document.read_messages_document())


@reading("/docs")
@answering
def get_docs(request: Request) -> Response:
    """Describe the API to people: open to anyone, as everything in it is public."""
    page = document_page.render_page(document.read_document(prefix_of(request)))
    return Response(page, headers=dict(document_page.HEADERS))


def time_left_in(context: Any) -> Callable[[], float] | None:
    """Find the clock of an invocation. Some contexts, such as a test's, have none: no limit."""
    clock: Callable[[], float] | None = getattr(context, "get_remaining_time_in_millis", None)
    return clock


@app.on_sqs_message(
    queue=settings.queue_name,
    batch_size=settings.batch_size,
    maximum_batching_window_in_seconds=settings.batch_window_seconds,
    maximum_concurrency=settings.maximum_concurrency,
)
def process_orders(event: SQSEvent) -> Any:
    """Process a batch of orders from the queue."""
    current = application()
    messages = list(map(Message.from_record, event.to_dict()["Records"]))
    batch = current.processor.process_batch(messages, time_left_in(event.context))
    return current.acknowledge(batch)


# Off by default: a function can subscribe only to a stream that exists.
if settings.stream_arn:

    @app.on_dynamodb_record(
        stream_arn=settings.stream_arn,
        batch_size=EVENTS_BATCH_SIZE,
        # Records from before the first deployment, but after the stream's creation, count too.
        starting_position="TRIM_HORIZON",
    )
    def publish_events(event: DynamoDBEvent) -> None:
        """
        Tell others of each order that was accepted, or of every verdict, as the stage is set.

        It fails as a whole, so that the stream gives it all of them again.
        """
        current = application()
        changes = event.to_dict()["Records"]
        records, unreadable = written_records(changes, current.events.told)
        for each in unreadable:
            current.telemetry.record_unreadable(each)
        current.events.publish(records)


# Off by default: it needs a key to sign with.
if settings.seals:

    @app.schedule(EACH_NIGHT)
    def seal_days(event: CloudWatchEvent) -> None:
        """
        Seal each day that is over and has no seal yet, as long as there is time.

        It fails as a whole, so that Lambda tries again; what it has sealed stays sealed.
        """
        # No other function pays for it in its cold start.
        from chalicelib.services.nightly import seal_each_day  # noqa: PLC0415

        current = application()
        seal_each_day(current.sealing, current.telemetry, time_left_in(event.context))


application().prepare(settings.function)
# What is loaded is left alone by each collection to come: the first would look through all of it.
gc.freeze()
gc.enable()
if settings.in_chalice_cli:
    from chalicelib.chalice_local import refuse_bad_settings, warn_of_what_is_lacking
    from chalicelib.http.local_principal import play_principals

    refuse_bad_settings(current_environment())
    play_principals(app, closed=settings.closed)
    warn_of_what_is_lacking(application())
