"""The OpenAPI document: it says what the code does, and the running API does what it says."""

import ast
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import app as orders_app
from chalicelib.health import HealthStatus
from chalicelib.orders import CHANNELS, parse_order
from chalicelib.problems import TYPE_PREFIX
from chalicelib.queries import DEFAULT_LIMIT, MAX_LIMIT
from chalicelib.query_parameters import AUDIT_PARAMETERS, HISTORY_PARAMETERS
from chalicelib.representation import record_json
from chalicelib.submissions import COMPARED_FIELDS, Record, Status
from ops.desk.replay import UNKNOWN_RECEIVE_COUNT
from tests.builders import START, order_text, submission
from tests.hostile.conftest import System

DOCUMENT = Path("chalicelib/openapi.json")
PROBLEMS = Path("docs/problems.md")
GATEWAY = Path("infrastructure/merge-template.yaml")
# Examples for each operation. Enough for the corner cases of every parameter, which come first.
MAX_EXAMPLES = 5
# Checks that do not fit: an order that breaks a rule is queued, as the document says; a string may
# be what the schema's generator takes for a mistake; and `make run` is open.
UNFIT = "negative_data_rejection,positive_data_acceptance,ignored_auth"


@pytest.fixture(scope="module")
def document() -> Any:
    return json.loads(DOCUMENT.read_text())


@pytest.fixture(scope="module")
def schemas(document: Any) -> Any:
    return document["components"]["schemas"]


def calls(path: str, name: str) -> Iterator[list[object]]:
    """The arguments that are constants of each call of a function (or a method) in a file."""
    for node in ast.walk(ast.parse(Path(path).read_text())):
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else node.func
            if called == name or (isinstance(called, ast.Name) and called.id == name):
                yield [a.value if isinstance(a, ast.Constant) else None for a in node.args]


def rule_codes() -> set[object]:
    """The codes of all rules that the validator knows."""
    codes = {arguments[1] for arguments in calls("chalicelib/orders.py", "OrderError")}
    for node in ast.walk(ast.parse(Path("chalicelib/orders.py").read_text())):
        if isinstance(node, ast.Yield) and isinstance(node.value, ast.Tuple):
            code = node.value.elts[0]
            assert isinstance(code, ast.Constant)
            codes.add(code.value)
    return codes - {None}


def unreadable_reasons(*, of_the_id: bool) -> set[object]:
    return {
        arguments[0]
        for arguments in calls("chalicelib/orders.py", "UnreadableOrder")
        if (len(arguments) > 2) is of_the_id
    }


def request_codes() -> set[object]:
    """The codes of what can be wrong with a parameter or an id."""
    parameters = "chalicelib/query_parameters.py"
    return {
        *unreadable_reasons(of_the_id=True),
        *(arguments[1] for arguments in calls(parameters, "OrderError")),
        *(arguments[1] for arguments in calls(parameters, "fail")),
        *(arguments[3] for arguments in calls(parameters, "read")),
        *(arguments[1] for arguments in calls("chalicelib/problems.py", "OrderError")),
    } - {None}


def problem_types() -> set[str]:
    files = ("chalicelib/problems.py", "ops/local/refusals.py")
    ours = {
        f"{TYPE_PREFIX}{arguments[0]}" for file in files for arguments in calls(file, "Problem")
    }
    return ours | {problem["type"] for problem in gateway_problems()}


def gateway_problems() -> list[dict[str, Any]]:
    """What API Gateway answers by itself on a deployed stage."""
    bodies = re.findall(r'\{"type":"urn:orders:problem:.*\}', GATEWAY.read_text())
    return [json.loads(body.replace("$context.error.messageString", '""')) for body in bodies]


def answers(document: Any) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Each operation's answers by status; what a reference says itself comes first."""
    components = document["components"]["responses"]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            for status, response in operation["responses"].items():
                name = response.get("$ref", "").rpartition("/")[2]
                yield method, path, status, {**components.get(name, {}), **response}


def test_it_has_every_route_and_no_other(document: Any) -> None:
    routes = {
        (path.replace("order_id", "orderId"), method.lower())
        for path, methods in orders_app.app.routes.items()
        for method in methods
    }

    documented = {
        (path, method) for path, methods in document["paths"].items() for method in methods
    }
    assert documented == routes


def test_it_has_every_type_of_problem_and_no_other(schemas: Any) -> None:
    assert set(schemas["ProblemType"]["enum"]) == problem_types()


def test_it_has_what_api_gateway_answers_by_itself(document: Any) -> None:
    """A strict client that is made from the document must not break on a 403 or a 429."""
    required = set(document["components"]["schemas"]["Problem"]["required"])
    assert all(required <= problem.keys() for problem in gateway_problems())
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            responses = operation["responses"]
            assert responses["429"]["$ref"].endswith("/Throttled")
            assert ("403" in responses) is ("security" not in operation), f"{method} {path}"


