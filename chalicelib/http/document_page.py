"""
The API's description as a page: the OpenAPI document in HTML, whole in itself.

No script, no font, no picture and no network: it can be read on a train, and under any path. It
renders the parts of OpenAPI that the document uses, and leaves out parts that it does not know.
"""

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from typing import Any

STYLE = """
:root{color-scheme:light dark;--line:#8884;--soft:#8882;--link:light-dark(#0b57d0,#8ab4f8)}
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:1rem}
h1,h2,h3{line-height:1.25}h2{margin-top:2.5rem;border-top:1px solid var(--line);padding-top:1rem}
a{color:var(--link)}code,pre{font:.9em ui-monospace,monospace;overflow-wrap:anywhere}
code{background:var(--soft);border-radius:3px;padding:0 .25em}
td:first-child code,td:last-child code{white-space:nowrap}
pre{background:var(--soft);border-radius:6px;padding:.75rem;overflow-x:auto}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:.35rem .75rem .35rem 0;
border-bottom:1px solid var(--line)}
nav li{margin:.25rem 0}.note{font-style:italic}
"""
# Should a text of the document ever get by the escaping, the browser still runs and loads nothing.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    f"style-src 'sha256-{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'"
)
HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    # For browsers that don't know frame-ancestors.
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
}

# The limits that a schema may set, and how each is said.
LIMITS = {
    "exclusiveMinimum": "more than {}",
    "minimum": "at least {}",
    "maximum": "at most {}",
    "default": "{} if it is left out",
    "format": "{}",
    "pattern": "like {}",
}

Json = Mapping[str, Any]


def render_page(document: Json) -> str:
    """Write the page of a document. Its links are relative, so it works under any prefix."""
    info = document["info"]
    page = _Page(document)
    title = escape(info["title"])
    return "".join(
        [
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{title}</title><style>{STYLE}</style></head><body><main>",
            f"<h1>{title} {escape(info['version'])}</h1>",
            _paragraph(info["summary"]),
            _paragraph(info["description"]),
            f"<p>Base path: <code>{escape(document['servers'][0]['url'])}</code>. ",
            'For programs: <a href="openapi.json">openapi.json</a>, in OpenAPI 3.1. ',
            "The queue's messages, and the events: ",
            '<a href="asyncapi.json">asyncapi.json</a>, in AsyncAPI 3.0.</p>',
            f"<nav><ul>{''.join(page.contents())}</ul></nav>",
            *page.operations(),
            "<h2>Schemas</h2>",
            *page.schemas(),
            "</main></body></html>\n",
        ]
    )


