"""The arrows between folders: imports go one way, and only the edge does I/O."""

import ast
import sys
from pathlib import Path

import pytest

# Each deployed part, and the others that it imports: app -> http -> services -> orders.
ARROWS: dict[str, set[str]] = {
    "orders": set(),
    "services": {"orders"},
    "aws": {"services", "orders"},
    "texts": {"orders"},
    "http": {"services", "orders", "texts"},
    "telemetry": {"services", "orders", "settings"},
    "settings": set(),
    "application": {"services", "orders", "aws", "telemetry", "settings"},
    "chalice_local": {"services", "aws", "application", "settings"},
    "compiled_patterns": set(),
    "app": {
        *("services", "http", "application", "settings", "aws", "chalice_local"),
        "compiled_patterns",
    },
}
DEPLOYED = [path for path in sorted(Path("chalicelib").rglob("*.py")) if path.parts[1:-1]]
DEPLOYED += [*Path("chalicelib").glob("[!_]*.py"), Path("app.py")]
MAKE_CLIENTS = ("boto3", "botocore.session")


def part_of(path: Path) -> str:
    """Name the part of a file: its folder in chalicelib, or the file itself."""
    return path.parts[1].removesuffix(".py") if len(path.parts) > 1 else path.stem


def imports_of(path: Path, *, at_run_time: bool = True) -> set[str]:
    """Find the modules that a file imports, with or without those for type checkers."""
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


def in_parts(*parts: str) -> list[Path]:
    return [path for path in DEPLOYED if part_of(path) in parts]


def outside(*parts: str) -> list[Path]:
    return [path for path in DEPLOYED if part_of(path) not in parts]


def test_every_part_has_its_arrows() -> None:
    assert {part_of(path) for path in DEPLOYED} == ARROWS.keys()


@pytest.mark.parametrize("path", DEPLOYED, ids=str)
def test_parts_import_one_way(path: Path) -> None:
    imports = imports_of(path, at_run_time=False)
    names = {name.split(".")[1] for name in imports if name.startswith("chalicelib.")}

    assert names <= ARROWS[part_of(path)] | {part_of(path)}


@pytest.mark.parametrize("path", in_parts("orders"), ids=str)
def test_the_domain_imports_the_standard_library_alone_and_does_no_io(path: Path) -> None:
    imported = {name.split(".")[0] for name in imports_of(path, at_run_time=False)}

    assert imported <= sys.stdlib_module_names | {"chalicelib"}
    assert not imported & {"http", "io", "logging", "os", "pathlib", "socket", "tomllib", "urllib"}
    assert "open(" not in path.read_text()


@pytest.mark.parametrize("path", in_parts("services", "texts"), ids=str)
def test_services_and_texts_import_no_library(path: Path) -> None:
    imported = {name.split(".")[0] for name in imports_of(path, at_run_time=False)}

    assert imported <= sys.stdlib_module_names | {"chalicelib"}


@pytest.mark.parametrize("path", outside("aws"), ids=str)
def test_only_aws_makes_clients(path: Path) -> None:
    assert not {name for name in imports_of(path) if name.startswith(MAKE_CLIENTS)}
    assert "create_client" not in path.read_text()


@pytest.mark.parametrize("path", outside("settings"), ids=str)
def test_only_the_settings_read_the_environment(path: Path) -> None:
    names = {
        node.attr if isinstance(node, ast.Attribute) else node.id
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute | ast.Name)
    }

    assert not names & {"environ", "environb", "getenv"}
    assert not imports_of(path) & {"os.environ", "os.environb", "os.getenv"}


@pytest.mark.parametrize("path", DEPLOYED, ids=str)
def test_deployed_code_imports_only_deployed_code(path: Path) -> None:
    assert not {name for name in imports_of(path) if name.split(".")[0] in {"ops", "tests"}}


@pytest.mark.parametrize("path", sorted(Path("ops").rglob("*.py")), ids=str)
def test_sessions_of_ops_are_made_where_they_get_their_guards(path: Path) -> None:
    """Each counts only answers of AWS, and names a setting that it can't use."""
    made = any(
        isinstance(node, ast.Call) and ast.unparse(node.func).startswith("boto3.")
        for node in ast.walk(ast.parse(path.read_text()))
    )

    assert made == (str(path) in {"ops/aws_session.py", "ops/local_stage.py"})


# Each folder of ops, and the others that it imports. They share the modules beside them.
OPS_ARROWS: dict[str, set[str]] = {
    "cli": {
        *("bulk", "console", "cost", "deploy", "desk", "lint", "local", "roles", "terminal"),
        *("texts", "verify"),
    },
    "bulk": {"deploy", "desk", "terminal"},
    "verify": {"deploy", "desk", "lint"},
    "console": {"desk", "roles", "terminal", "texts"},
    "desk": {"roles", "texts"},
    "deploy": {"lint", "terminal"},
    "local": {"terminal"},
    **{folder: set() for folder in ("cost", "lint", "roles", "terminal", "texts")},
}
BESIDE_THEM = {"vendor.py": {"terminal"}}


@pytest.mark.parametrize("path", sorted(Path("ops").rglob("*.py")), ids=str)
def test_folders_of_ops_import_one_way(path: Path) -> None:
    imports = imports_of(path, at_run_time=False)
    names = {name.split(".")[1] for name in imports if name.startswith("ops.")}
    folder = path.parts[1]
    allowed = (OPS_ARROWS | BESIDE_THEM).get(folder, set())

    assert names & OPS_ARROWS.keys() <= allowed | {folder}


def test_every_folder_of_ops_has_its_arrows() -> None:
    assert {path.parent.name for path in Path("ops").glob("*/__init__.py")} == OPS_ARROWS.keys()
