"""The console's HTML: text from outside is text there, whatever it says and wherever it stands."""

import ast
import html.parser
from pathlib import Path

import pytest
from markupsafe import Markup

from ops.console.components import copy_button, empty, facts, notice
from ops.console.markup import VOID, join, tag
from ops.console.records import order_link
from ops.console.tables import Column, table
from ops.terminal.visible import visible_lines
from tests.hostile_texts import HOSTILE, IN_ONE

CODE = sorted(Path("ops/console").rglob("*.py"))
TEXTS = [
    *HOSTILE,
    *IN_ONE,
    "<script>alert(1)</script>",
    "</textarea><img src=x onerror=alert(1)>",
    "\" onmouseover='alert(1)' x=\"",
    "{{ 1 + 1 }}",
    "&lt;b&gt;",
    "--><b>",
]
# Parts of NiceGUI that take a string for HTML, Markdown, a stylesheet or a program.
TAKE_MARKUP = {"markdown", "restructured_text", "mermaid", "interactive_image", "chat_message"}
TAKE_MARKUP |= {"add_css", "add_sass", "add_scss", "run_javascript", "add_slot", "add_head_html"}
TAKE_MARKUP |= {"add_body_html", "html", "set_content", "on", "props", "style", "notification"}
# Each call that has one of them, with the argument that it may have.
ALLOWED = {
    "ui.html(str(join(*children)), sanitize=False, tag=element)",
    "ui.run_javascript(f'const it = getHtmlElement({self._element.id}); {code}')",
}
# Their content is made with `tag`, and by the types it is Markup.
MARKUP_METHODS = {"self._figures.set_content", "self._table.set_content"}