def test_it_has_every_rule_of_the_validator_and_no_other(schemas: Any) -> None:
    assert set(schemas["OrderErrorCode"]["enum"]) == rule_codes()
    assert set(schemas["RequestErrorCode"]["enum"]) == request_codes()


def test_it_has_every_reason_that_no_order_can_be_read_and_no_other(schemas: Any) -> None:
    reasons = unreadable_reasons(of_the_id=True) | unreadable_reasons(of_the_id=False)

    assert set(schemas["UnreadableReason"]["enum"]) == reasons


def test_the_problems_page_explains_every_type_code_and_reason() -> None:
    page = PROBLEMS.read_text()

    types = {name.removeprefix(TYPE_PREFIX) for name in problem_types()}
    names = types | rule_codes() | unreadable_reasons(of_the_id=True)
    names |= unreadable_reasons(of_the_id=False)
    assert [name for name in sorted(map(str, names)) if f"`{name}`" not in page] == []


@pytest.mark.parametrize(
    "amount",
    [
        *("1", "0012.50", "12.5", "7.0000", "12.500", "9999999999999.99", "0.01", "0" * 90 + "1"),
        *("", "1.", ".5", "1,000.00", "5,00", "1e3", "-1", "+1", " 1", "1\n", "0.001", "7.0001"),
        *("10000000000000", "9999999999999.991"),
    ],
)
def test_its_pattern_of_an_amount_is_the_rule(schemas: Any, amount: str) -> None:
    """But for nought, which a description says: a pattern can't without a look ahead."""
    _, text = schemas["Order"]["properties"]["amount"]["oneOf"]

    matches = re.search(text["pattern"].replace("$", r"\Z"), amount) is not None

    assert matches is parse_order(order_text(amount=amount)).valid


def test_it_says_which_problems_each_status_stands_for(document: Any) -> None:
    """One text for 400, 413 and 415 would leave it to a reader to find out."""
    types = {one.removeprefix(TYPE_PREFIX) for one in problem_types()}

    nameless = []
    for method, path, status, response in answers(document):
        if "application/problem+json" in response["content"]:
            named = set(re.findall(r"`([a-z-]+)`", response["description"]))
            nameless += [] if named & types else [f"{method} {path}: {status}"]

    assert nameless == []


def test_it_has_every_parameter_with_its_limits(document: Any, schemas: Any) -> None:
    def query_parameters(path: str) -> tuple[str, ...]:
        of_components = document["components"]["parameters"]
        parameters = [
            of_components[one["$ref"].rsplit("/", 1)[1]] if "$ref" in one else one
            for one in document["paths"][path]["get"]["parameters"]
        ]
        return tuple(one["name"] for one in parameters if one["in"] == "query")

    assert query_parameters("/orders") == AUDIT_PARAMETERS
    assert query_parameters("/orders/{orderId}") == HISTORY_PARAMETERS
    limit = document["components"]["parameters"]["Limit"]["schema"]
    assert (limit["minimum"], limit["maximum"], limit["default"]) == (1, MAX_LIMIT, DEFAULT_LIMIT)
    assert tuple(schemas["Channel"]["enum"]) == CHANNELS


def test_it_has_the_fields_of_a_record_in_their_order(schemas: Any) -> None:
    fields = record_json(Record.of_first(submission(), START))

    assert list(schemas["Record"]["properties"]) == schemas["Record"]["required"] == list(fields)
    counts = schemas["Record"]["properties"]["receiveCount"]
    assert counts["minimum"] == UNKNOWN_RECEIVE_COUNT
    assert schemas["Record"]["properties"]["differs"]["items"]["enum"] == list(COMPARED_FIELDS)
    assert schemas["Status"]["enum"] == list(Status)
    assert schemas["HealthStatus"]["enum"] == list(HealthStatus)


def test_the_running_api_does_what_the_document_says(system: System, tmp_path: Path) -> None:
    """Schemathesis hands in what the document allows, and what it does not, and holds it to it."""
    program = shutil.which("schemathesis", path=str(Path(sys.executable).parent))
    assert program, "schemathesis is not installed: make .venv"

    outcome = subprocess.run(
        [
            *(program, "run", str(DOCUMENT.resolve()), "--url", system.stack.api_url),
            *("--checks", "all", "--exclude-checks", UNFIT),
            *("--phases", "examples,coverage,fuzzing", "--max-examples", str(MAX_EXAMPLES)),
            *("--seed", "1", "--no-color", "--continue-on-failure"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert outcome.returncode == 0, outcome.stdout
    system.settle()
    assert "Traceback" not in system.stack.log
