"""The README in English and in Spanish: both say the same."""

import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from ops.local.presentation import PROMISE
from ops.project import PROJECT_ROOT

ENGLISH, SPANISH = "README.md", "README.es.md"
READMES = [ENGLISH, SPANISH]

FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# An empty line between two indented ones is part of their block.
INDENTED = re.compile(r"(?:^ {4}[^\n]+\n(?:\n(?= {4}))?)+", re.MULTILINE)
COMMENT = re.compile(r" +# [^\n]*")
DIAGRAM_WORDS = re.compile(r"(?<=--) [^\n]*? (?=-->)|(?<=-\.) [^\n]*? (?=\.->)|[\[(]+[^\n]*?[\])]+")
PARAGRAPH_END = re.compile(r"\n{2,}")
CELL_BORDER = re.compile(r"(?<!\\)\|")
LINK = re.compile(r"\]\(([^)\s]+)\)")
INLINE_CODE = re.compile(r"`([^`]+)`")
FIGURE = re.compile(r"\d+(?:[.,:]\d+)*")
IN_SPANISH = " -H 'Accept-Language: es'"
MESSAGE = re.compile(r'"message": "[^"]*"')
MAKE_TARGET = re.compile(r"(?:`|^ {4}|^\$ )make ([a-z][a-z-]*)", re.MULTILINE)


def text_of(readme: str) -> str:
    return (PROJECT_ROOT / readme).read_text(encoding="utf-8")


def prose(text: str) -> str:
    """Remove the text's code blocks: "#" and "|" in a command are no Markdown."""
    return INDENTED.sub("", FENCED.sub("", text))


def sections(text: str) -> list[str]:
    return re.split(r"^#+ ", prose(text), flags=re.MULTILINE)


def in_any_order(found: Callable[[str], list[str]], text: str) -> list[str]:
    """Sort the findings of each section: sentences have another order in another language."""
    return [
        f"section {number}: {each}"
        for number, section in enumerate(sections(text))
        for each in sorted(found(section))
    ]


def heading_levels(text: str) -> list[str]:
    return re.findall(r"^(#+) ", prose(text), re.MULTILINE)


def paragraphs(text: str) -> list[str]:
    return [
        f"section {number}: {len(PARAGRAPH_END.findall(section.strip())) + 1} paragraphs"
        for number, section in enumerate(sections(text))
    ]


def list_items(text: str) -> list[str]:
    return re.findall(r"^ *(-|\d+\.) ", prose(text), re.MULTILINE)


def table_shapes(text: str) -> list[str]:
    """Count the rows and columns of each table."""
    tables = re.findall(r"(?:^\|.*\n)+", prose(text), re.MULTILINE)
    return [
        f"table {number}, row {row}: {len(CELL_BORDER.findall(line)) - 1} columns"
        for number, table in enumerate(tables, 1)
        for row, line in enumerate(table.splitlines(), 1)
    ]


def consoles(text: str) -> list[str]:
    """Find the commands with their output, to the letter, but for the messages of the API."""
    bodies = [body for language, body in FENCED.findall(text) if language == "console"]
    return [MESSAGE.sub('"message": ""', body.replace(IN_SPANISH, "")) for body in bodies]


def other_code(text: str) -> list[str]:
    """Find all other code, without comments and a diagram's words, which are translated."""
    fenced = [
        f"{language}\n{DIAGRAM_WORDS.sub('', body) if language == 'mermaid' else body}"
        for language, body in FENCED.findall(text)
        if language != "console"
    ]
    return fenced + [COMMENT.sub("", block) for block in INDENTED.findall(FENCED.sub("", text))]


def link_targets(text: str) -> list[str]:
    """
    List the links' targets in order; X.es.md and X.es.png are X.md and X.png in Spanish.

    A heading of the page itself has another name in another language.
    """
    targets = [target.replace(".es.", ".") for target in LINK.findall(prose(text))]
    return [re.sub("^#.*", "#a heading of this page", target) for target in targets]


def anchor(heading: str) -> str:
    """Make the name by which GitHub links a heading."""
    return "#" + re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def inline_code(text: str) -> list[str]:
    return in_any_order(INLINE_CODE.findall, text)


def figures(text: str) -> list[str]:
    """Find the figures of the prose; 1.04 is 1,04 in Spanish."""

    def found(section: str) -> list[str]:
        words = INLINE_CODE.sub("", LINK.sub("]", section))
        return [figure.replace(",", ".") for figure in FIGURE.findall(words)]

    return in_any_order(found, text)


