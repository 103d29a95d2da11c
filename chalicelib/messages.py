"""
What the API says to people, in each of its languages.

A message is made in English, which is what is stored and logged: an audit is in one language. It
remembers what it was made of, so an answer can say the same in the caller's language. Codes and
field names are the same in all of them.
"""

import re
from collections.abc import Mapping
from typing import Any

ENGLISH = "en"

MESSAGES: Mapping[str, Mapping[str, str]] = {
    ENGLISH: {
        # What no order can be read from. The subject, the body or the order's id, comes before.
        "order.too_large": "has {size} bytes: an order has at most {most}",
        "order.not_utf8": "is not UTF-8 text (at byte {position}): send JSON in UTF-8",
        "order.empty": "is empty: send the order as a JSON object",
        "order.too_deep": "is nested deeper than {most} levels",
        "order.not_json": "is not JSON: {problem} at line {line} column {column}",
        "order.not_a_value": "is not JSON: {name} is not a JSON value",
        "order.not_an_object": "is not a JSON object: got {got}",
        "order.forbidden_character": (
            "holds U+{code}, which a queue can't carry: write it as an escape"
        ),
        "order.repeated_key": "has the key {key} more than once",
        "id.missing": 'is missing: give the order an "id", a string unique to it',
        "id.bad": ("must be a string of 1 to 64 of A-Z a-z 0-9 . _ - (not . or ..): got {got}"),
        # The rules of an order. The field's name comes before.
        "amount.missing": "is missing: say how much to transfer",
        "amount.not_a_number": 'must be a number, or a string such as "12.50": got {got}',
        "amount.not_positive": "must be more than 0: got {got}",
        "amount.too_many_decimals": "must have at most {most} decimals: got {got}",
        "amount.too_large": "must be at most {most}: got {got}",
        "account.missing": "is missing: give an account number",
        "account.not_a_string": "must be a string of digits: got {got}",
        "account.a_number": (
            "must be a string of digits in quotes: a number loses its leading zeros"
        ),
        "account.not_digits": "must hold only digits 0-9: character {position} is not one",
        "account.no_digits": "must hold at least one digit: it is empty",
        "account.too_long": "must have at most {most} digits: it has {count} characters",
        "account.same": "must differ from fromAccount",
        "channel.unknown": "must be one of {channels}, or left out: got {got}",
        "got.object": "an object",
        "got.list": "a list",
        "got.characters": "{count} characters",
        # Parameters. The parameter's name comes before.
        "parameter.unknown": "is not known here: use {known}",
        "parameter.none": "is not known here: leave it out. Nothing was queued",
        "parameter.repeated": "must be given once: got {got}",
        "parameter.bad": "must be {rule}: got {got}",
        "parameter.bad_id": "must be 1 to 64 of A-Z a-z 0-9 . _ - (not . or ..): got {got}",
        "parameter.from_after_to": "{first} is after to {last}",
        "parameter.from_after_today": (
            "{first} is after to {last} (today in UTC, as none was given)"
        ),
        "rule.limit": "1 to {most}",
        "rule.boolean": "true or false",
        "rule.date": "a date like 2026-01-31, in UTC",
        "rule.choice": "one of {choices}",
        "cursor.malformed": "is not a cursor",
        "cursor.foreign": "is not a cursor of this query, or was altered",
        "cursor.no_date": "holds no date",
        "cursor.advice": (
            "{problem}: take it as it is from the answer before, with the same query"
        ),
        "key.bad": "must be 1 to 255 visible ASCII characters: got {count} characters",
        "key.bad_character": "{problem}, and character {position} is {what}",
        "key.space": "a space",
        # Titles and details of problems.
        "unreadable-order.title": "Unreadable order",
        "unreadable-order.body": "The body {problem}. Nothing was queued.",
        "unreadable-order.id": "The order's id {problem}. Nothing was queued.",
        "order-too-large.title": "Order too large",
        "invalid-idempotency-key.title": "Invalid Idempotency-Key",
        "invalid-idempotency-key.detail": "The Idempotency-Key {problem}. Nothing was queued.",
        "invalid-parameters.title": "Invalid parameters",
        "order-not-found.title": "Order not found",
        "order-not-found.detail": (
            'No order "{order_id}" is recorded. If it was handed in just now it may still be on '
            "the queue: ask again after the time in Retry-After."
        ),
        "unsupported-media-type.title": "Unsupported media type",
        "unsupported-media-type.type": (
            "The Content-Type must be application/json. Unsupported media type: {got}. "
            "Nothing was queued."
        ),
        "unsupported-media-type.encoding": (
            "The body must be sent without a Content-Encoding. Nothing was queued."
        ),
        "unsupported-media-type.charset": (
            "The body must be sent in UTF-8: the Content-Type names another charset. "
            "Nothing was queued."
        ),
        "method-not-allowed.title": "Method not allowed",
        "method-not-allowed.detail": (
            "Unsupported method: {got}: the Allow header names what is supported."
        ),
        "unavailable.title": "Temporarily unavailable",
        "unavailable.detail": (
            "A service behind this one did not answer. Try again after the time in Retry-After."
        ),
        "unavailable.submission": (
            "The queue did not answer, so the order may be queued. Send it again after the time in "
            "Retry-After: the same bytes with the same Idempotency-Key count once."
        ),
        "internal-error.title": "Internal error",
        "internal-error.detail": (
            "Something went wrong here. Try again, an order with the same bytes and "
            "Idempotency-Key; if it stays, tell the operator the X-Request-Id of this answer."
        ),
        # What the local server refuses by itself.
        "unknown-path.title": "Unknown path",
        "unknown-path.detail": "The API has nothing at {path}.",
        "malformed-request.title": "Malformed request",
        "malformed-request.line": "The request line must be like GET /orders HTTP/1.1: got {got}.",
        "malformed-request.length": "The Content-Length is not a number.",
        "malformed-request.negative": "The Content-Length must not be negative: got {got}.",
        "malformed-request.chunks": "The chunked body is not well formed.",
        "request-too-large.title": "Request too large",
        "request-too-large.detail": "A request may have {most} bytes. Nothing was queued.",
    },
    "es": {
        "order.too_large": "tiene {size} bytes: una orden tiene como máximo {most}",
        "order.not_utf8": "no es texto UTF-8 (en el byte {position}): envíe JSON en UTF-8",
        "order.empty": "no contiene nada: envíe la orden como un objeto JSON",
        "order.too_deep": "está anidado a más de {most} niveles",
        "order.not_json": "no es JSON: {problem} en la línea {line}, columna {column}",
        "order.not_a_value": "no es JSON: {name} no es un valor JSON",
        "order.not_an_object": "no es un objeto JSON: se recibió {got}",
        "order.forbidden_character": (
            "contiene U+{code}, que una cola no puede llevar: escríbalo como secuencia de escape"
        ),
        "order.repeated_key": "tiene la clave {key} más de una vez",
        "id.missing": 'falta: dé a la orden un "id", una cadena única para ella',
        "id.bad": (
            "debe ser una cadena de 1 a 64 de A-Z a-z 0-9 . _ - (ni . ni ..): se recibió {got}"
        ),
        "amount.missing": "falta: indique cuánto se transfiere",
        "amount.not_a_number": ('debe ser un número, o una cadena como "12.50": se recibió {got}'),
        "amount.not_positive": "debe ser mayor que 0: se recibió {got}",
        "amount.too_many_decimals": "debe tener como máximo {most} decimales: se recibió {got}",
        "amount.too_large": "debe ser como máximo {most}: se recibió {got}",
        "account.missing": "falta: indique un número de cuenta",
        "account.not_a_string": "debe ser una cadena de dígitos: se recibió {got}",
        "account.a_number": (
            "debe ser una cadena de dígitos entre comillas: un número pierde los ceros iniciales"
        ),
        "account.not_digits": (
            "debe contener solo dígitos 0-9: el carácter {position} no es un dígito"
        ),
        "account.no_digits": "debe contener al menos un dígito: no contiene ninguno",
        "account.too_long": "debe tener como máximo {most} dígitos: tiene {count} caracteres",
        "account.same": "debe ser distinta de fromAccount",
        "channel.unknown": "debe ser uno de {channels}, u omitirse: se recibió {got}",
        "got.object": "un objeto",
        "got.list": "una lista",
        "got.characters": "{count} caracteres",
        "parameter.unknown": "no se conoce aquí: use {known}",
        "parameter.none": "no se conoce aquí: omítalo. No se encoló nada",
        "parameter.repeated": "debe darse una sola vez: se recibió {got}",
        "parameter.bad": "debe ser {rule}: se recibió {got}",
        "parameter.bad_id": (
            "debe ser de 1 a 64 de A-Z a-z 0-9 . _ - (ni . ni ..): se recibió {got}"
        ),
        "parameter.from_after_to": "{first} es posterior a to {last}",
        "parameter.from_after_today": (
            "{first} es posterior a to {last} (hoy en UTC, pues no se dio ninguno)"
        ),
        "rule.limit": "de 1 a {most}",
        "rule.boolean": "true o false",
        "rule.date": "una fecha como 2026-01-31, en UTC",
        "rule.choice": "uno de {choices}",
        "cursor.malformed": "no es un cursor",
        "cursor.foreign": "no es un cursor de esta consulta, o fue alterado",
        "cursor.no_date": "no contiene una fecha",
        "cursor.advice": (
            "{problem}: tómelo tal cual de la respuesta anterior, con la misma consulta"
        ),
        "key.bad": "debe ser de 1 a 255 caracteres ASCII visibles: se recibieron {count}",
        "key.bad_character": "{problem}, y el carácter {position} es {what}",
        "key.space": "un espacio",
        "unreadable-order.title": "Orden ilegible",
        "unreadable-order.body": "El cuerpo {problem}. No se encoló nada.",
        "unreadable-order.id": "El id de la orden {problem}. No se encoló nada.",
        "order-too-large.title": "Orden demasiado grande",
        "invalid-idempotency-key.title": "Idempotency-Key no válida",
        "invalid-idempotency-key.detail": "La Idempotency-Key {problem}. No se encoló nada.",
        "invalid-parameters.title": "Parámetros no válidos",
        "order-not-found.title": "Orden no encontrada",
        "order-not-found.detail": (
            'No hay ninguna orden "{order_id}" registrada. Si se acaba de enviar, puede estar aún '
            "en la cola: vuelva a preguntar tras el tiempo de Retry-After."
        ),
        "unsupported-media-type.title": "Tipo de contenido no admitido",
        "unsupported-media-type.type": (
            "El Content-Type debe ser application/json. Tipo de contenido no admitido: {got}. "
            "No se encoló nada."
        ),
        "unsupported-media-type.encoding": (
            "El cuerpo debe enviarse sin Content-Encoding. No se encoló nada."
        ),
        "unsupported-media-type.charset": (
            "El cuerpo debe enviarse en UTF-8: el Content-Type indica otro juego de caracteres. "
            "No se encoló nada."
        ),
        "method-not-allowed.title": "Método no permitido",
        "method-not-allowed.detail": (
            "Método no admitido: {got}: la cabecera Allow nombra los que se admiten."
        ),
        "unavailable.title": "No disponible por el momento",
        "unavailable.detail": (
            "Un servicio del que depende este no respondió. Vuelva a intentarlo tras el tiempo de "
            "Retry-After."
        ),
        "unavailable.submission": (
            "La cola no respondió, así que la orden puede estar encolada. Envíela de nuevo tras el "
            "tiempo de Retry-After: los mismos bytes con la misma Idempotency-Key cuentan una sola "
            "vez."
        ),
        "internal-error.title": "Error interno",
        "internal-error.detail": (
            "Algo falló aquí. Vuelva a intentarlo, con una orden los mismos bytes y la misma "
            "Idempotency-Key; si persiste, comunique al operador el X-Request-Id de esta respuesta."
        ),
        "unknown-path.title": "Ruta desconocida",
        "unknown-path.detail": "La API no tiene nada en {path}.",
        "malformed-request.title": "Petición mal formada",
        "malformed-request.line": (
            "La línea de petición debe ser como GET /orders HTTP/1.1: se recibió {got}."
        ),
        "malformed-request.length": "El Content-Length no es un número.",
        "malformed-request.negative": "El Content-Length no debe ser negativo: se recibió {got}.",
        "malformed-request.chunks": "El cuerpo por fragmentos está mal formado.",
        "request-too-large.title": "Petición demasiado grande",
        "request-too-large.detail": ("Una petición puede tener {most} bytes. No se encoló nada."),
    },
}

