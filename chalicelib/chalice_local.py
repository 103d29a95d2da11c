"""
Words of Chalice's commands about a stage, as they load the app: what it lacks, and a bad value.

No function on Lambda loads this module.
"""

import logging
import sys
from collections.abc import Mapping

from chalicelib.application import Application
from chalicelib.aws.clients import is_on_this_machine
from chalicelib.services.health import HealthStatus
from chalicelib.settings import SettingMissing, SettingsError, require_usable

COMMAND = "chalice local --stage local --port 8080"

# Chalice prints the lines of this logger as they are.
log = logging.getLogger("chalicelib")


def refuse_bad_settings(environment: Mapping[str, str]) -> None:
    """
    End `chalice deploy`, or another command, before it makes what fails with its first order.

    A stage whose resources aren't there yet is no such one: `chalice local` only warns of it.
    """
    try:
        require_usable(environment)
    except SettingMissing:
        return
    except SettingsError as error:
        # Logged: `chalice local` loads the app in a thread, whose exit nobody sees. Of every other
        # exception Chalice shows a traceback.
        log.error("Error: %s. Write another value into .chalice/config.json.", error)  # noqa: TRY400
        sys.exit(1)


def warn_of_what_is_lacking(application: Application) -> None:
    """Say at the start, not with the first request, that a stage can't work as it is."""
    lacking = what_is_lacking(application)
    if lacking:
        log.warning(lacking)


def what_is_lacking(application: Application) -> str | None:
    """Say in one line what a stage lacks that somebody starts by hand, and what to type."""
    try:
        queue_url = application.settings.queue_url
    except SettingsError as error:
        return (
            f"{error}. Chalice takes stage dev unless one is named. For the local one, start "
            f"`make run` in another terminal, and type here: {COMMAND}"
        )
    if not is_on_this_machine(queue_url) or not _is_down(application):
        return None
    return (
        f"The local stage does not answer at {application.clients.sqs.meta.endpoint_url}: type "
        "`make run` in another terminal. If that says that its AWS endpoint has another port, "
        f"type here: AWS_ENDPOINT_URL=http://127.0.0.1:PORT {COMMAND}"
    )


def _is_down(application: Application) -> bool:
    return application.health.report().status is HealthStatus.FAIL
