"""The OpenAPI document: it says what the code does, and the running API does what it says."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import app as orders_app
from chalicelib.http.batches import batch_json
from chalicelib.http.parameters import (
    AUDIT_PARAMETERS,
    HISTORY_PARAMETERS,
    INTAKE_PARAMETERS,
    SUBMISSION_PARAMETERS,
)
from chalicelib.http.problem import TYPE_PREFIX
from chalicelib.http.representation import judgement_json, receipt_json, record_json
from chalicelib.orders.order import parse_order
from chalicelib.orders.record import Record, Status
from chalicelib.orders.terms import CHANNELS, TERMS
from chalicelib.services.batch_intake import BatchIntake
from chalicelib.services.batch_judgement import LineStatus, judge_lines
from chalicelib.services.batch_lines import lines_in
from chalicelib.services.claims import MAX_CALLER_CHARACTERS
from chalicelib.services.health import HealthStatus
from chalicelib.services.intake import Receipt
from chalicelib.services.message_attributes import SUBMISSION_ATTRIBUTES
from chalicelib.services.queries import DEFAULT_LIMIT, MAX_LIMIT
from chalicelib.services.waiting import MAX_WAIT_SECONDS
from chalicelib.texts import texts_in
from ops.desk.replay import UNKNOWN_RECEIVE_COUNT
from tests.builders import START, Clock, order_text, submission
from tests.fakes import FakeQueue
from tests.hostile.conftest import System

DOCUMENT = Path("chalicelib/http/openapi.json")
HOOKS = Path("tests/hostile/schemathesis_hooks.py")
PROBLEMS = Path("docs/problems.md")
TERMS_FILE = "chalicelib/orders/terms.py"
PROBLEM_FILE = "chalicelib/http/problem.py"
PROBLEMS_FILE = "chalicelib/http/problems.py"
LOCAL_FILE = "chalicelib/http/local_principal.py"
BATCHES_FILE = "chalicelib/http/batches.py"
NAME_OF_RESULT = {
    LineStatus.QUEUED: "LineTaken",
    LineStatus.UNCONFIRMED: "LineTaken",
    LineStatus.NOT_QUEUED: "LineJudged",
    LineStatus.REFUSED: "LineRefused",
}
GATEWAY = Path("infrastructure/merge-template.yaml")
# Examples for each operation. Enough for the corner cases of every parameter, which come first.
MAX_EXAMPLES = 5
# An answer comes within the ten seconds that are usual, and the longest wait that is asked for.
LONGEST_ANSWER_SECONDS = str(10 + MAX_WAIT_SECONDS)
# These checks do not fit: the API queues an order that breaks a rule, as the document says; the
# schema's generator takes some allowed strings for mistakes; and `make run` is open.
UNFIT = "negative_data_rejection,positive_data_acceptance,ignored_auth"


@pytest.fixture(scope="module")
def document() -> Any:
    return json.loads(DOCUMENT.read_text())


@pytest.fixture(scope="module")
def schemas(document: Any) -> Any:
    return document["components"]["schemas"]


def calls(path: str, name: str) -> Iterator[list[object]]:
    """Find the constant arguments of each call of a function (or a method) in a file."""
    module = ast.parse(Path(path).read_text())
    constants = {
        ast.unparse(each.targets[0]): each.value
        for each in module.body
        if isinstance(each, ast.Assign)
    }
    for node in ast.walk(module):
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else node.func
            if called == name or (isinstance(called, ast.Name) and called.id == name):
                given = [constants.get(ast.unparse(argument), argument) for argument in node.args]
                yield [each.value if isinstance(each, ast.Constant) else None for each in given]


def rule_codes() -> set[object]:
    """Find the codes of all rules of an order."""
    codes = {arguments[1] for arguments in calls(TERMS_FILE, "FieldError")}
    for node in ast.walk(ast.parse(Path(TERMS_FILE).read_text())):
        if isinstance(node, ast.Yield) and isinstance(node.value, ast.Tuple):
            code = node.value.elts[0]
            assert isinstance(code, ast.Constant)
            codes.add(code.value)
    return codes - {None}


def unreadable_reasons(*, of_the_id: bool) -> set[object]:
    return {
        arguments[0]
        for arguments in calls("chalicelib/orders/order.py", "UnreadableOrder")
        if (len(arguments) > 2) is of_the_id
    }


def request_codes() -> set[object]:
    """Find the codes of the errors in parameters, ids, and the header of one machine."""
    parameters = "chalicelib/http/parameters.py"
    return {
        *unreadable_reasons(of_the_id=True),
        *(arguments[1] for arguments in calls(parameters, "FieldError")),
        *(arguments[1] for arguments in calls(parameters, "fail")),
        *(arguments[3] for arguments in calls(parameters, "read")),
        *(arguments[1] for arguments in calls(PROBLEMS_FILE, "FieldError")),
        *(arguments[1] for arguments in calls(LOCAL_FILE, "FieldError")),
    } - {None}


def problem_types() -> set[str]:
    files = (PROBLEM_FILE, PROBLEMS_FILE, BATCHES_FILE, "ops/local/refusals.py")
    ours = {
        f"{TYPE_PREFIX}{arguments[0]}" for file in files for arguments in calls(file, "Problem")
    }
    return ours | {problem["type"] for problem in gateway_problems()}


def gateway_problems() -> list[dict[str, Any]]:
    """Read the problems that API Gateway of a deployed stage answers with by itself."""
    bodies = re.findall(r'\{"type":"urn:orders:problem:.*\}', GATEWAY.read_text())
    return [json.loads(body.replace("$context.error.messageString", '""')) for body in bodies]


def answers(document: Any) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Read each operation's answers by status; a reference's own words come first."""
    components = document["components"]["responses"]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            for status, response in operation["responses"].items():
                name = response.get("$ref", "").rpartition("/")[2]
                yield method, path, status, {**components.get(name, {}), **response}


