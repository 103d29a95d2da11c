"""The operators' sessions and clients of AWS: made here only, so that each has the same guards."""

from __future__ import annotations

import os
import re
import ssl
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, NoRegionError, ProfileNotFound

from chalicelib.aws.answers import count_only_answers_of_aws
from chalicelib.aws.clients import make_past_proxies

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# Their values stay out of a message.
SECRET = ("KEY", "TOKEN", "SECRET")


class BadAwsSetting(BotoCoreError):
    """A variable or a file that sets AWS up has a value that can't be used: the message says it."""

    fmt = "{said}"


def make_session(**options: Any) -> boto3.Session:
    """
    Make a session, with the settings that the AWS CLI would use, and the given options.

    Raises:
        BadAwsSetting: one of the settings can't be used.
        ProfileNotFound: there is no profile of this name.
    """
    core = botocore.session.Session()
    with _naming_bad_settings():
        session = boto3.Session(botocore_session=core, **options)
        _require_authorities(core.get_config_variable("ca_bundle"))
    count_only_answers_of_aws(session.events)
    return session


def make_client(session: boto3.Session, service: str, **options: Any) -> Any:
    """
    Make a client of a session. It calls an endpoint on this machine without a proxy.

    Raises:
        BadAwsSetting: one of the session's settings can't be used.
        NoRegionError: no region is set.
    """
    config = options.pop("config", None) or Config()
    make: Any = partial(session.client, service, **options)
    with _naming_bad_settings():
        return make_past_proxies(make, config)


def said_with_setting(error: Exception, environment: Mapping[str, str] = os.environ) -> str:
    """Say an error of boto3, after the environment variable whose value it quotes."""
    said = f"{error}".rstrip(".")
    settings = {name: value for name, value in environment.items() if value and _is_setting(name)}
    # The values that would do often stand in brackets: another variable may have one of them.
    for text in (re.sub(r"\(.*?\)", "", said), said):
        for name, value in settings.items():
            if re.search(rf"(?<![\w.-]){re.escape(value)}(?![\w-])", text):
                return f"{name} is {value!r}: {said}"
    return said


def _is_setting(name: str) -> bool:
    return name.startswith("AWS_") and not any(part in name for part in SECRET)


@contextmanager
def _naming_bad_settings() -> Iterator[None]:
    try:
        yield
    except (NoRegionError, ProfileNotFound, BadAwsSetting):
        raise
    except (BotoCoreError, ValueError) as error:
        raise BadAwsSetting(said=said_with_setting(error)) from error


def _require_authorities(path: str | None) -> None:
    """Read the certificate authorities of the settings now: a first call would fail wordlessly."""
    if path:
        try:
            ssl.create_default_context(cafile=path)
        except OSError as error:
            said = f"there are no certificates to read in {path} ({error.strerror or error})"
            raise BadAwsSetting(said=said_with_setting(ValueError(said))) from error
