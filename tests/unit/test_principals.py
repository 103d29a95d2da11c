"""The table of principals: what it takes, what it refuses, and whom an entry stands for."""

import re

import pytest
from click.testing import CliRunner

from chalicelib.application import Application
from chalicelib.aws.clients import LambdaClients
from chalicelib.services.principals import (
    ANYONE,
    NAMES,
    BadPrincipals,
    Caller,
    CallerUnknown,
    ChannelNotYours,
    Principals,
)
from chalicelib.settings import SettingsError
from ops.cli.commands import main
from ops.project import PROJECT_ROOT
from tests.application import ENVIRONMENT

ACCOUNT = "111122223333"
WEB = f"arn:aws:sts::{ACCOUNT}:assumed-role/orders-web"
TABLE = f"""
    web=arn:aws:iam::{ACCOUNT}:role/orders-web
    mobile=arn:aws:iam::{ACCOUNT}:role/teams/app/orders-mobile
    atm=arn:aws:iam::{ACCOUNT}:user/atm/*
    reader=arn:aws:sts::{ACCOUNT}:assumed-role/audit-*
    reader={WEB}
"""


def caller(arn: str | None, table: str = TABLE) -> Caller:
    return Principals.parse(table).caller(arn)


@pytest.mark.parametrize(
    ("arn", "channel", "reads_all"),
    [
        (f"{WEB}/i-1", "web", True),
        (f"{WEB}/another-session", "web", True),
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/orders-mobile/i-1", "mobile", False),
        (f"arn:aws:iam::{ACCOUNT}:user/atm/0815", "atm", False),
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/audit-nightly/job", None, True),
        # Nobody's:
        (None, None, False),
        ("", None, False),
        ("arn:aws:sts::999988887777:assumed-role/orders-web/i-1", None, False),
        (f"arn:aws-cn:sts::{ACCOUNT}:assumed-role/orders-web/i-1", None, False),
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/Orders-Web/i-1", None, False),
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/orders-web-2/i-1", None, False),
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/x/orders-web", None, False),
        (f"arn:aws:iam::{ACCOUNT}:user/orders-web", None, False),
        (f"arn:aws:iam::{ACCOUNT}:user/atm/north/0815", None, False),
        (f"arn:aws:iam::{ACCOUNT}:user/atm", None, False),
        (f"arn:aws:sts::{ACCOUNT}:federated-user/orders-web", None, False),
        (f"arn:aws:iam::{ACCOUNT}:root", None, False),
    ],
)
def test_a_caller_has_the_channel_of_the_entry_that_matches_without_the_session(
    arn: str | None, channel: str | None, reads_all: bool
) -> None:
    assert caller(arn) == Caller(arn, channel, reads_all, restricted=True)


def test_the_first_matching_channel_wins() -> None:
    table = f"mobile=arn:aws:iam::{ACCOUNT}:role/orders-* web={WEB}"

    assert caller(f"{WEB}/i-1", table).channel == "mobile"


@pytest.mark.parametrize(
    ("pattern", "arn"),
    [
        ("arn:aws:iam::111122223333:role/*", f"{WEB}/i-1"),
        ("arn:aws:iam::*:role/orders-web", f"{WEB}/i-1"),
        ("arn:*:iam::111122223333:role/orders-web", f"{WEB}/i-1"),
        (
            "arn:aws-us-gov:iam::1" + "0" * 11 + ":role/a.b",
            "arn:aws-us-gov:sts::1" + "0" * 11 + ":assumed-role/a.b/x",
        ),
        ("arn:aws:iam::111122223333:user/a=b,@c+d", "arn:aws:iam::111122223333:user/a=b,@c+d"),
    ],
)
def test_a_star_stands_for_a_part_of_an_arn(pattern: str, arn: str) -> None:
    assert caller(arn, f"web={pattern}").channel == "web"


@pytest.mark.parametrize(
    ("pattern", "arn"),
    [
        # A star ends at / and at :, and every other character stands for itself.
        ("arn:aws:iam::111122223333:role/orders.web", f"{WEB}/i-1"),
        ("arn:aws:iam::111122223333:user/*", "arn:aws:iam::111122223333:user/a/b"),
        ("arn:aws:iam::111122223333:user/*", "arn:aws:iam::111122223333:user/a:b"),
        ("arn:aws:iam::111122223333:user/a*", "arn:aws:iam::111122223333:user/a\n/b"),
    ],
)
def test_a_pattern_stands_for_nothing_else(pattern: str, arn: str) -> None:
    assert caller(arn, f"web={pattern}").channel is None


@pytest.mark.parametrize("text", [None, ""])
def test_without_a_table_everyone_may_do_all(text: str | None) -> None:
    anyone = Principals.parse(text).caller(f"{WEB}/i-1")

    assert anyone == Caller(f"{WEB}/i-1")
    anyone.require_channel()
    anyone.require_reader()
    anyone.require_own("atm")
    assert anyone.sees_only is None


