"""
Modules of libraries that load much as soon as they are imported, made to load it on demand.

botocore can write a docstring for each method of a client, and urllib3 can switch to HTTP/2. A
function imports the modules for it, and asks for neither. boto3, which Lambda has, still finds all
that it imports of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# The modules, and what each has at once. Nobody reads a docstring of a client's method on Lambda.
LAZY_MODULES = {
    "botocore/docs/__init__.py": "",
    "botocore/docs/docstring.py": """

def _nothing(**_):
    return ""


ClientMethodDocstring = PaginatorDocstring = WaiterDocstring = _nothing
""",
    "urllib3/http2/__init__.py": "",
}
LAZY = """from importlib import import_module
{at_once}

def __getattr__(name):
    # For its own names and for a package's modules, Python looks elsewhere then.
    if name.startswith("__") or name in {modules}:
        raise AttributeError(name)
    return getattr(import_module("{original}"), name)
"""


def make_lazy(vendor: Path) -> None:
    """Put a small module in the place of each, in a directory that has the libraries."""
    for name, at_once in LAZY_MODULES.items():
        module = vendor / name
        modules = sorted(path.stem for path in module.parent.iterdir())
        original = module.with_name(f"{module.stem.strip('_')}_on_demand.py")
        module.rename(original)
        dotted = ".".join(original.relative_to(vendor).with_suffix("").parts)
        text = LAZY.format(at_once=at_once, modules=modules, original=dotted)
        module.write_text(text, encoding="utf-8")