class _Page:
    """The parts of a page."""

    def __init__(self, document: Json) -> None:
        self._document = document
        self._operations = [
            (f"{method.upper()} {path}", operation)
            for path, methods in document["paths"].items()
            for method, operation in methods.items()
        ]

    def contents(self) -> Iterator[str]:
        for name, operation in self._operations:
            anchor = escape(operation["operationId"])
            yield f'<li><a href="#{anchor}"><code>{escape(name)}</code></a> '
            yield f"{escape(operation['summary'])}</li>"

    def operations(self) -> Iterator[str]:
        for name, operation in self._operations:
            yield f'<section id="{escape(operation["operationId"])}">'
            yield f"<h2><code>{escape(name)}</code></h2>"
            yield _paragraph(f"{operation['summary']}.")
            yield _paragraph(operation.get("description", ""))
            if operation.get("security") == [{}]:
                yield '<p class="note">Open to anyone, on every stage.</p>'
            yield from self._parameters(operation["parameters"])
            if "requestBody" in operation:
                yield from self._request_body(operation["requestBody"])
            yield from self._responses(operation["responses"])
            yield "</section>"

    def schemas(self) -> Iterator[str]:
        for name, schema in self._document["components"]["schemas"].items():
            yield f'<section id="schema-{escape(name)}"><h3>{escape(name)}</h3>'
            yield f"{_paragraph(schema.get('description', ''))}<p>{_rule(schema)}</p>"
            yield from _properties(schema)
            yield "</section>"

    def _parameters(self, parameters: Iterable[Json]) -> Iterator[str]:
        yield "<h3>Parameters</h3>"
        yield _table(
            ("name", "in", "value", "meaning"),
            [
                (
                    f"<code>{escape(one['name'])}</code>",
                    escape(one["in"]) + (", required" if one.get("required") else ""),
                    _rule(one["schema"]),
                    _prose(one.get("description", "")),
                )
                for one in map(self._resolved, parameters)
            ],
        )

    def _request_body(self, body: Json) -> Iterator[str]:
        yield f"<h3>Body</h3>{_paragraph(body['description'])}"
        for content_type, media in body["content"].items():
            yield f"<p><code>{escape(content_type)}</code>: {_rule(media['schema'])}</p>"
            for example in media["examples"].values():
                yield f"<pre>{escape(_as_sent(example['value']))}</pre>"

    def _responses(self, responses: Json) -> Iterator[str]:
        yield "<h3>Answers</h3>"
        yield _table(
            ("status", "meaning", "body", "headers"),
            [
                (
                    f"<code>{escape(status)}</code>",
                    _prose(response["description"]),
                    "<br>".join(
                        f"<code>{escape(content_type)}</code> {_rule(media['schema'])}"
                        for content_type, media in response.get("content", {}).items()
                    ),
                    "<br>".join(f"<code>{escape(name)}</code>" for name in response["headers"]),
                )
                for status, response in (
                    (status, self._resolved(response)) for status, response in responses.items()
                )
            ],
        )

    def _resolved(self, value: Json) -> Json:
        """Resolve a reference, and add the reference's own words; leave all else as it is."""
        if "$ref" not in value:
            return value
        found: Any = self._document
        for name in value["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        return {**found, **value}


def _as_sent(example: Any) -> str:
    """Write an example of a body; one that is no JSON is a text already."""
    return example if isinstance(example, str) else json.dumps(example, indent=2)


def _rule(schema: Json) -> str:
    """Say in a few words what a value must be; its properties are shown apart."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#schema-{name}">{name}</a>'
    if "oneOf" in schema:
        return " or ".join(map(_rule, schema["oneOf"]))
    values = schema.get("enum", [schema["const"]] if "const" in schema else [])
    if values:
        return ", ".join(f"<code>{escape(str(value))}</code>" for value in values)
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    parts = [escape(" or ".join(types))]
    inner = schema.get("items", schema.get("additionalProperties"))
    if inner:
        parts[0] += f" of {_rule(inner)}"
    parts += [
        said.format(f"<code>{escape(str(schema[name]))}</code>")
        for name, said in LIMITS.items()
        if name in schema
    ]
    return ", ".join(parts)


def _properties(schema: Json) -> Iterator[str]:
    """Write the table of an object's properties, and of the objects in it that have no name."""
    if "properties" in schema:
        required = schema.get("required", [])
        yield _table(
            ("property", "value", "meaning"),
            [
                (
                    f"<code>{escape(name)}</code>" + ("" if name in required else " (optional)"),
                    _rule(inner),
                    _prose(inner.get("description", "")),
                )
                for name, inner in schema["properties"].items()
            ],
        )
        for name, inner in schema["properties"].items():
            within = list(_properties(inner))
            if within:
                yield f"<p>Each of <code>{escape(name)}</code>:</p>"
                yield from within
    for name in ("items", "additionalProperties"):
        if isinstance(schema.get(name), dict):
            yield from _properties(schema[name])


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = "".join(f'<th scope="col">{name}</th>' for name in heads)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="scroll"><table><tr>{head}</tr>{body}</table></div>'


def _paragraph(text: str) -> str:
    return f"<p>{_prose(text)}</p>" if text else ""


def _prose(text: str) -> str:
    """Text of the document, in which `code` may stand as in Markdown."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
