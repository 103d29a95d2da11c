"""The pages' commands to run: each once, with values for what stands for the reader's own."""

import re

from tests.commands.grammar import Incomplete, require_typable
from tests.commands.pages import Shown, commands_of_pages

NOT_RUN = {
    r"^python -m benchmarks\.": "it is a measurement: minutes",
    r"^make (test|check|unit|lint|coverage|chaos|fuzz|screenshots|bench|bench-scale)\b": (
        "it is the tests, the gate or a measurement: minutes"
    ),
    r"^make (lock|audit|aws-parts|vendor|\.venv\S*)\b|PYTHON=": "it installs, or asks PyPI",
    r"^make run\b": "test_make_run.py types it, and so does the first test below",
    r"ops events tail --stage": "test_events_tail.py does: it needs a stage that publishes events",
    r"ops events resend .*--stage": "it needs a stage that publishes events, as the next ones do",
    r"\bchalice local\b": "test_chalice_local.py types it: it runs for ever",
    r"^(aws|sam|docker|npm) ": "it is not needed, so it may not be installed",
    r"^make clean|^rm -rf? .venv": "it removes what the other commands need",
    r"^git tag|^rm -r vendor": "it is of a release, or undoes a command that is not run",
    r"^SIMULATION=deep": "minutes",
    r"^python -m ops (deploy|package)\b": "`make deploy` and `make package` type this very line",
    r"python -m ops verify(?! --only)": "test_verify.py types it: all checks",
    r"ops (verify-seals|prove|verify-proof)\b": (
        "test_audit_page.py types them: they need days that are over, and sealed"
    ),
    r"^openssl pkey -in ": "the local stage has a key once it has sealed a day",
    r"^make deploy STAGE=prod": "it shows a refusal of a stage that wants another Python",
}
FILLED = {
    r"--submission [0-9a-f-]{36}\b": "--submission SUBMISSION",
    r"\bMESSAGE[-_]ID\b|\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b": "LETTER",
    r"\bSTAGE\b(?!=)": "dev",
    r"\b(ORDER[-_])?ID\b|\bORDER\b": "order-001",
    r"\bNAME\b": "eu",
    r" OUT=build$": "",  # as without it
}
"""
What stands on a page for a value of one's own.

LETTER is the id of a dead letter, and SUBMISSION the one of the order that the command names.
"""
HISTORY = "CHANGELOG.md"
"""It tells of commands, and has none to type."""


def typed_commands() -> dict[str, list[Shown]]:
    """Find the commands to run, each once, with the places that show it."""
    found: dict[str, list[Shown]] = {}
    for shown in commands_of_pages():
        if shown.page != HISTORY and not _is_of_the_tour(shown) and not _is_a_name(shown):
            found.setdefault(filled(shown.text), []).append(shown)
    return found


def _is_of_the_tour(shown: Shown) -> bool:
    """test_readme.py types it, and compares all that it prints."""
    return shown.page.startswith("README") and shown.output is not None


def _is_a_name(shown: Shown) -> bool:
    """Tell whether a sentence names a command that needs more to be typed, as `make deploy`."""
    try:
        require_typable(shown.text)
    except Incomplete:
        return shown.in_sentence
    except ValueError:
        pass  # test_shown_commands.py says so; here it fails as it does for a reader
    return False


def filled(command: str) -> str:
    """Fill in what stands for a value, and leave the comment out."""
    for pattern, value in {r" +# .*$": "", **FILLED}.items():
        command = re.sub(pattern, value, command)
    return command


def why_not_run(command: str) -> str | None:
    return next((why for pattern, why in NOT_RUN.items() if re.search(pattern, command)), None)
