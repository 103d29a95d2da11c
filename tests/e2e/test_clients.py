"""The clients of docs/clients.md: each runs as it stands there, and prints the output shown."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.local.stack import LocalStack
from tests.builders import order_text
from tests.e2e.client import ApiClient
from tests.e2e.client_programs import EXAMPLES, PARTS, RUNNERS, program_for_many, run


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    with LocalStack(log_file=tmp_path_factory.mktemp("clients") / "log") as stack:
        yield stack


def test_the_page_has_a_client_in_each_language() -> None:
    assert EXAMPLES.keys() == RUNNERS.keys()


@pytest.mark.parametrize("language", RUNNERS)
def test_a_client_prints_the_output_that_the_page_shows(
    stack: LocalStack, tmp_path: Path, language: str
) -> None:
    outcome = run(language, stack.api_url, tmp_path)

    assert (outcome.returncode, outcome.stderr) == (0, "")
    assert outcome.stdout == EXAMPLES[language][1]


def test_the_clients_leave_each_others_orders_alone(stack: LocalStack, tmp_path: Path) -> None:
    """Whoever tries one after the other does so in one directory."""
    outcomes = [run(language, stack.api_url, tmp_path) for language in (*RUNNERS, *RUNNERS)]

    assert [(each.returncode, each.stderr) for each in outcomes] == [(0, "")] * len(outcomes)
    assert [bool(each.stdout) for each in outcomes] == [True, True, True, False, True, True]


def test_the_client_for_many_orders_hands_each_in_once(stack: LocalStack, tmp_path: Path) -> None:
    bodies = [order_text("many-1"), order_text("many-2"), "no order", order_text("many-1")]
    calls = f"""
    for _ in range(2):
        for result in submit_many({bodies}, "many"):
            print(result["status"], result.get("orderId"), result.get("sameAsLine"))
"""

    outcome = run("python", stack.api_url, tmp_path, program_for_many(calls))

    assert (outcome.returncode, outcome.stderr) == (0, "")
    once = "QUEUED many-1 None\nQUEUED many-2 None\nREFUSED None None\nQUEUED many-1 1\n"
    assert outcome.stdout == once * 2
    for order_id in ("many-1", "many-2"):
        ApiClient(stack.api_url).records(order_id, 1)


def test_the_signer_of_the_page_signs_each_attempt_of_the_client(
    stack: LocalStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    program, signer = EXAMPLES["python"][0], PARTS[-1]
    plain = "request = urllib.request.Request(address, body, headers)"
    assert program.count(plain) == 1
    signing = program.replace(plain, f"request = signed({plain.removeprefix('request = ')})")
    noting = signing.replace("    answers.put(", "    print(request.headers)\n    answers.put(")

    start, main, end = noting.partition('if __name__ == "__main__":')
    outcome = run("python", stack.api_url, tmp_path, f"{start}{signer}\n{main}{end}")

    assert (outcome.returncode, outcome.stderr) == (0, "")
    signatures = re.findall(
        r"AWS4-HMAC-SHA256 [^']*/execute-api/[^']*, Signature=(\w+)", outcome.stdout
    )
    assert len(set(signatures)) == 2, "the POST and the GET"