class Reader(html.parser.HTMLParser):
    """Reads HTML as a browser does: the text, the elements and their attributes."""

    def __init__(self, written: str) -> None:
        super().__init__()
        self.text = ""
        self.elements: list[str] = []
        self.values: list[str | None] = []
        self.feed(written)
        self.close()

    def handle_starttag(self, name: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append(name)
        self.values += [value for _, value in attributes]

    def handle_data(self, data: str) -> None:
        self.text += data


def seen(text: str) -> str:
    """Write a text as a page shows it: with its line breaks."""
    return visible_lines(text)


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("element", ["p", "td", "code", "pre", "option", "textarea", "summary"])
def test_text_in_an_element_is_text(element: str, text: str) -> None:
    read = Reader(tag(element, text))

    shown = text if element == "textarea" else seen(text)
    assert (read.text.removeprefix("\n") or shown) == shown
    assert read.elements == [element]


@pytest.mark.parametrize("text", TEXTS)
def test_an_attribute_holds_exactly_its_value(text: str) -> None:
    read = Reader(tag("a", "x", href=text, data_copies=text, title=text))

    assert read.values == [text] * 3
    assert read.elements == ["a"]


@pytest.mark.parametrize("text", TEXTS)
def test_text_in_every_part_of_a_page_is_text(text: str) -> None:
    parts = [
        notice(text),
        empty(text, text),
        facts([(text, text)]),
        table(text, [Column(text)], [[text], [order_link(text)]]),
        copy_button(text, text, text),
        join(text, [text, None], tag("b", text)),
    ]
    plain = [
        notice("x"),
        empty("x", "x"),
        facts([("x", "x")]),
        table("x", [Column("x")], [["x"], [order_link("x")]]),
        copy_button("x", "x", "x"),
        join("x", ["x", None], tag("b", "x")),
    ]

    assert Reader(join(*parts)).elements == Reader(join(*plain)).elements
    assert seen(text) in Reader(join(*parts)).text


@pytest.mark.parametrize("element", ["pre", "textarea"])
def test_a_line_break_at_the_beginning_is_not_lost(element: str) -> None:
    """The HTML parser takes off the first one."""
    assert tag(element, "\na") == f"<{element}>\n\na</{element}>"
    assert tag(element, "a\n") == f"<{element}>a\n</{element}>"


def test_a_text_that_is_edited_is_not_rewritten() -> None:
    """The form sends it back, and it is handed in."""
    assert tag("textarea", "a\u202eb") == "<textarea>a\u202eb</textarea>"
    assert tag("p", "a\u202eb") == "<p>a\\u202eb</p>"


def test_a_void_element_holds_nothing() -> None:
    assert {tag(name) for name in VOID} == {f"<{name}>" for name in VOID}


@pytest.mark.parametrize("path", CODE, ids=str)
def test_no_page_takes_a_string_for_markup(path: Path) -> None:
    assert markup_of(path.read_text()) == []


@pytest.mark.parametrize(
    "code",
    [
        "ui.html(name)",
        "ui.html(f'<b>{name}</b>', sanitize=False)",
        "ui.markdown(text)",
        "ui.run_javascript(f'go({name})')",
        "ui.notify(text, html=True)",
        "element.props(f'aria-label={name}')",
        "element.on('click', js_handler=name)",
        "Markup(f'<b>{name}</b>')",
        "Markup(name)",
        "Markup('<b>%s</b>' % name)",
        "tag(name)",
        "ui.html(str(name))",
        "element.add_slot('body', name)",
        "x = {f':{name}': 1}",
        "ui.element('div').style(name)",
    ],
)
def test_each_way_to_take_a_string_for_markup_is_found(code: str) -> None:
    assert markup_of(code)


@pytest.mark.parametrize(
    "code",
    [
        "ui.notify(text)",
        "element.props('aria-live=polite')",
        "element.on('click', lambda _: go(), args=[])",
        "element.on('submit', go, js_handler=FORM_FIELDS)",
        "Markup('<b>')",
        "Markup('<{}>').format(name)",
        "tag('p', name)",
        "tag('a' if link else 'b', name)",
        "ui.html(str(tag('p', name)))",
    ],
)
def test_text_and_constants_are_let_be(code: str) -> None:
    assert markup_of(code) == []


def markup_of(code: str) -> list[str]:
    """Find the calls and keys in which something that is no constant could be markup."""
    return [
        ast.unparse(node)
        for node in ast.walk(ast.parse(code))
        if (isinstance(node, ast.Call) and _takes_markup(node)) or _is_computed_key(node)
    ]


def _takes_markup(call: ast.Call) -> bool:
    name = ast.unparse(call.func)
    last = name.rpartition(".")[2]
    if ast.unparse(call) in ALLOWED or name in MARKUP_METHODS:
        return False
    if any(keyword.arg == "html" for keyword in call.keywords):
        return True
    if name in {"Markup", "tag"}:
        return bool(call.args) and not _is_constant(call.args[0])
    if "." not in name or last not in TAKE_MARKUP:
        return False
    if last == "on":
        return not all(map(_is_constant, call.args[:1])) or any(
            keyword.arg == "js_handler" and not _is_constant(keyword.value)
            for keyword in call.keywords
        )
    return not all(map(_is_constant, call.args))


def _is_constant(node: ast.expr) -> bool:
    """Tell whether a value is written in the code: as a literal, a constant's name, or by tags."""
    match node:
        case ast.Constant():
            return True
        case ast.Name(id=name):
            return name.isupper()
        case ast.IfExp():
            return _is_constant(node.body) and _is_constant(node.orelse)
        case ast.Call(func=ast.Name(id="str"), args=[ast.Call(func=ast.Name(id=made))]):
            return made in {"join", "tag"}
    return False


def _is_computed_key(node: ast.AST) -> bool:
    # The browser runs an option of a plot whose name begins with a colon.
    return isinstance(node, ast.Dict) and any(isinstance(key, ast.JoinedStr) for key in node.keys)


def test_markup_is_never_made_of_two_strings() -> None:
    assert Markup("<b>") + "<i>" == "<b>&lt;i&gt;"
