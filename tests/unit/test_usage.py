"""The messages of wrong arguments, which quote what was typed."""

import pytest
from click.testing import CliRunner

from ops.cli.commands import main


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "--port", "99999"], "99999 is not in the range"),
        (["run", "--port", "655350"], "****5350 is not in the range"),
        (["run", "--visibility-timeout", "99999"], "99999 is not in the range"),
        (["stats", "--slices", "501"], "501 is not in the range"),
        (["run", "--port", "4012887001"], "****7001 is not in the range"),
        (["stats", "--slices", "99999"], "****9999 is not in the range"),
        (["run", "--port", "9999x"], "is not a valid integer range"),
    ],
)
def test_a_number_is_masked_only_if_it_is_longer_than_its_limit(
    words: list[str], said: str
) -> None:
    done = CliRunner().invoke(main, words)

    assert done.exit_code == 2
    assert said in done.stderr
