"""The optional build step: nothing uses the parts that it leaves out, and its content is right."""

import _sre  # type: ignore[import-not-found]
import ast
import inspect
import json
import os
import re
import runpy
import shutil
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest
from botocore import xform_name

from chalicelib.aws.clients import OPERATIONS
from chalicelib.aws.dynamodb import RecordStore
from chalicelib.aws.event_publishers import EventBus, Topic
from chalicelib.aws.kms import KmsSigner
from chalicelib.aws.s3 import OrderArchive
from chalicelib.aws.seal_items import SealItems
from chalicelib.aws.seal_store import SealStore
from chalicelib.aws.sqs import OrderQueue
from chalicelib.compiled_patterns import engine
from ops.lazy_modules import LAZY_MODULES
from ops.vendor import fill_vendor, trimmed_service

ADAPTERS = {
    "dynamodb": (RecordStore, SealItems),
    "events": (EventBus,),
    "kms": (KmsSigner,),
    "s3": (OrderArchive, SealStore),
    "sns": (Topic,),
    "sqs": (OrderQueue,),
}
# The adapters name their clients so; a queue's client is made at its first call.
CLIENT = {"self._client", "self._client()"}
# A presigned URL is made for an operation that is named by a string.
PRESIGNED = {"s3": {"generate_presigned_url": "get_object"}}
NO_OPERATIONS = {"exceptions"}


# Bytecode with this flag is checked against its source's hash, see PEP 552.
CHECKED_HASH = 0b11


def kind_of(bytecode: Path) -> int:
    return int.from_bytes(bytecode.read_bytes()[4:8], "little")


@pytest.fixture(scope="module")
def vendor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill_vendor(with_app(tmp_path_factory.mktemp("project")))


def with_app(project: Path) -> Path:
    shutil.copy("app.py", project)
    without_bytecode = shutil.ignore_patterns("__pycache__")
    shutil.copytree("chalicelib", project / "chalicelib", ignore=without_bytecode)
    return project


@pytest.mark.parametrize("service", sorted(OPERATIONS))
def test_vendor_keeps_exactly_the_operations_that_the_adapters_call(service: str) -> None:
    used = {
        node.attr
        for adapter in ADAPTERS[service]
        for node in ast.walk(ast.parse(inspect.getsource(adapter)))
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in CLIENT
    }
    called = {PRESIGNED.get(service, {}).get(name, name) for name in used - NO_OPERATIONS}

    assert called == {xform_name(operation) for operation in OPERATIONS[service]}


def test_a_trimmed_model_has_the_shapes_of_its_operations_and_no_prose() -> None:
    model: dict[str, Any] = {
        "version": "2.0",
        "metadata": {},
        "operations": {
            "Put": {"name": "Put", "input": {"shape": "Input"}, "documentation": "Puts."},
            "Get": {"name": "Get", "input": {"shape": "Other"}},
        },
        "shapes": {
            "Input": {"type": "structure", "members": {"documentation": {"shape": "Text"}}},
            "Text": {"type": "string", "documentation": "A text."},
            "Other": {"type": "structure", "members": {}},
        },
    }

    trimmed = trimmed_service(model, {"Put"})

    assert trimmed["operations"] == {"Put": {"name": "Put", "input": {"shape": "Input"}}}
    assert trimmed["shapes"] == {
        "Input": {"type": "structure", "members": {"documentation": {"shape": "Text"}}},
        "Text": {"type": "string"},
    }


# Prints where botocore is from, and the requests that adapters would send.
REQUESTS = """
import json, botocore
from botocore.awsrequest import AWSResponse
from chalicelib.aws.clients import LambdaClients
from chalicelib.aws.dynamodb import RecordStore
from chalicelib.aws.s3 import OrderArchive
from chalicelib.orders.record import Record
from tests.builders import START, submission

class Raw:
    def __init__(self, body):
        self.body = body
    def stream(self):
        yield self.body

def answer(request, **_):
    body = request.body if isinstance(request.body, bytes) else request.body.getvalue()
    sent.append([request.method, request.url, body.decode()])
    headers = {"x-amzn-requestid": "1", "etag": "e"}
    return AWSResponse(request.url, 200, headers, Raw(b"" if ".s3." in request.url else ANSWER))

ANSWER = b'{"MessageId": "1", "MD5OfMessageBody": "2"}'
sent = []
clients = LambdaClients()
dynamodb, s3, sqs = clients.dynamodb, clients.s3, clients.sqs
for client in (dynamodb, s3, sqs):
    client.meta.events.register("before-send", answer)
order = submission(submission_id="s")
OrderArchive(s3, "orders").keep(order)
RecordStore(dynamodb, "orders", 4).take(Record.of_first(order, START))
url = "https://sqs.us-east-1.amazonaws.com/1/q"
sqs.send_message(QueueUrl=url, MessageBody=order.order.payload)
print(json.dumps([botocore.__file__, sent]))
"""


def test_vendored_botocore_sends_the_same_requests(vendor: Path) -> None:
    def requests(*path: Path) -> tuple[str, Any]:
        answer = subprocess.run(
            [sys.executable, "-c", REQUESTS],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path))},
            stdout=subprocess.PIPE,
            check=True,
        )
        file, sent = json.loads(answer.stdout)
        return file, sent

    plain_file, plain = requests(Path.cwd())
    vendored_file, vendored = requests(vendor, Path.cwd())

    assert vendored_file.startswith(str(vendor))
    assert not plain_file.startswith(str(vendor))
    assert len(plain) == 3
    assert vendored == plain


