"""The clients of docs/clients.md: each runs as it stands there, and prints the output shown."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.local.stack import LocalStack
from tests.e2e.client_programs import EXAMPLES, RUNNERS, run


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