LANGUAGES = tuple(MESSAGES)
# One entry of Accept-Language: a language, perhaps with a region, and perhaps with its weight.
ENTRY = re.compile(
    r"\s*([a-z]{1,8}|\*)(?:-[a-z0-9]{1,8})*\s*(?:;\s*q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)\s*)?",
    re.IGNORECASE | re.ASCII,
)


class Message(str):
    """
    A message in English, which knows how to say itself in another language.

    It is a string like any other wherever it is compared, stored or sent; what is read back from
    there is a plain one, and stays in English.
    """

    __slots__ = ("key", "parameters")

    key: str
    parameters: Mapping[str, Any]


def message(key: str, /, **parameters: Any) -> Message:
    """The message of a key. A parameter may be a message itself."""
    made = Message(MESSAGES[ENGLISH][key].format(**parameters))
    made.key = key
    made.parameters = parameters
    return made


def translate(text: str, language: str) -> str:
    """The text in a language of `LANGUAGES`, if it is a message; any other text as it is."""
    if not isinstance(text, Message):
        return text
    return MESSAGES[language][text.key].format(
        **{
            name: translate(value, language) if isinstance(value, str) else value
            for name, value in text.parameters.items()
        }
    )


def message_of(error: Exception) -> str:
    """The message that an error was raised with: `str` of the error would be a plain string."""
    text: str = error.args[0]
    return text


def preferred_language(accept_language: str) -> str:
    """
    The language of `LANGUAGES` that an Accept-Language header prefers (RFC 9110): English if none.

    Of equal weights the first one counts. What is not well formed is passed over, never refused.
    """
    chosen, highest = ENGLISH, 0.0
    for entry in accept_language.split(","):
        found = ENTRY.fullmatch(entry)
        if not found:
            continue
        language = found[1].lower().replace("*", ENGLISH)
        weight = float(found[2] or 1)
        if language in LANGUAGES and weight > highest:
            chosen, highest = language, weight
    return chosen