def test_the_document_has_every_route_and_no_other(document: Any) -> None:
    routes = {
        (path.format(order_id="{orderId}", submission_id="{submissionId}"), method.lower())
        for path, methods in orders_app.app.routes.items()
        for method in methods
    }

    documented = {
        (path, method) for path, methods in document["paths"].items() for method in methods
    }
    # Its description says that HEAD goes with every GET: only that of health stands by itself.
    of_get = {(path, "head") for path, method in documented if method == "get"}
    assert documented | of_get == routes
    assert documented & of_get == {("/health", "head")}


def test_the_document_has_every_type_of_problem_and_no_other(schemas: Any) -> None:
    assert set(schemas["ProblemType"]["enum"]) == problem_types()


def test_the_document_has_the_problems_that_api_gateway_answers_with(document: Any) -> None:
    """A strict client that was made from the document must not break on a 403 or a 429."""
    required = set(document["components"]["schemas"]["Problem"]["required"])
    assert all(required <= problem.keys() for problem in gateway_problems())
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            responses = operation["responses"]
            assert responses["429"]["$ref"].endswith("/Throttled")
            assert ("403" in responses) is ("security" not in operation), f"{method} {path}"


def test_the_document_has_the_code_of_every_rule_and_no_other(schemas: Any) -> None:
    assert set(schemas["OrderErrorCode"]["enum"]) == rule_codes()
    assert set(schemas["RequestErrorCode"]["enum"]) == request_codes()


def test_the_document_has_the_reason_of_every_unreadable_order_and_no_other(schemas: Any) -> None:
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
def test_the_documents_pattern_of_an_amount_is_the_rule(schemas: Any, amount: str) -> None:
    """The description excludes zero: a pattern can't without a lookahead."""
    _, text = schemas["Order"]["properties"]["amount"]["oneOf"]

    matches = re.search(text["pattern"].replace("$", r"\Z"), amount) is not None

    assert matches is parse_order(order_text(amount=amount)).valid


def test_the_document_names_the_problems_of_each_status(document: Any) -> None:
    """One text for 400, 413 and 415 would leave readers to find out which is which."""
    types = {one.removeprefix(TYPE_PREFIX) for one in problem_types()}

    nameless = []
    for method, path, status, response in answers(document):
        if "application/problem+json" in response.get("content", {}):
            named = set(re.findall(r"`([a-z-]+)`", response["description"]))
            nameless += [] if named & types else [f"{method} {path}: {status}"]

    assert nameless == []


def test_the_document_has_every_parameter_with_its_limits(document: Any, schemas: Any) -> None:
    def query_parameters(path: str, method: str = "get") -> tuple[str, ...]:
        of_components = document["components"]["parameters"]
        parameters = [
            of_components[one["$ref"].rsplit("/", 1)[1]] if "$ref" in one else one
            for one in document["paths"][path][method]["parameters"]
        ]
        return tuple(one["name"] for one in parameters if one["in"] == "query")

    assert query_parameters("/orders", "post") == INTAKE_PARAMETERS
    assert query_parameters("/order-batches", "post") == INTAKE_PARAMETERS
    assert query_parameters("/orders") == AUDIT_PARAMETERS
    assert query_parameters("/orders/{orderId}") == HISTORY_PARAMETERS
    of_submission = "/orders/{orderId}/submissions/{submissionId}"
    assert query_parameters(of_submission) == SUBMISSION_PARAMETERS
    wait = document["paths"][of_submission]["get"]["parameters"][-1]["schema"]
    assert (wait["minimum"], wait["maximum"]) == (1, MAX_WAIT_SECONDS)
    limit = document["components"]["parameters"]["Limit"]["schema"]
    assert (limit["minimum"], limit["maximum"], limit["default"]) == (1, MAX_LIMIT, DEFAULT_LIMIT)
    assert tuple(schemas["Channel"]["enum"]) == CHANNELS


