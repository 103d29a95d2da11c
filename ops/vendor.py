"""
Fill vendor/: the packaged functions then bring their own botocore, and start faster.

`make deploy` and `python -m ops package` do it by themselves, in a copy of the project. `make
vendor` does it in the checkout, for a plain `chalice deploy`.

Chalice puts the content of vendor/ at the root of the package, where Python finds it before
Lambda's own libraries. Each thing in it saves a share of a cold start's instructions
(docs/decisions/0009-optimisations.md):

- botocore, the release that this checkout is tested with. It brings the data of the used services
  and operations only, because each start parses it. Saves 29%.
- bytecode for all modules of the package, chalicelib's in its own directory. Lambda can't write
  bytecode, so without it each start compiles the modules. Saves 73%.
- the regular expressions of all modules, compiled (chalicelib/compiled_patterns.py). Saves 10% of
  its CPU.
- modules that load what no function uses, made to load it on demand (ops/lazy_modules.py). Saves 6%
  of its CPU.

Without vendor/ the package works as well, with the botocore that Lambda has.
"""

from __future__ import annotations

import gzip
import json
import shutil
import sys
import tempfile
from importlib.metadata import distribution
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chalicelib.aws.clients import OPERATIONS
from chalicelib.compiled_patterns import MODULE as PATTERNS_MODULE
from ops.bytecode import compile_tree
from ops.lazy_modules import make_lazy
from ops.patterns import NotRecorded, patterns_of
from ops.plain_copy import copy_plainly
from ops.project import PROJECT_ROOT
from ops.terminal.lines import say

if TYPE_CHECKING:
    from collections.abc import Iterator

# Pure Python, so they run on any architecture. requirements.txt brings jmespath.
COPIED = ("botocore", "urllib3", "dateutil", "six")
# requirements.txt and Chalice bring these: only their bytecode is made here.
COMPILED = ("aws_lambda_powertools", "jmespath", "typing_extensions", "chalice.app")
# A stage may do without it: see `packaging.py`.
OBSTORE = "obstore"
# All of these under the names by which requirements-ops.txt pins them.
DISTRIBUTIONS = (
    *("botocore", "urllib3", "python-dateutil", "six"),
    *("aws-lambda-powertools", "jmespath", "typing-extensions", OBSTORE),
)
DISTRIBUTION_OF = {"dateutil": "python-dateutil"}
GENERAL_DATA = ("_retry.json", "partitions.json", "sdk-default-configuration.json")


def fill_vendor(project: Path) -> Path:
    """
    Make vendor/ of a project anew, and its bytecode. Takes a few seconds, and no network.

    Raises:
        NotCompiled: a module is no Python.
    """
    vendor = project / "vendor"
    shutil.rmtree(vendor, ignore_errors=True)
    vendor.mkdir()
    for name in COPIED:
        _copy(_location(name), vendor)
    make_lazy(vendor)
    _write_data(_location("botocore") / "data", vendor / "botocore" / "data")
    _write_bytecode(project, vendor)
    return vendor


def trimmed_service(model: dict[str, Any], operations: set[str]) -> dict[str, Any]:
    """Cut a service's model down to these operations, the shapes that they use, and no prose."""
    kept = {name: model["operations"][name] for name in sorted(operations)}
    wanted, shapes = list(_shape_names(kept)), dict[str, Any]()
    while wanted:
        name = wanted.pop()
        if name not in shapes:
            shapes[name] = model["shapes"][name]
            wanted += _shape_names(shapes[name])
    return {**model, "operations": _without_prose(kept), "shapes": _without_prose(shapes)}


def trimmed_endpoints(endpoints: dict[str, Any]) -> dict[str, Any]:
    """Cut the list of all endpoints down to the used services."""
    partitions = [
        {
            **partition,
            "services": {
                name: service
                for name, service in partition["services"].items()
                if name in OPERATIONS
            },
        }
        for partition in endpoints["partitions"]
    ]
    return {**endpoints, "partitions": partitions}