PARTS = [
    heading_levels,
    paragraphs,
    list_items,
    table_shapes,
    consoles,
    other_code,
    link_targets,
    inline_code,
    figures,
]


@pytest.mark.parametrize("part", PARTS)
def test_the_two_readmes_say_the_same(part: Callable[[str], list[str]]) -> None:
    """If this fails, one README was changed and the other was not."""
    english, spanish = part(text_of(ENGLISH)), part(text_of(SPANISH))

    assert english, "nothing is compared"
    assert spanish == english


SAMPLE = """\
# Title

It takes 2 `batches` of [orders](docs/orders.md).

```mermaid
    a[one] -- yes --> b[two]
```

## Run it

- first

| a | b |
|---|---|
| 1 | 2 |

    make run    # starts it

```console
$ echo "# 1 | 2"
# 1 | 2
```
"""


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ("## Run", "### Run", heading_levels),
        ("\n- first\n", "\nMore.\n\n- first\n", paragraphs),
        ("- first", "- first\n- second", list_items),
        ("| 1 | 2 |\n\n", "| 1 | 2 |\n| c | d |\n\n", table_shapes),
        ("| a | b |", "| a | b | c |", table_shapes),
        ("\n# 1 | 2", "\n# 1 | 3", consoles),
        ("make run ", "make test ", other_code),
        ("--> b", "--> c", other_code),
        ("orders.md", "order.md", link_targets),
        ("`batches`", "`batch`", inline_code),
        ("takes 2", "takes 3", figures),
    ],
)
def test_a_change_to_one_readme_is_noticed(
    old: str, new: str, part: Callable[[str], list[str]]
) -> None:
    changed = SAMPLE.replace(old, new)

    assert changed != SAMPLE
    assert [each for each in PARTS if each(changed) != each(SAMPLE)] == [part]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Run it", "Ejecutarlo"),
        ("starts it", "lo arranca"),
        ("[one] -- yes -->", "[uno] -- sí -->"),
        ("docs/orders.md", "docs/orders.es.md"),
    ],
)
def test_a_translation_is_not_a_change(old: str, new: str) -> None:
    translated = SAMPLE.replace(old, new)

    assert translated != SAMPLE
    assert [each for each in PARTS if each(translated) != each(SAMPLE)] == []


def test_each_readme_leads_to_the_other_at_its_top() -> None:
    assert LINK.findall(text_of(ENGLISH))[0] == SPANISH
    assert LINK.findall(text_of(SPANISH))[0] == ENGLISH


@pytest.mark.parametrize("readme", READMES)
def test_the_contents_list_every_section_after_them(readme: str) -> None:
    _, contents, *headings = re.findall(r"^##? (.*)$", prose(text_of(readme)), re.MULTILINE)
    listed = re.split(r"^##? ", prose(text_of(readme)), flags=re.MULTILINE)[2]

    assert listed.startswith(contents)
    assert re.findall(r"^- \[(.*)\]\((.*)\)$", listed, re.MULTILINE) == [
        (heading, anchor(heading)) for heading in headings
    ]


def test_the_spanish_readme_links_spanish_pages_where_they_exist() -> None:
    pages = [Path(target) for target in LINK.findall(text_of(SPANISH)) if target != ENGLISH]
    in_spanish = [page.with_suffix(f".es{page.suffix}") for page in pages]

    assert [page for page in in_spanish if (PROJECT_ROOT / page).exists()] == []


def test_the_readme_waits_before_it_reads_a_queued_order() -> None:
    """Commands that are pasted as one block must print the output below them."""
    commands = re.findall(r"^\$ (.*)$", "".join(consoles(text_of(ENGLISH))), re.MULTILINE)

    hasty = [
        command
        for before, command in pairwise(commands)
        if " -d " in before
        and " -d " not in command
        # The second one waits in the API.
        and not (command.startswith("sleep") or "&wait=" in command)
    ]
    assert hasty == []


def test_the_readme_promises_what_make_run_does() -> None:
    assert " ".join(PROMISE.split()) in " ".join(text_of(ENGLISH).split())


@pytest.mark.parametrize("readme", READMES)
def test_every_make_target_of_a_readme_exists(readme: str) -> None:
    targets = re.findall(r"^([a-z-]+):", text_of("Makefile"), re.MULTILINE)
    mentioned = set(MAKE_TARGET.findall(text_of(readme)))

    assert {"run", "test", "check", "deploy"} <= mentioned <= set(targets)
