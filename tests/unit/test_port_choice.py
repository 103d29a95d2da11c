"""The ports of `make run`, `ops api` and `ops console`: what is taken leads to one that is free."""

import shlex
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import click
import pytest
from click.testing import CliRunner

from ops.cli.commands import main
from ops.cli.port_choice import API, AWS, CONSOLE, Ports, Purpose, choose_ports, from_make_option
from ops.ports import LOOPBACK, free_port


@contextmanager
def listening_on(*ports: int) -> Iterator[None]:
    with ExitStack() as sockets:
        for port in ports:
            sockets.enter_context(socket.create_server((LOOPBACK, port)))
        yield


def free_ports_in_a_row(count: int) -> int:
    """Find the first of some ports in a row that nobody listens on, or is given soon after."""
    while True:
        ports = [free_port() for _ in range(count)]
        if ports[-1] == ports[0] + count - 1:
            return ports[0]


@pytest.fixture
def first() -> int:
    return free_ports_in_a_row(6)


def purposes(first: int) -> tuple[Purpose, Purpose, Purpose]:
    """Make the API and the console neighbours, as 8000 and 8001 are."""
    return (
        API._replace(usual=first),
        AWS._replace(usual=first + 3),
        CONSOLE._replace(usual=first + 1),
    )


def typed(first: int, *words: str) -> Any:
    """Type a command like `run`, whose usual ports begin at the first."""
    api, aws, console = purposes(first)

    @click.command()
    @click.option("--port", type=int)
    @click.option("--aws-port", type=int)
    @click.option("--console-port", type=int)
    @click.option("--no-console", is_flag=True)
    @click.option("--window", type=float, default=0.0)
    @from_make_option
    @click.pass_context
    def run(
        context: click.Context,
        /,
        port: int | None,
        aws_port: int | None,
        console_port: int | None,
        **_: Any,
    ) -> Ports:
        return choose_ports(context, {api: port, aws: aws_port, console: console_port})

    result = CliRunner().invoke(run, words, standalone_mode=False)
    if result.exception:
        raise result.exception
    return result.return_value


def numbers(ports: Ports) -> list[int]:
    return list(ports.numbers.values())


def test_a_command_takes_the_usual_ports(first: int) -> None:
    ports = typed(first)

    assert numbers(ports) == [first, first + 3, first + 1]
    assert ports.moved == []


def test_a_command_takes_the_next_free_ports_and_says_so(first: int) -> None:
    with listening_on(first, first + 3):
        ports = typed(first)
        again = typed(first)

    # Not the console's usual port, nor the one of the AWS endpoint.
    assert numbers(ports) == [first + 2, first + 4, first + 1]
    other = "is in use by another program"
    assert ports.moved == [
        f"Port {first} {other}: the API is on {first + 2} this time.",
        f"Port {first + 3} {other}: the AWS endpoint is on {first + 4} this time.",
    ]
    assert again == ports


def test_a_port_that_is_asked_for_moves_the_purpose_that_usually_has_it(first: int) -> None:
    ports = typed(first, "--port", str(first + 1))

    assert numbers(ports) == [first + 1, first + 3, first + 2]
    assert ports.moved == [
        f"Port {first + 1} is the API's: the console is on {first + 2} this time."
    ]


def test_port_0_is_left_to_chance(first: int) -> None:
    ports = typed(first, "--port", "0", "--console-port", "0")

    assert numbers(ports) == [0, first + 3, 0]
    assert ports.moved == []


@pytest.mark.parametrize("from_make", [True, False])
def test_a_port_in_use_is_refused_with_the_whole_command_to_type(
    first: int, *, from_make: bool
) -> None:
    given = ["--port", str(first), "--no-console", "--window", "1.5"]
    flag = ["--from-make"] if from_make else []

    with listening_on(first):
        with pytest.raises(click.ClickException) as refused:
            typed(first, *given, *flag)
        said, advice = str(refused.value).split(" Type: ")
        words = advice_as_options(advice)
        ports = typed(first, *words)

    assert said == f"Port {first} (API) is in use by another program."
    assert "\n" not in str(refused.value)
    assert advice == (
        f"make run PORT={first + 2} OPTIONS='--no-console --window 1.5'"
        if from_make
        else f"python -m ops run --port {first + 2} --no-console --window 1.5"
    )
    assert words == ["--port", str(first + 2), *given[2:]]
    assert ports.moved == []


def advice_as_options(advice: str) -> list[str]:
    """Read a command of advice as the Makefile would."""
    words = shlex.split(advice)
    if words[0] != "make":
        return words[4:]
    variables = dict(word.split("=", 1) for word in words[2:])
    return ["--port", variables["PORT"], *shlex.split(variables["OPTIONS"])]


def test_every_port_at_fault_is_named_in_one_command(first: int) -> None:
    with listening_on(first, first + 3), pytest.raises(click.ClickException) as refused:
        typed(
            first,
            *("--port", str(first), "--aws-port", str(first + 3), "--console-port", str(first)),
        )

    assert str(refused.value) == (
        f"Port {first} (API) is in use by another program. "
        f"Port {first + 3} (AWS endpoint) is in use by another program. "
        f"The API and the console can't both have {first}. "
        f"Type: python -m ops run --port {first + 1} --aws-port {first + 4} "
        f"--console-port {first + 2}"
    )


def test_the_same_port_for_two_purposes_is_refused(first: int) -> None:
    with pytest.raises(click.ClickException) as refused:
        typed(first, "--port", str(first), "--console-port", str(first), "--from-make")

    assert str(refused.value) == (
        f"The API and the console can't both have {first}. "
        f"Type: make run PORT={first} CONSOLE_PORT={first + 1}"
    )


def test_the_last_port_of_all_leads_to_any_free_one() -> None:
    with listening_on(65535), pytest.raises(click.ClickException) as refused:
        typed(20_000, "--port", "65535", "--no-console")

    port = int(shlex.split(str(refused.value))[-2])
    with listening_on(port):
        pass


@pytest.mark.parametrize(
    ("words", "rest"),
    [
        (["run"], ""),
        (["run", "--from-make"], ""),
        (["api", "--aws-port", "4570"], " --aws-port 4570"),
        (["console", "--stage", "dev"], ""),
    ],
    ids=" ".join,
)
def test_every_command_with_a_port_says_what_to_type(words: list[str], rest: str) -> None:
    first = free_ports_in_a_row(2)
    with listening_on(first):
        ended = CliRunner().invoke(main, [*words, "--port", str(first)])

    assert ended.exit_code == 1
    typed = (
        f"make run PORT={first + 1}"
        if "--from-make" in words
        else "python -m ops "
        + {
            "run": f"run --port {first + 1}",
            "api": f"api --port {first + 1}{rest}",
            "console": f"console --stage dev --port {first + 1}",
        }[words[0]]
    )
    (line,) = ended.stderr.splitlines()
    assert line.endswith(f"is in use by another program. Type: {typed}")
