"""Every command shows hostile text as text: in a terminal and in a pipe, from wherever it comes."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import click
import pytest
from botocore.exceptions import ClientError
from click.testing import CliRunner, Result

from chalicelib.services.unavailable import StoreUnavailable
from ops.cli import deploy_options
from ops.cli.commands import Commands, main
from ops.deploy.problems import DeploymentProblem
from ops.desk.desk import Desk
from ops.terminal.visible import visible_lines
from tests import full_stage
from tests.full_stage import letter_ids, stage_holding
from tests.hostile_texts import CONTROLS, HOSTILE, IN_ONE, REFUSED_BY_SQS, shown
from tests.ops_commands import all_commands
from tests.project import desks_of, project_option, recorded_project
from tests.surfaces import (
    ACTING,
    ECHOING,
    LETTER,
    READING,
    SHOWING_ACCOUNTS,
    TEXT,
    WITHOUT_ORDERS,
    Typed,
    type_words,
)

# Each stands in a stage's plain twin for the hostile text at its place: no id, no attribute's name.
PLAIN = [f"plain!{letter}" for letter in "abcdefghijklm"[: len(IN_ONE)]]
SENT = 4
# An error quotes no more of a value.
QUOTED = 20
# Rich's own: colours, and what draws a progress line anew.
COLOURS = re.compile(r"\x1b\[[0-9;]*m|\x1b\[\?25[lh]|\r?\x1b\[(?:2K|1A)|\r(?=\x1b\[|$)")
TERMINAL = {"FORCE_COLOR": "1", "TERM": "xterm-256color", "NO_COLOR": ""}
# A program gets these to the byte.
FILES = {"csv", "parquet"}

IN_VAIN = {
    "run": ("--port", TEXT),
    "worker": ("--batch-size", TEXT),
    "api": ("--port", TEXT),
    "console": ("--stage", TEXT),
    "stage new": (TEXT,),
    "stage remove": (TEXT,),
    "resources up": ("--stage", TEXT),
    "resources show": ("--stage", TEXT),
    "resources down": ("--stage", TEXT),
    "package": ("--out", "build", "--stage", TEXT),
    "policy": ("--role", "reader", "--stage", TEXT),
    "deploy": ("--stage", TEXT),
    "destroy": ("--stage", TEXT),
    "lint": ("--verbose", TEXT),
    "verify": ("--only", TEXT),
    "cost": ("--batch", TEXT),
    "verify-proof": (TEXT,),
}
"""What is typed for a command that shows no order: it says again what is wrong."""


@contextmanager
def full(*texts: str) -> Iterator[Desk]:
    """Open a stage with the texts everywhere; in messages only those that SQS takes."""
    with stage_holding(*texts[:SENT]) as desk:
        for text in texts[SENT:]:
            full_stage._put_orders(desk, [text])
            desk.audit_trail.write("dlq.discard", why=text, message="m-1", payload=text)
        yield desk


def test_sqs_takes_the_first_texts_and_refuses_the_others() -> None:
    assert [bool(REFUSED_BY_SQS.search(text)) for text in IN_ONE] == [False] * SENT + [True] * 2


@pytest.fixture(scope="module")
def hostile_stage() -> Iterator[Desk]:
    with full(*IN_ONE) as desk:
        yield desk


@pytest.fixture(scope="module")
def plainly() -> Iterator[Callable[..., Result]]:
    """Type a command over the plain twin of the stage, once for all its tests."""
    with full(*PLAIN) as desk:
        done: dict[object, Result] = {}

        def type_plainly(environment: Mapping[str, str], typed: Typed, *more: str) -> Result:
            key = (bool(environment), typed, more)
            if key not in done:
                done[key] = run(desk, typed, PLAIN[0], [*more], environment)
            return done[key]

        yield type_plainly


def run(
    desk: Desk, typed: Typed, text: str, more: list[str], environment: Mapping[str, str]
) -> Result:
    """Type a command over a stage, at a terminal so wide that no cell is broken up."""
    letter = letter_ids(desk)[0] if LETTER in typed.arguments else ""
    within_json = json.dumps(text)[1:-1]
    words = [
        *typed.command.split(),
        *(
            each.replace(TEXT, within_json if each.startswith("{") else text)
            for each in typed.arguments
        ),
        *more,
    ]
    words = [word.replace(LETTER, letter) for word in words]
    terminal = {"COLUMNS": "90000", "NO_COLOR": "1", "LC_ALL": "C.UTF-8", **environment}
    return CliRunner(env=terminal).invoke(main, words, input=typed.reply(text), obj=lambda *_: desk)


def require_text(done: Result, expected: list[str], own_lines: str = "\n") -> None:
    """Require that the texts are shown, and nothing but colours and text is written."""
    assert isinstance(done.exception, SystemExit | None), done.exception
    written = COLOURS.sub("", done.output)
    assert not [
        text for text in CONTROLS if text in done.output and text.strip("ab") not in own_lines
    ]
    assert {it for it in written if not it.isprintable()} <= set(own_lines)
    for text in expected:
        assert {it for it in spellings(text) if it in written}, (text, written[:5000])


def spellings(text: str) -> set[str]:
    """Spell the beginning of a text as it is shown by itself, and as JSON and Python quote it."""
    spelt = {shown(text), repr(text)[1:-1], shown(text).replace("\\", "\\\\")}
    return {each[:QUOTED] for each in spelt}


def plainly_shown(done: Result) -> list[str]:
    """List the hostile texts whose plain twins a command shows."""
    twins = zip(IN_ONE, PLAIN, strict=True)
    return [text for text, plain in twins if plain in done.output]


@pytest.fixture(params=[False, True], ids=["pipe", "terminal"])
def environment(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Mapping[str, str]:
    """Let stdout and stderr be a terminal, or a pipe."""
    if not request.param:
        return {}
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _: True)
    return TERMINAL


@pytest.mark.parametrize("accounts", [[], ["--show-accounts"]], ids=["", "accounts"])
@pytest.mark.parametrize("typed", SHOWING_ACCOUNTS, ids=str)
def test_a_command_shows_what_is_kept_as_text(
    typed: Typed,
    accounts: list[str],
    environment: Mapping[str, str],
    hostile_stage: Desk,
    plainly: Callable[..., Result],
) -> None:
    done = run(hostile_stage, typed, IN_ONE[0], accounts, environment)
    plain = plainly(environment, typed, *accounts)

    assert done.exit_code == plain.exit_code
    is_file = not FILES.isdisjoint(typed.arguments)
    if environment or not is_file:
        require_text(done, plainly_shown(plain), own_lines="\n\t" if is_file else "\n")


@pytest.mark.parametrize("typed", READING, ids=str)
def test_another_command_shows_what_is_kept_as_text(
    typed: Typed,
    environment: Mapping[str, str],
    hostile_stage: Desk,
    plainly: Callable[..., Result],
) -> None:
    done = run(hostile_stage, typed, IN_ONE[0], [], environment)
    plain = plainly(environment, typed)

    require_text(done, plainly_shown(plain))
    assert done.exit_code == plain.exit_code


@pytest.mark.parametrize("typed", ACTING, ids=str)
def test_a_command_that_changes_a_stage_shows_text(typed: Typed) -> None:
    with full(*IN_ONE) as desk:
        done = run(desk, typed, IN_ONE[0], [], TERMINAL)
    with full(*PLAIN) as desk:
        plain = run(desk, typed, PLAIN[0], [], TERMINAL)

    require_text(done, plainly_shown(plain))
    assert done.exit_code == plain.exit_code


@pytest.mark.parametrize("as_json", [[], ["--json"]], ids=["", "json"])
@pytest.mark.parametrize("text", IN_ONE, ids=repr)
@pytest.mark.parametrize("typed", ECHOING, ids=str)
def test_a_command_says_its_own_arguments_again_as_text(
    typed: Typed,
    text: str,
    as_json: list[str],
    hostile_stage: Desk,
    plainly: Callable[..., Result],
) -> None:
    done = run(hostile_stage, typed, text, as_json, {})
    plain = plainly({}, typed, *as_json)

    # A text that is no id and no key is refused, but not always for the same reason.
    alike = PLAIN[0] in plain.output and done.exit_code == plain.exit_code
    require_text(done, [text] if alike else [])


def test_every_command_is_tried() -> None:
    commands = {name for name, command in all_commands() if not isinstance(command, click.Group)}
    tried = {typed.command for typed in (*SHOWING_ACCOUNTS, *READING, *ACTING, *ECHOING)}

    assert set(IN_VAIN) == set(WITHOUT_ORDERS)
    assert tried | set(IN_VAIN) == commands


@pytest.mark.parametrize("text", IN_ONE, ids=repr)
@pytest.mark.parametrize("command", IN_VAIN)
def test_a_command_in_vain_says_so_as_text(command: str, text: str, tmp_path: Path) -> None:
    project = recorded_project(tmp_path)
    words = [*command.split(), *(each.replace(TEXT, text) for each in IN_VAIN[command])]

    done = CliRunner(env={"COLUMNS": "9000"} | TERMINAL).invoke(
        main, [*words, *project_option(command, project)], obj=desks_of(project)
    )

    require_text(done, [], own_lines="\n\t")
    assert done.exit_code in (1, 2, 3), done.output


@pytest.mark.parametrize("text", HOSTILE, ids=repr)
def test_an_error_of_aws_is_text(text: str) -> None:
    def fail(*_: object, **_more: object) -> None:
        raise StoreUnavailable(text)

    desk = SimpleNamespace(health=fail, unreadable=(), stage=SimpleNamespace(name="local"))

    done = type_words(desk, ["health"])  # type: ignore[arg-type]

    require_text(done, [text])
    assert done.exit_code == 3


@pytest.mark.parametrize("text", HOSTILE, ids=repr)
@pytest.mark.parametrize(
    "failure",
    [
        DeploymentProblem,
        lambda text: ClientError({"Error": {"Code": text, "Message": text}}, "CreateStack"),
    ],
    ids=["ours", "aws"],
)
def test_an_error_of_a_deployment_is_visible_text(
    text: str, failure: Callable[[str], Exception]
) -> None:
    def fail() -> None:
        raise failure(text)

    done = CliRunner().invoke(ops_with(deploy_options.in_plain_words(fail)), ["fail"])

    assert done.exit_code in (1, 3)
    assert {it for it in done.output if not it.isprintable()} <= {"\n", "\t"}
    assert visible_lines(text) in done.output


def ops_with(fail: Callable[..., None]) -> click.Group:
    """Make a group of commands that is as `python -m ops`, with one command that fails."""
    command = click.command("fail")(fail)

    class Failing(Commands):
        def get_command(self, *_: object) -> click.Command:
            return command

    return Failing("ops")


@pytest.mark.parametrize("text", IN_ONE, ids=repr)
@pytest.mark.parametrize("words", ["lint --stage dev", "orders list --stage dev"])
def test_the_name_of_a_profile_is_text(words: str, text: str, tmp_path: Path) -> None:
    open_desk = desks_of(recorded_project(tmp_path))

    done = CliRunner(env={"AWS_PROFILE": text}).invoke(main, words.split(), obj=open_desk)

    require_text(done, [], own_lines="\n\t")
    assert done.exit_code == 3


@pytest.mark.parametrize("text", IN_ONE, ids=repr)
@pytest.mark.parametrize("name", ["LC_ALL", "COLUMNS", "TERM", "NO_COLOR", "FORCE_COLOR"])
def test_a_setting_of_the_terminal_is_text(name: str, text: str, hostile_stage: Desk) -> None:
    done = CliRunner(env={name: text}).invoke(main, ["rejects"], obj=lambda *_: hostile_stage)

    require_text(done, [])
    assert done.exit_code == 0
