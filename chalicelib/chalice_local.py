"""Advice for `chalice local`: what its stage lacks. No function on Lambda loads this module."""

import logging

from chalicelib.application import Application
from chalicelib.aws.clients import is_on_this_machine
from chalicelib.services.health import HealthStatus
from chalicelib.settings import SettingsError

COMMAND = "chalice local --stage local --port 8080"

# Chalice prints the lines of this logger as they are.
log = logging.getLogger("chalicelib")


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
