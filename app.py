"""
The app: routes for channels to hand in and read orders, and the processor of the orders' queue.

Each delegates in a few lines; what is behind them is in chalicelib.
"""
# ruff: noqa: E402 (the first statement is to be the first)

import gc

# What is loaded stays: looking for garbage in it meanwhile takes a fiftieth of a cold start.
gc.disable()

from collections.abc import Callable
from typing import Any, cast

from chalice.app import Chalice, DynamoDBEvent, IAMAuthorizer, Request, Response, SQSEvent

from chalicelib import wiring
from chalicelib.order_queue import Message
from chalicelib.settings import AppSettings

EVENTS_BATCH_SIZE = 100

# The telemetry does all logging: Chalice's own would bring exceptions with their messages.
app = Chalice(app_name="orders", configure_logs=False)
settings = AppSettings.from_env()
authorizer = IAMAuthorizer() if settings.closed else None

# Each function of the app loads this file. Those that no request comes to start without the API.
if settings.function not in {"process_orders", "publish_events"}:
    from chalicelib import api, web


def current_request() -> Request:
    """The request that is being answered, in this thread."""
    return cast("Request", app.current_request)


@app.middleware("http")
def respond(request: Request, get_response: Callable[[Any], Response]) -> Response:
    """Give every answer a request id, and log it."""
    return web.respond(request, get_response, wiring.telemetry())


@app.route("/orders", methods=["POST"], content_types=["application/json"], authorizer=authorizer)
def submit_order() -> Response:
    """Take an order in: it is queued, valid or not, if it can be read."""
    return api.submit_order(current_request())


@app.route("/orders", methods=["GET"], authorizer=authorizer)
def list_orders() -> Response:
    """List what became of all orders, newest first."""
    return api.list_orders(current_request())


@app.route("/orders/{order_id}", methods=["GET"], authorizer=authorizer)
def get_order(order_id: str) -> Response:
    """Show an order, the history of its submissions, and where its JSON can be downloaded."""
    return api.get_order(current_request(), order_id)


@app.route("/health", methods=["GET"])
def health() -> Response:
    """Tell whether the system is well: open to anyone, so it names nothing."""
    return api.health(current_request())


@app.route("/openapi.json", methods=["GET"])
def get_document() -> Response:
    """Describe the API to programs: open to anyone, as it holds nothing that is not public."""
    return api.get_document(current_request())


@app.route("/docs", methods=["GET"])
def get_docs() -> Response:
    """Describe the API to people: open to anyone, as it holds nothing that is not public."""
    return api.get_docs(current_request())


@app.on_sqs_message(
    queue=settings.queue_name,
    batch_size=settings.batch_size,
    maximum_batching_window_in_seconds=settings.batch_window_seconds,
    maximum_concurrency=settings.maximum_concurrency,
)
def process_orders(event: SQSEvent) -> Any:
    """Process a batch of orders from the queue."""
    messages = [Message.from_record(record) for record in event.to_dict()["Records"]]
    # Where the context can't tell, as that of a test may be, there is no limit.
    time_left_ms = getattr(event.context, "get_remaining_time_in_millis", None)
    batch = wiring.processor().process_batch(messages, time_left_ms)
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
