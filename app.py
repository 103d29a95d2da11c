"""
The app: routes for channels to hand in and read orders, and the processor of the orders' queue.

Each delegates in a few lines; what is behind them is in chalicelib.
"""
# ruff: noqa: E402 (the first statement is to be the first)

import gc

# What is loaded stays: looking for garbage in it meanwhile takes a fiftieth of a cold start.
gc.disable()

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, cast

from chalice.app import Chalice, DynamoDBEvent, IAMAuthorizer, Request, Response, SQSEvent

from chalicelib import representation, web, wiring
from chalicelib.api_document import read_document
from chalicelib.health import HealthStatus
from chalicelib.order_queue import Message
from chalicelib.problems import language_headers
from chalicelib.query_parameters import audit_query, history_limit
from chalicelib.settings import AppSettings

EVENTS_BATCH_SIZE = 100

# The telemetry does all logging: Chalice's own would bring exceptions with their messages.
app = Chalice(app_name="orders", configure_logs=False)
settings = AppSettings.from_env()
authorizer = IAMAuthorizer() if settings.closed else None


def current_request() -> Request:
    """The request that is being answered, in this thread."""
    return cast("Request", app.current_request)


answering = web.answering(current_request, wiring.telemetry)


@app.middleware("http")
def respond(request: Request, get_response: Callable[[Any], Response]) -> Response:
    """Give every answer a request id, and log it."""
    return web.respond(request, get_response, wiring.telemetry())


@app.route("/orders", methods=["POST"], content_types=["application/json"], authorizer=authorizer)
@answering
def submit_order() -> Response:
    """Take an order in: it is queued, valid or not, if it can be read."""
    request = current_request()
    receipt = wiring.intake().submit(
        web.body_of(request),
        request_id=web.request_id_of(request),
        caller=web.caller_of(request),
        idempotency_key=request.headers.get("Idempotency-Key"),
    )
    language = web.language_of(request)
    return web.json_response(
        representation.receipt_json(receipt, language),
        HTTPStatus.ACCEPTED,
        headers={
            **language_headers(language),
            "Location": web.location_of(request, receipt.order.id),
        },
    )


@app.route("/orders", methods=["GET"], authorizer=authorizer)
@answering
def list_orders() -> Response:
    """List what became of all orders, newest first."""
    parameters = web.parameters_of(current_request())
    query = audit_query(parameters, wiring.now())
    audit = wiring.queries().list_orders(query, parameters.get("cursor"))
    return web.json_response(representation.audit_json(audit))


@app.route("/orders/{order_id}", methods=["GET"], authorizer=authorizer)
@answering
def get_order(order_id: str) -> Response:
    """Show an order, the history of its submissions, and where its JSON can be downloaded."""
    parameters = web.parameters_of(current_request())
    limit = history_limit(order_id, parameters)
    history = wiring.queries().get_order(order_id, parameters.get("cursor"), limit)
    return web.json_response(representation.history_json(history))


@app.route("/health", methods=["GET"])
@answering
def health() -> Response:
    """Tell whether the system is well: open to anyone, so it names nothing."""
    report = wiring.health().report()
    failed = report.status is HealthStatus.FAIL
    return web.json_response(
        representation.health_json(report),
        HTTPStatus.SERVICE_UNAVAILABLE if failed else HTTPStatus.OK,
        "application/health+json",
    )


@app.route("/openapi.json", methods=["GET"])
@answering
def get_document() -> Response:
    """Describe the API to programs: open to anyone, as it holds nothing that is not public."""
    return web.json_response(read_document(web.prefix_of(current_request())))


@app.route("/docs", methods=["GET"])
@answering
def get_docs() -> Response:
    """Describe the API to people: open to anyone, as it holds nothing that is not public."""
    # Imported where it is used: the renderer would be the cold start's to pay for.
    from chalicelib import api_page  # noqa: PLC0415

    page = api_page.render_page(read_document(web.prefix_of(current_request())))
    return Response(page, headers=dict(api_page.HEADERS))


@app.on_sqs_message(
    queue=settings.queue_name,
    batch_size=settings.batch_size,
    maximum_batching_window_in_seconds=settings.batch_window_seconds,
    maximum_concurrency=settings.maximum_concurrency,
)
def process_orders(event: SQSEvent) -> Any:
    """Process a batch of orders from the queue."""
    messages = [Message.from_record(record) for record in event.to_dict()["Records"]]
    batch = wiring.processor().process_batch(messages, web.time_left_ms(event.context))
    return wiring.acknowledge()(batch)


# Off by default: a stream has to be there before a function can be subscribed to it.
if settings.stream_arn:

    @app.on_dynamodb_record(
        stream_arn=settings.stream_arn,
        batch_size=EVENTS_BATCH_SIZE,
        # What was recorded between the making of the stream and the first deployment counts too.
        starting_position="TRIM_HORIZON",
    )
    def publish_events(event: DynamoDBEvent) -> None:
        """
        Tell others of each order that was accepted.

        It fails as a whole, so that the stream gives it all of them again.
        """
        wiring.events().publish(event.to_dict()["Records"])


wiring.prepare(settings.function)
gc.enable()
