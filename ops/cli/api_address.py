"""The API of a stage, for commands that call it as a channel does."""

from __future__ import annotations

import re
from contextlib import suppress
from http.client import HTTPException
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from ops.cli.exits import OutOfReach
from ops.cli.port_choice import API
from ops.desk.masking import masked_text
from ops.ports import LOOPBACK
from ops.verify.place import api_url_of, signed_api

if TYPE_CHECKING:
    from ops.deploy.smoke import SignedApi
    from ops.desk.stage import Stage

LOCAL_URL = f"http://{LOOPBACK}:{API.usual}"
# The media type of the answer by which the app is known.
HEALTH = "application/health+json"

ADDRESS = re.compile(r"https?://[!-.0-~]+(/[!->@-~]*)?")


class Address(click.ParamType[str]):
    """The address of an API, which paths are put after."""

    name = "url"

    def convert(self, value: Any, param: Any, ctx: Any) -> str:
        if not _is_address(value):
            self.fail(f"{value!r} is not an address like {LOCAL_URL}", param, ctx)
        return str(value)


def _is_address(text: str) -> bool:
    with suppress(ValueError):
        _ = urlsplit(text).port
        return bool(ADDRESS.fullmatch(text))
    return False


api_url_option = click.option(
    "--api-url",
    type=Address(),
    help=f"Address of the API  [default: the deployed one; local: {LOCAL_URL}]",
)


def stage_api_url(stage: Stage, given: str | None) -> str:
    """
    Return the address of a stage's API: the given one, or where it is found.

    Raises:
        StageUnavailable: it is not found.
    """
    return (given or (LOCAL_URL if stage.is_local else api_url_of(stage))).rstrip("/")


def reached_api(stage: Stage, given: str | None) -> SignedApi:
    """
    Make the API of a stage, called with the operator's credentials. It has answered once.

    Raises:
        StageUnavailable, OutOfReach: it is not found, or does not answer.
    """
    url = stage_api_url(stage, given)
    api = signed_api(url, stage.session.region_name, stage.session.get_credentials())
    require_api(api, url, stage)
    return api


def require_api(api: SignedApi, url: str, stage: Stage) -> None:
    """
    Check that the API answers at this address.

    Raises:
        OutOfReach: nothing does, or another program.
    """
    try:
        answer = api.send("GET", "/health", signed=False)
    except (OSError, ValueError, HTTPException) as error:
        said = masked_text(f"Nothing answers at {url}: say with --api-url where the API is.")
        raise OutOfReach(f"{said} ({masked_text(str(error))})") from error
    # Another program may have the usual port: `make run` has taken the next one then.
    if stage.is_local and answer.headers.get("Content-Type") != HEALTH:
        raise OutOfReach(
            masked_text(
                f"It is another program that answers at {url}: say with --api-url where the API is."
            )
        )
