"""The arrows between modules: imports go one way, and what does I/O stays at the edge."""

import ast
from pathlib import Path

import pytest

MODULES = {path.stem: path for path in Path("chalicelib").glob("*.py") if path.stem != "__init__"}

DOMAIN = {"messages", "orders", "submissions"}
STORES = {
    "event_bus",
    "event_topic",
    "record_items",
    "record_store",
    "order_archive",
    "order_queue",
    "unavailable",
}
SERVICES = {"cursors", "events", "intake", "processing", "queries", "health"}
EDGE = {
    "api_document",
    "api_page",
    "telemetry",
    "query_parameters",
    "problems",
    "representation",
    "web",
}
ROOT = {"api", "settings", "wiring"}

# What each module may import of this project, as groups.
ALLOWED = {
    "messages": set(),
    "orders": {"messages"},
    "submissions": {"orders"},
    **dict.fromkeys(STORES - {"unavailable"}, DOMAIN | STORES),
    "unavailable": set(),
    **{name: DOMAIN | STORES | {"cursors"} for name in SERVICES},
    "telemetry": DOMAIN | {"processing", "settings", "unavailable"},
    **dict.fromkeys(EDGE - {"telemetry"}, DOMAIN | STORES | SERVICES | EDGE),
    "settings": set(),
    "api": EDGE | {"health", "wiring"},
    "wiring": DOMAIN | STORES | SERVICES | {"telemetry", "settings"},
}


def imports_of(path: Path, *, at_run_time: bool = True) -> set[str]:
    """The modules that a file imports; those for type checkers only, if they are asked for."""
    tree = ast.parse(path.read_text())
    if at_run_time:
        tree.body = [node for node in tree.body if not _for_types_only(node)]
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def _for_types_only(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def imported_modules(path: Path) -> set[str]:
    """The modules of chalicelib that a file imports."""
    names = {name.split(".")[1] for name in imports_of(path) if name.startswith("chalicelib.")}
    return names & MODULES.keys()


def test_every_module_has_its_place() -> None:
    assert set(MODULES) == DOMAIN | STORES | SERVICES | EDGE | ROOT == set(ALLOWED)


@pytest.mark.parametrize("module", sorted(MODULES))
def test_imports_go_one_way(module: str) -> None:
    assert imported_modules(MODULES[module]) <= ALLOWED[module]


@pytest.mark.parametrize("module", sorted(set(MODULES) - {"wiring"}))
def test_only_the_wiring_makes_clients(module: str) -> None:
    sources = ("boto3", "botocore.session")

    assert not {name for name in imports_of(MODULES[module]) if name.startswith(sources)}


@pytest.mark.parametrize("module", sorted(set(MODULES) - {"settings"}))
def test_only_the_settings_read_the_environment(module: str) -> None:
    text = MODULES[module].read_text()

    assert "environ" not in text.replace("the environment", "").replace("environment", "")
    assert "getenv" not in text


@pytest.mark.parametrize("module", sorted(DOMAIN))
def test_the_domain_stands_on_the_standard_library_alone(module: str) -> None:
    foreign = {name.split(".")[0] for name in imports_of(MODULES[module])}

    assert not foreign & {"boto3", "botocore", "chalice", "aws_lambda_powertools"}


@pytest.mark.parametrize("path", [*MODULES.values(), Path("app.py")], ids=str)
def test_nothing_that_is_deployed_imports_what_is_not(path: Path) -> None:
    assert not {name for name in imports_of(path) if name.split(".")[0] in {"ops", "tests"}}


# What each folder of ops imports of the others. What they share are the modules beside them.
OPS_ARROWS: dict[str, set[str]] = {
    "cli": {"console", "cost", "deploy", "desk", "lint", "local"},
    "console": {"desk"},
    **{folder: set() for folder in ("cost", "deploy", "desk", "lint", "local")},
}


@pytest.mark.parametrize("path", sorted(Path("ops").rglob("*.py")), ids=str)
def test_folders_of_ops_import_one_way(path: Path) -> None:
    imports = imports_of(path, at_run_time=False)
    names = {name.split(".")[1] for name in imports if name.startswith("ops.")}
    folder = path.parts[1]

    assert names & OPS_ARROWS.keys() <= OPS_ARROWS.get(folder, set()) | {folder}


def test_every_folder_of_ops_has_its_arrows() -> None:
    assert {path.parent.name for path in Path("ops").glob("*/__init__.py")} == OPS_ARROWS.keys()
