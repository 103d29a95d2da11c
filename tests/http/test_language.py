"""Answers in the caller's language: texts are translated, codes and field names are not."""

import json

import pytest
from chalice.app import Request, Response

from chalicelib.http.responses import respond
from tests.builders import gateway_event, order_text
from tests.http.conftest import Answer, Api, BrokenQueue, running

SPANISH = {"Accept-Language": "es-CL, en;q=0.5"}


def assert_spanish(answer: Answer, title: str, detail: str) -> None:
    assert answer.headers["content-language"] == "es"
    assert answer.headers["vary"] == "Accept-Language"
    assert (answer.body["title"], answer.body["detail"]) == (title, detail)


def test_the_errors_of_a_submission_are_in_the_callers_language(api: Api) -> None:
    answer = api.post(order_text(amount=0), **SPANISH)

    assert answer.headers["content-language"] == "es"
    assert answer.headers["vary"] == "Accept-Language"
    assert answer.body["errors"] == [
        {
            "field": "amount",
            "code": "not_positive",
            "message": "debe ser mayor que 0: se recibió 0",
        }
    ]


@pytest.mark.parametrize("of_submission", [{}, SPANISH], ids=["from-english", "from-spanish"])
@pytest.mark.parametrize(
    ("header", "language", "message"),
    [
        ({}, "en", "must be more than 0: got 0"),
        ({"Accept-Language": "fr"}, "en", "must be more than 0: got 0"),
        (SPANISH, "es", "debe ser mayor que 0: se recibió 0"),
    ],
    ids=["none", "french", "spanish"],
)
def test_the_errors_of_a_record_are_in_its_readers_language(
    api: Api, of_submission: dict[str, str], header: dict[str, str], language: str, message: str
) -> None:
    """The submitter's language does not matter."""
    api.post(order_text(amount=0), **of_submission)
    api.process_queue()

    history, audit = api.get("/orders/order-001", **header), api.get("/orders", **header)

    for answer in (history, audit):
        assert answer.headers["content-language"] == language
        assert answer.headers["vary"] == "Accept-Language"
    for record in (history.body["order"], *history.body["records"], *audit.body["records"]):
        assert record["errors"] == [{"field": "amount", "code": "not_positive", "message": message}]
    assert len(history.body["records"]) == len(audit.body["records"]) == 1


@pytest.mark.parametrize("header", [{}, {"Accept-Language": "fr"}, {"Accept-Language": ";;q"}])
def test_an_answer_is_in_english_by_default(api: Api, header: dict[str, str]) -> None:
    answer = api.post(order_text(amount=0), **header)

    assert answer.headers["content-language"] == "en"
    assert answer.body["errors"][0]["message"] == "must be more than 0: got 0"


def test_the_problem_of_a_missing_id_is_in_spanish(api: Api) -> None:
    answer = api.post(json.dumps({"amount": 1}), **SPANISH)

    why = 'falta: dé a la orden un "id", una cadena única para ella'
    assert_spanish(answer, "Orden ilegible", f"El id de la orden {why}. No se encoló nada.")
    assert answer.body["errors"] == [{"field": "id", "code": "missing_id", "message": why}]


def test_the_problem_of_an_unreadable_order_is_in_spanish(api: Api) -> None:
    assert_spanish(
        api.post("[]", **SPANISH),
        "Orden ilegible",
        "El cuerpo no es un objeto JSON: se recibió una lista. No se encoló nada.",
    )


def test_the_errors_of_bad_parameters_are_in_spanish(api: Api) -> None:
    answer = api.get("/orders?limit=0&cursor=x&valid=yes", **SPANISH)

    assert_spanish(
        answer,
        "Parámetros no válidos",
        "valid debe ser true o false: se recibió 'yes'; limit debe ser de 1 a 200: se recibió '0'.",
    )


def test_the_error_of_a_repeated_parameter_is_in_spanish(api: Api) -> None:
    assert_spanish(
        api.get("/orders?limit=1&limit=2", **SPANISH),
        "Parámetros no válidos",
        "limit debe darse una sola vez: se recibió '1', '2'.",
    )


def test_the_problem_of_a_bad_cursor_is_in_spanish(api: Api) -> None:
    assert_spanish(
        api.get("/orders?cursor=x", **SPANISH),
        "Parámetros no válidos",
        "cursor no es un cursor: tómelo tal cual de la respuesta anterior, con la misma consulta.",
    )


def test_the_problem_of_an_unknown_order_is_in_spanish(api: Api) -> None:
    answer = api.get("/orders/nada", **SPANISH)

    assert answer.headers["content-language"] == "es"
    assert answer.body["title"] == "Orden no encontrada"


def test_the_problem_of_a_compressed_body_is_in_spanish(api: Api) -> None:
    assert_spanish(
        api.post(order_text(), Content_Encoding="gzip", **SPANISH),
        "Tipo de contenido no admitido",
        "El cuerpo debe enviarse sin Content-Encoding. No se encoló nada.",
    )


def test_the_problem_of_another_charset_is_in_spanish(api: Api) -> None:
    assert_spanish(
        api.post(order_text(), Content_Type="application/json; charset=utf-16", **SPANISH),
        "Tipo de contenido no admitido",
        "El cuerpo debe enviarse en UTF-8: el Content-Type indica otro juego de caracteres. "
        "No se encoló nada.",
    )


def test_the_problem_of_a_bad_idempotency_key_is_in_spanish(api: Api) -> None:
    assert_spanish(
        api.post(order_text(), Idempotency_Key="a b", **SPANISH),
        "Idempotency-Key no válida",
        "La Idempotency-Key debe ser de 1 a 255 caracteres ASCII visibles: se recibieron 3, "
        "y el carácter 2 es un espacio. No se encoló nada.",
    )


def test_chalices_own_errors_are_in_spanish(api: Api) -> None:
    assert_spanish(
        api.request("DELETE", "/orders", headers=SPANISH),
        "Método no permitido",
        "Método no admitido: DELETE: la cabecera Allow nombra los que se admiten.",
    )
    assert_spanish(
        api.post(order_text(), Content_Type="text/plain", **SPANISH),
        "Tipo de contenido no admitido",
        "El Content-Type debe ser application/json. Tipo de contenido no admitido: text/plain. "
        "No se encoló nada.",
    )


def test_the_problem_of_an_outage_is_in_spanish(api: Api) -> None:
    with api.queue.outage():
        answer = api.post(order_text(), **SPANISH)

    assert answer.headers["content-language"] == "es"
    assert answer.headers["retry-after"]
    assert answer.body["title"] == "No disponible por el momento"


def test_the_problem_of_an_internal_error_is_in_spanish() -> None:
    with running(queue=BrokenQueue()) as api:
        assert api.post(order_text(), **SPANISH).body["title"] == "Error interno"


def test_an_english_text_by_chalice_is_marked_as_english(api: Api) -> None:
    event = gateway_event("POST", "/orders", body="[]")
    request = Request({**event, "headers": SPANISH})
    refusal = Response({"Code": "BadRequestError", "Message": "Bad request"}, status_code=400)

    answer = respond(request, lambda _: refusal, api.application.telemetry)

    assert answer.headers["Content-Language"] == "en"
    assert json.loads(answer.body)["title"] == "Bad Request"
