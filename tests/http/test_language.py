"""Answers in the caller's language: texts are translated, codes and field names are not."""

import json

import pytest

from chalicelib import web
from chalicelib.problems import problem_of_framework
from tests.builders import order_text
from tests.http.conftest import Answer, Api

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


def test_the_record_of_a_submission_is_in_english(api: Api) -> None:
    api.post(order_text(amount=0), **SPANISH)
    api.process_queue()

    answer = api.get("/orders/order-001", **SPANISH)

    assert answer.body["order"]["errors"][0]["message"] == "must be more than 0: got 0"


@pytest.mark.parametrize("header", [{}, {"Accept-Language": "fr"}, {"Accept-Language": ";;q"}])
def test_english_is_spoken_where_nothing_else_is_asked_for(
    api: Api, header: dict[str, str]
) -> None:
    answer = api.post(order_text(amount=0), **header)

    assert answer.headers["content-language"] == "en"
    assert answer.body["errors"][0]["message"] == "must be more than 0: got 0"


def test_a_problem_with_the_id_is_in_spanish_in_every_place(api: Api) -> None:
    answer = api.post(json.dumps({"amount": 1}), **SPANISH)

    why = 'falta: dé a la orden un "id", una cadena única para ella'
    assert_spanish(answer, "Orden ilegible", f"El id de la orden {why}. No se encoló nada.")
    assert answer.body["errors"] == [{"field": "id", "code": "missing_id", "message": why}]


def test_an_order_that_cannot_be_read_is_in_spanish(api: Api) -> None:
    assert_spanish(
        api.post("[]", **SPANISH),
        "Orden ilegible",
        "El cuerpo no es un objeto JSON: se recibió una lista. No se encoló nada.",
    )


def test_all_parameters_that_are_wrong_are_in_spanish(api: Api) -> None:
    answer = api.get("/orders?limit=0&cursor=x&valid=yes", **SPANISH)

    assert_spanish(
        answer,
        "Parámetros no válidos",
        "valid debe ser true o false: se recibió 'yes'; limit debe ser de 1 a 200: se recibió '0'.",
    )


def test_a_repeated_parameter_is_refused_in_spanish(api: Api) -> None:
    assert_spanish(
        api.get("/orders?limit=1&limit=2", **SPANISH),
        "Parámetros no válidos",
        "limit debe darse una sola vez: se recibió '1', '2'.",
    )


def test_a_cursor_that_is_wrong_is_in_spanish(api: Api) -> None:
    assert_spanish(
        api.get("/orders?cursor=x", **SPANISH),
        "Parámetros no válidos",
        "cursor no es un cursor: tómelo tal cual de la respuesta anterior, con la misma consulta.",
    )


def test_an_unknown_order_is_in_spanish(api: Api) -> None:
    answer = api.get("/orders/nada", **SPANISH)

    assert answer.headers["content-language"] == "es"
    assert answer.body["title"] == "Orden no encontrada"


def test_a_compressed_body_is_refused_in_spanish(api: Api) -> None:
    assert_spanish(
        api.post(order_text(), Content_Encoding="gzip", **SPANISH),
        "Tipo de contenido no admitido",
        "El cuerpo debe enviarse sin Content-Encoding. No se encoló nada.",
    )


def test_another_charset_is_refused_in_spanish(api: Api) -> None:
    assert_spanish(
        api.post(order_text(), Content_Type="application/json; charset=utf-16", **SPANISH),
        "Tipo de contenido no admitido",
        "El cuerpo debe enviarse en UTF-8: el Content-Type indica otro juego de caracteres. "
        "No se encoló nada.",
    )


def test_an_idempotency_key_is_refused_in_spanish(api: Api) -> None:
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


def test_an_outage_is_in_spanish(api: Api) -> None:
    with api.queue.outage():
        answer = api.post(order_text(), **SPANISH)

    assert answer.headers["content-language"] == "es"
    assert answer.headers["retry-after"]
    assert answer.body["title"] == "No disponible por el momento"


def test_a_fault_of_ours_is_in_spanish(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "location_of", lambda *_: 1 // 0)

    assert api.post(order_text(), **SPANISH).body["title"] == "Error interno"


def test_what_chalice_says_in_english_is_said_to_be_english(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusal = problem_of_framework(400, "Bad request")
    monkeypatch.setattr(web, "problem_of", lambda _: refusal)

    answer = api.post("[]", **SPANISH)

    assert answer.headers["content-language"] == "en"
    assert answer.body["title"] == "Bad Request"
