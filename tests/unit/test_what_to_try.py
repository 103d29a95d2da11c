"""The end of what `make run` prints: real addresses, and commands that need nothing more."""

import re

import pytest

from chalicelib.http.local_principal import CALLER
from chalicelib.services.principals import Principals
from ops.local.kept_folder import KeptFolder
from ops.local.presentation import show_what_to_try, what_to_try
from ops.local.stack import LocalStack
from ops.local_stage import DEFAULT_AWS_PORT
from ops.ports import free_port
from ops.project import PROJECT_ROOT

COLUMNS = 80


@pytest.fixture
def moved() -> LocalStack:
    """Make a stack that has none of the usual ports."""
    return LocalStack(api_port=free_port(), aws_port=free_port(), console_port=free_port())


def commands(text: str) -> list[str]:
    """List the printed commands, each in one line."""
    lines = text.replace("\\\n", "").splitlines()
    return [
        " ".join(line.split()) for line in lines if line.startswith("  ") and "   (" not in line
    ]


@pytest.mark.parametrize("has_curl", [True, False])
def test_all_that_is_printed_has_the_ports_of_this_start(
    moved: LocalStack, *, has_curl: bool
) -> None:
    text = what_to_try(moved, has_curl=has_curl)

    assert f"API           http://127.0.0.1:{moved.api_port} " in text
    assert f"AWS endpoint  http://127.0.0.1:{moved.aws_port} " in text
    assert f"Console       http://127.0.0.1:{moved.console_port} " in text
    for usual in ("8000", "8001", "4566"):
        assert usual not in text
    for command in commands(text):
        if command.startswith("python -m ops"):
            assert command.endswith(f" --aws-port {moved.aws_port}")
        elif command.startswith("curl"):
            assert f" http://127.0.0.1:{moved.api_port}/" in command


def test_commands_on_the_usual_port_name_no_port() -> None:
    usual = LocalStack(aws_port=DEFAULT_AWS_PORT)

    text = what_to_try(usual, has_curl=True)

    assert "--aws-port" not in text
    assert "AWS_ENDPOINT_URL" not in text
    assert "Console" not in text


@pytest.mark.parametrize("kind", ["eventbridge", "sns"])
def test_a_stack_that_publishes_events_says_so_and_how_to_see_them(kind: str) -> None:
    text = what_to_try(LocalStack(aws_port=DEFAULT_AWS_PORT, events=kind), has_curl=True)

    assert f"\n  Events        {kind} " in text
    assert "python -m ops events tail" in commands(text)
    assert "vents" not in what_to_try(LocalStack(aws_port=DEFAULT_AWS_PORT), has_curl=True)


@pytest.mark.parametrize("has_curl", [True, False])
def test_the_commands_need_only_what_make_run_has_installed(
    moved: LocalStack, *, has_curl: bool
) -> None:
    programs = {
        next(word for word in command.split() if "=" not in word)
        for command in commands(what_to_try(moved, has_curl=has_curl))
    }

    assert programs == {".", "python", "chalice", *(["curl"] if has_curl else [])}


def test_all_but_the_commands_fits_a_terminal() -> None:
    """A terminal breaks a longer line within a word. A broken command is still one to copy."""
    folder = KeptFolder(PROJECT_ROOT / ".orders-local")
    stack = LocalStack(api_port=65535, aws_port=65535, console_port=65534, folder=folder)

    lines = what_to_try(stack, has_curl=True).splitlines()

    prose = [line for line in lines if not re.match("  +(?:curl|-d|python|chalice|AWS_)", line)]
    assert any("Kept in" in line for line in prose)
    assert [line for line in prose if len(line) > COLUMNS] == []


def test_chalice_local_gets_a_port_of_its_own_and_the_right_aws_endpoint() -> None:
    port = free_port()
    stack = LocalStack(api_port=port, aws_port=free_port(), console_port=port + 1)

    command = commands(what_to_try(stack, has_curl=True))[-1]

    endpoint, *words = command.split()
    assert endpoint == f"AWS_ENDPOINT_URL={stack.aws_url}"
    assert words[:-1] == ["chalice", "local", "--stage", "local", "--port"]
    assert int(words[-1]) > port + 1


def test_a_notice_stands_right_above_the_addresses(
    moved: LocalStack, capsys: pytest.CaptureFixture[str]
) -> None:
    show_what_to_try(moved, 1.0, ["Port 1 is in use: the API is on 2 this time."])

    lines = [line for line in capsys.readouterr().out.splitlines() if line]
    assert lines[:2] == ["Ready after 1.0 s.", "  Port 1 is in use: the API is on 2 this time."]
    assert lines[2].startswith("  API  ")


ROLE = "arn:aws:iam::111122223333:role"


@pytest.mark.parametrize(
    ("principals", "caller"),
    [
        ("", None),
        (f"reader={ROLE}/audit", None),
        (
            f"reader={ROLE}/audit web={ROLE}/orders-*",
            "arn:aws:sts::111122223333:assumed-role/orders-x/me",
        ),
        ("web=arn:*:iam::*:user/web", "arn:aws:iam::000000000000:user/web"),
    ],
)
def test_the_commands_call_as_a_channel_of_the_table(principals: str, caller: str | None) -> None:
    stack = LocalStack(principals=principals)

    text = what_to_try(stack, has_curl=True)

    assert ("X-Local-Principal" in text) == bool(principals)
    posted, read, _ = [each for each in commands(text) if each.startswith("curl")]
    for command in posted, read:
        header = re.search("-H 'X-Local-Principal: ([^']+)'", command)
        assert (header and header[1]) == caller
        if header:
            assert CALLER.fullmatch(header[1])
            assert Principals.parse(principals).caller(header[1]).channel == "web"