def _write_data(source: Path, target: Path) -> None:
    target.mkdir()
    for name in GENERAL_DATA:
        shutil.copyfile(source / name, target / name)
    _write(target / "endpoints.json", trimmed_endpoints(_read(source / "endpoints.json")))
    for service, operations in OPERATIONS.items():
        # The newest version, as botocore itself takes it.
        version = max(path for path in (source / service).iterdir() if path.is_dir())
        directory = target / service / version.name
        directory.mkdir(parents=True)
        model = _read(version / "service-2.json.gz")
        _write(directory / "service-2.json", trimmed_service(model, operations))
        rules = _read(version / "endpoint-rule-set-1.json.gz")
        _write(directory / "endpoint-rule-set-1.json", rules)
        for extras in version.glob("service-2.sdk-extras.json"):
            shutil.copyfile(extras, directory / extras.name)


def _shape_names(value: Any) -> Iterator[str]:
    """Find the names of the shapes that a part of a model refers to."""
    if isinstance(value, dict):
        if isinstance(value.get("shape"), str):
            yield value["shape"]
        for part in value.values():
            yield from _shape_names(part)
    elif isinstance(value, list):
        for part in value:
            yield from _shape_names(part)


def _without_prose(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: _without_prose(part)
            for name, part in value.items()
            # A member may have the same name: it is an object, the prose a string.
            if not (name in {"documentation", "documentationUrl"} and isinstance(part, str))
        }
    return [_without_prose(part) for part in value] if isinstance(value, list) else value


def _location(name: str) -> Path:
    """Find an installed module or package, even if PYTHONPATH has another one before it."""
    package, _, module = name.partition(".")
    installed = distribution(DISTRIBUTION_OF.get(package, package))
    directory = Path(str(installed.locate_file(package)))
    if module:
        return directory / f"{module}.py"
    return directory if directory.is_dir() else directory.with_suffix(".py")


def _copy(location: Path, vendor: Path) -> None:
    if location.is_file():
        shutil.copyfile(location, vendor / location.name)
        return
    data = ("data",) if location.name == "botocore" else ()
    copy_plainly(location, vendor / location.name, ("__pycache__", *data))


def _write_bytecode(project: Path, vendor: Path) -> None:
    """Compile the sources in a tree that is laid out as the package, and keep the bytecode only."""
    library = project / "chalicelib"
    # Some of it may be of another Python, or of a module that is gone.
    for cache in list(library.rglob("__pycache__")):
        shutil.rmtree(cache)
    with tempfile.TemporaryDirectory() as directory:
        tree = Path(directory)
        _copy_sources(vendor, vendor, tree)
        for name in _compiled(project):
            location = _location(name)
            _copy_sources(location, location.parents[name.count(".")], tree)
        _copy_sources(project / "app.py", project, tree)
        _copy_sources(library, project, tree)
        _write_patterns(tree, vendor)
        compile_tree(tree)
        for bytecode in tree.rglob("*.pyc"):
            relative = bytecode.relative_to(tree)
            # Chalice packages that directory as it is, bytecode included.
            target = (project if relative.parts[0] == library.name else vendor) / relative
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(bytecode, target)


def _write_patterns(tree: Path, vendor: Path) -> None:
    """Add the module of the package's patterns to vendor/, and to the tree for its bytecode."""
    try:
        text = patterns_of(tree)
    except NotRecorded as error:
        # Somebody's own app may need a variable at its import. It starts slower, no more.
        say(f"The package compiles its regular expressions at each start: {error}")
        return
    for directory in (tree, vendor):
        (directory / f"{PATTERNS_MODULE}.py").write_text(text, encoding="utf-8")


def _compiled(project: Path) -> tuple[str, ...]:
    """List whose bytecode is made here: of all that the project's package will hold."""
    file = project / "requirements.txt"
    required = file.read_text(encoding="utf-8") if file.exists() else ""
    return (*COMPILED, OBSTORE) if f"{OBSTORE}==" in required else COMPILED


def _copy_sources(location: Path, root: Path, tree: Path) -> None:
    """Copy a module, or all below a directory, to their places below `tree` relative to `root`."""
    for source in location.rglob("*.py") if location.is_dir() else [location]:
        target = tree / source.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)


def _read(path: Path) -> Any:
    data = path.read_bytes()
    return json.loads(gzip.decompress(data) if path.suffix == ".gz" else data)


def _write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, separators=(",", ":")), encoding="ascii")


if __name__ == "__main__":
    fill_vendor(Path(sys.argv[1]) if sys.argv[1:] else PROJECT_ROOT)
    say("vendor/ is filled, for the next `chalice deploy`.")
