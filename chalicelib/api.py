"""What is behind the routes: each view answers one request."""

from http import HTTPStatus

from chalice.app import Request, Response

from chalicelib import representation, web, wiring
from chalicelib.api_document import read_document
from chalicelib.health import HealthStatus
from chalicelib.problems import language_headers
from chalicelib.query_parameters import audit_query, history_limit, refuse_parameters

answering = web.answering(wiring.telemetry)


@answering
def submit_order(request: Request) -> Response:
    """Answer as soon as the order is queued."""
    refuse_parameters(*web.parameters_of(request))
    receipt = wiring.intake().submit(
        web.body_of(request),
        request_id=web.request_id_of(request),
        caller=web.caller_of(request),
        idempotency_key=request.headers.get("Idempotency-Key"),
    )
    # Noted now: whatever becomes of the answer, the order is queued.
    web.note(request, orderId=receipt.order.id, submissionId=receipt.submission_id)
    language = web.language_of(request)
    return web.json_response(
        representation.receipt_json(receipt, language),
        HTTPStatus.ACCEPTED,
        headers={
            **language_headers(language),
            "Location": web.location_of(request, receipt.order.id),
        },
    )


@answering
def list_orders(request: Request) -> Response:
    """Answer with one page of the audit."""
    parameters, repeated = web.parameters_of(request)
    query = audit_query(parameters, wiring.now(), repeated)
    audit = wiring.queries().list_orders(query, parameters.get("cursor"))
    return web.json_response(representation.audit_json(audit))


@answering
def get_order(request: Request, order_id: str) -> Response:
    """Answer with one page of the order's history."""
    parameters, repeated = web.parameters_of(request)
    limit = history_limit(order_id, parameters, repeated)
    history = wiring.queries().get_order(order_id, parameters.get("cursor"), limit)
    return web.json_response(representation.history_json(history))


@answering
def health(_request: Request) -> Response:
    """Answer with all checks: as an error if one failed."""
    report = wiring.health().report()
    failed = report.status is HealthStatus.FAIL
    return web.json_response(
        representation.health_json(report),
        HTTPStatus.SERVICE_UNAVAILABLE if failed else HTTPStatus.OK,
        "application/health+json",
    )


@answering
def get_document(request: Request) -> Response:
    """Answer with the OpenAPI document, its server the one that was asked."""
    return web.json_response(read_document(web.prefix_of(request)))


@answering
def get_docs(request: Request) -> Response:
    """Answer with the same document as a page."""
    # Imported where it is used: the renderer would be the cold start's to pay for.
    from chalicelib import api_page  # noqa: PLC0415

    page = api_page.render_page(read_document(web.prefix_of(request)))
    return Response(page, headers=dict(api_page.HEADERS))