ROLE = f"arn:aws:iam::{ACCOUNT}:role/orders-web"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (" \n ", "white space only"),
        (ROLE, "has no ="),
        (f"={ROLE}", "which is none of web, mobile, atm, reader"),
        (f"WEB={ROLE}", "which is none of web, mobile, atm, reader"),
        (f"branch={ROLE}", "which is none of web, mobile, atm, reader"),
        (f"web= {ROLE}", "has no ARN of a role or a user"),
        (f"web={ROLE},{ROLE}", "has no ARN of a role or a user"),
        ("web=*", "has no ARN of a role or a user"),
        ("web=orders-web", "has no ARN of a role or a user"),
        (f"web=arn:aws:iam::{ACCOUNT}:root", "has no ARN of a role or a user"),
        (f"web=arn:aws:iam::{ACCOUNT}:role/", "has no ARN of a role or a user"),
        (f"web=arn:aws:iam::{ACCOUNT}:role/a/", "has no ARN of a role or a user"),
        (f"web=arn:aws:iam::{ACCOUNT}:group/web", "has no ARN of a role or a user"),
        # Whoever asks STS for one chooses its name.
        (f"web=arn:aws:sts::{ACCOUNT}:federated-user/web", "names a federated user"),
        (f"reader=arn:aws:sts::{ACCOUNT}:federated-user/*", "names a federated user"),
        (f"web=arn:aws:iam::{ACCOUNT}:assumed-role/web", "has no ARN of a role or a user"),
        (f"web=arn:aws:sts::{ACCOUNT}:role/web", "has no ARN of a role or a user"),
        ("web=arn:aws:iam::1111:role/web", "has no ARN of a role or a user"),
        ("web=arn:aws:iam::11112222*:role/web", "has no ARN of a role or a user"),
        (f"web=arn:aws:iam:eu-west-1:{ACCOUNT}:role/web", "has no ARN of a role or a user"),
        (f"web=arn:aws:sqs::{ACCOUNT}:role/web", "has no ARN of a role or a user"),
        (f"web=arn:aws:iam::{ACCOUNT}:role/wéb", "has no ARN of a role or a user"),
        (f"web={WEB}/i-1", "names a session"),
        (f"web={WEB}/*", "names a session"),
        (f"web=arn:aws:iam::{ACCOUNT}:role/teams/*", "has a path and a * in the role's name"),
        (f"web={ROLE} mobile", "'mobile' has no ="),
    ],
)  # fmt: skip
def test_a_table_is_refused_that_says_something_unclear(text: str, said: str) -> None:
    with pytest.raises(BadPrincipals, match=re.escape(said)):
        Principals.parse(text)


def test_a_bad_entry_is_a_bad_setting_of_the_api_and_stops_no_processor() -> None:
    bad = Application(ENVIRONMENT | {"ORDERS_PRINCIPALS": "web=x"}, LambdaClients())

    with pytest.raises(SettingsError, match=r"^ORDERS_PRINCIPALS: 'web=x' has no ARN.*: write "):
        _ = bad.principals

    assert bad.processor


def test_a_federated_user_is_of_no_channel_whatever_name_it_took() -> None:
    """Whoever calls sts:GetFederationToken chooses the name."""
    table = f"web=arn:aws:iam::{ACCOUNT}:user/* reader=arn:*:iam::*:role/*"

    found = caller(f"arn:aws:sts::{ACCOUNT}:federated-user/orders-web", table)

    assert (found.channel, found.reads_all) == (None, False)


def test_a_caller_of_no_channel_hands_in_nothing_and_only_a_reader_reads() -> None:
    stranger, reader = caller(None), caller(f"arn:aws:sts::{ACCOUNT}:assumed-role/audit-1/x")

    for each in stranger, reader:
        with pytest.raises(CallerUnknown):
            each.require_channel()
    with pytest.raises(CallerUnknown):
        stranger.require_reader()
    reader.require_reader()
    assert not stranger.sees(object())
    assert reader.sees(object())


@pytest.mark.parametrize(("named", "refused"), [(None, False), ("atm", False), ("web", True)])
def test_a_channel_names_itself_or_none(named: str | None, refused: bool) -> None:
    atm = caller(f"arn:aws:iam::{ACCOUNT}:user/atm/1")

    if refused:
        with pytest.raises(ChannelNotYours):
            atm.require_own(named)
    else:
        atm.require_own(named)


def test_the_owner_of_a_key_is_the_caller_without_the_session() -> None:
    assert Caller(f"{WEB}/i-1").principal == Caller(f"{WEB}/i-2").principal == WEB
    assert ANYONE.principal == "anonymous"


PAGE = (PROJECT_ROOT / "docs" / "stages.md").read_text(encoding="utf-8")


def test_the_tables_of_the_page_are_taken_and_map_whom_it_says() -> None:
    (setting,) = re.findall('"ORDERS_PRINCIPALS": "([^"]+)"', PAGE)
    (option,) = re.findall("--principals '([^']+)'", PAGE)
    (header,) = re.findall("X-Local-Principal: ([^']+)'", PAGE)

    assert {entry.name for entry in Principals.parse(setting).entries} == set(NAMES)
    assert caller(f"{WEB}/i-1", setting).channel == "web"
    assert caller(f"arn:aws:sts::{ACCOUNT}:assumed-role/audit-7/x", setting).reads_all
    assert caller("arn:aws:iam::444455556666:user/atm/0815", setting).channel == "atm"
    assert caller(header, option).channel == "web"


@pytest.mark.parametrize("command", ["run", "api"])
@pytest.mark.parametrize("principals", [" ", "web", "web=orders-web", "branch=x"])
def test_a_bad_table_of_callers_is_refused_before_anything_starts(
    command: str, principals: str
) -> None:
    done = CliRunner().invoke(main, [command, "--principals", principals])

    assert done.exit_code == 2
    assert "Invalid value for '--principals'" in done.output