def test_the_document_has_the_fields_of_an_order(schemas: Any) -> None:
    assert list(schemas["Order"]["properties"]) == ["id", *TERMS]


def test_the_document_has_the_fields_of_both_answers_to_an_order(schemas: Any) -> None:
    receipt = receipt_json(Receipt(submission().order, "s-1"), texts_in("en"))
    judgement = judgement_json(submission().order, texts_in("en"))

    for name, answer in {"Receipt": receipt, "Judgement": judgement}.items():
        schema = schemas[name]
        assert list(schema["properties"]) == schema["required"] == list(answer)
        assert schema["properties"]["status"]["const"] == answer["status"]
    assert [each for each in receipt if each not in judgement] == [
        "submissionId",
        "payloadSha256",
        "submissionUrl",
    ]


def test_the_document_has_the_fields_of_each_result_of_a_line(schemas: Any) -> None:
    lines = lines_in(f"{order_text()}\n{order_text()}\n[]".encode())
    queue, judged = FakeQueue(), judge_lines(lines, "key-1")
    intake = BatchIntake(queue, Clock(), new_id=str)
    taken = intake.submit(lines, request_id="r-1", idempotency_key="key-1")
    with queue.outage():
        unconfirmed = intake.submit(lines, request_id="r-1", idempotency_key="key-1")

    fields: dict[str, set[str]] = {"LineTaken": set(), "LineJudged": set(), "LineRefused": set()}
    for receipt in (judged, taken, unconfirmed):
        answer = batch_json(receipt, texts_in("en"))
        assert list(schemas["Batch"]["properties"]) == schemas["Batch"]["required"] == list(answer)
        assert schemas["BatchProblem"]["properties"].keys() >= answer.keys()
        for result in answer["results"]:
            name = NAME_OF_RESULT[result["status"]]
            assert set(schemas[name]["required"]) <= result.keys()
            fields[name] |= result.keys()
    assert fields == {name: set(schemas[name]["properties"]) for name in fields}


def test_the_document_has_the_fields_of_a_record_in_their_order(schemas: Any) -> None:
    fields = record_json(Record.of_first(submission(), START), texts_in("en"))

    assert list(schemas["Record"]["properties"]) == schemas["Record"]["required"] == list(fields)
    counts = schemas["Record"]["properties"]["receiveCount"]
    assert counts["minimum"] == UNKNOWN_RECEIVE_COUNT
    assert schemas["Record"]["properties"]["differs"]["items"]["enum"] == list(TERMS)
    ignored = schemas["Record"]["properties"]["ignoredAttributes"]["items"]["enum"]
    assert ignored == list(SUBMISSION_ATTRIBUTES)
    assert schemas["Record"]["properties"]["submittedBy"]["maxLength"] == MAX_CALLER_CHARACTERS
    assert schemas["Status"]["enum"] == list(Status)
    assert schemas["HealthStatus"]["enum"] == list(HealthStatus)


def test_the_running_api_does_what_the_document_says(system: System, tmp_path: Path) -> None:
    """Schemathesis sends what the document allows and what it forbids, and checks each answer."""
    program = shutil.which("schemathesis", path=str(Path(sys.executable).parent))
    assert program, "schemathesis is not installed: make .venv"

    # The submission of the document's examples: the key makes its id.
    system.api.post(order_text("order-001"), Idempotency_Key="tour-1")
    system.settle()

    outcome = subprocess.run(
        [
            *(program, "run", str(DOCUMENT.resolve()), "--url", system.stack.api_url),
            *("--checks", "all", "--exclude-checks", UNFIT),
            *("--phases", "examples,coverage,fuzzing", "--max-examples", str(MAX_EXAMPLES)),
            *("--seed", "1", "--no-color", "--continue-on-failure"),
            *("--request-timeout", LONGEST_ANSWER_SECONDS),
            *("--max-response-time", LONGEST_ANSWER_SECONDS),
        ],
        cwd=tmp_path,
        env={**os.environ, "SCHEMATHESIS_HOOKS": str(HOOKS.resolve())},
        capture_output=True,
        text=True,
        check=False,
    )

    assert outcome.returncode == 0, outcome.stdout
    assert "Missing test data" not in outcome.stdout, "an operation was never answered with 200"
    system.settle()
    assert "Traceback" not in system.stack.log