def printed_with(vendor: Path, code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(vendor)},
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    ).stdout


def printed_without_and_with(vendor: Path, code: str, *arguments: str) -> list[str]:
    """Run a program over the project's own sources, and over its package."""
    return [
        subprocess.run(
            [sys.executable, "-P", "-c", code, *arguments],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path))},
            cwd=vendor.parent,
            stdout=subprocess.PIPE,
            check=True,
            text=True,
        ).stdout
        for path in ([vendor.parent], [vendor, vendor.parent])
    ]


def test_boto3_makes_clients_beside_vendored_botocore(vendor: Path) -> None:
    """An app with more features may want them, and Lambda has boto3."""
    check = (
        "import boto3, botocore\n"
        "client = boto3.client('s3', region_name='us-east-1')\n"
        "print(client.put_object.__name__, botocore.__file__)"
    )

    assert printed_with(vendor, check) == f"put_object {vendor}/botocore/__init__.py\n"


@pytest.mark.parametrize("name", LAZY_MODULES)
def test_a_lazy_module_has_all_names_of_the_librarys_own(name: str, vendor: Path) -> None:
    module = name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    names_of_its_own = (
        f"import {module} as m\n"
        "print([n for n, v in vars(m).items() if n[0] != '_' and not hasattr(v, '__spec__')])"
    )
    names = ast.literal_eval(printed_with(Path(), names_of_its_own))

    check = f"import {module} as m; print(*(n for n in {names} if not hasattr(m, n)))"

    assert names
    assert printed_with(vendor, check) == "\n"


# Imports the app, and prints which of some modules are loaded.
LOADED = "import app, sys; print(sorted(sys.modules.keys() & set(sys.argv[1:])))"


def test_a_function_that_starts_from_the_package_loads_no_writer_of_docstrings(
    vendor: Path,
) -> None:
    """With HTTP/2's switch, that took 6% of a cold start."""
    modules = ["botocore.docs.service", "html.parser", "importlib.metadata"]
    plain, packaged = printed_without_and_with(vendor, LOADED, *modules)

    assert ast.literal_eval(plain) == modules
    assert ast.literal_eval(packaged) == []


def test_python_ignores_bytecode_once_its_source_differs(vendor: Path) -> None:
    modules = ["chalicelib/orders/__pycache__/order", "vendor/__pycache__/app"]
    modules += ["vendor/botocore/__pycache__/session"]
    for module in [*modules, "vendor/aws_lambda_powertools/__pycache__/__init__"]:
        (bytecode,) = vendor.parent.glob(f"{module}.*.pyc")

        assert kind_of(bytecode) == CHECKED_HASH


# Counts what `re` compiles while the app is imported.
COMPILED = """
import re, sys
sys.dont_write_bytecode = True
compile, compiled = re._compiler.compile, []
re._compiler.compile = lambda *given: compiled.append(given) or compile(*given)
import app
print(len(compiled))
"""


def test_a_function_that_starts_from_the_package_compiles_no_pattern(vendor: Path) -> None:
    """That took 10% of a cold start."""
    plain, packaged = printed_without_and_with(vendor, COMPILED)

    assert int(plain) > 100
    assert int(packaged) == 0


def test_the_packages_patterns_are_those_that_re_compiles(vendor: Path) -> None:
    made = runpy.run_path(str(vendor / "patterns_of_package.py"))

    assert made["ENGINE"] == engine()
    for pattern, flags, all_flags, code, groups, names, indexes in made["PATTERNS"]:
        of_package = _sre.compile(pattern, all_flags, list(code), groups, dict(names), indexes)
        compiled = vars(re)["_compiler"].compile(pattern, flags)
        # Python compares their code, too.
        assert of_package == compiled
        assert of_package.groupindex == compiled.groupindex


def test_an_app_that_needs_its_stages_variables_is_packaged_without_patterns(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = with_app(tmp_path)
    (project / "app.py").write_text("import os\n\nprint(os.environ['ITS_OWN'])\n")

    vendor = fill_vendor(project)

    assert not list(vendor.rglob("patterns_of_package*"))
    assert list(vendor.glob("__pycache__/app.*.pyc"))
    said = capsys.readouterr().out
    assert "compiles its regular expressions at each start: KeyError: 'ITS_OWN'" in said


def test_no_file_is_in_the_package_twice(vendor: Path) -> None:
    """Chalice packages chalicelib/ as it is, and puts vendor/ beside it."""
    assert not (vendor / "chalicelib").exists()
    assert not list((vendor / "aws_lambda_powertools").rglob("*.py"))


def test_a_module_on_pythonpath_gets_into_no_package(tmp_path: Path) -> None:
    """Nobody knows of which release it is."""
    installed = Path(str(distribution("six").locate_file("six.py"))).read_text()
    (tmp_path / "six.py").write_text(f"# another release\n{installed}")
    project = tmp_path / "project"
    project.mkdir()
    with_app(project)

    # In a process of its own: this one has loaded the right one.
    subprocess.run(
        [sys.executable, "-m", "ops.vendor", str(project)],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        stdout=subprocess.PIPE,
        check=True,
    )

    assert (project / "vendor" / "six.py").read_text() == installed
