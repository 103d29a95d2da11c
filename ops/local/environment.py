"""The environment variables that the app runs with on one machine."""

import os
from collections.abc import Mapping

from chalicelib.settings import ARCHIVE, OVER_OBSTORE, PRINCIPALS
from ops.local_stage import ACCESS_KEY, REGION, SECRET_KEY
from ops.proxies import exempting_this_machine
from ops.stack_outputs import resource_variables

ACCOUNT_ID = "000000000000"


def app_environment(
    outputs: Mapping[str, str],
    aws_url: str,
    *,
    partial_batch: bool,
    colour: bool,
    principals: str = "",
) -> dict[str, str]:
    """
    Make the app's variables for a resources stack, given its outputs.

    `.chalice/config.json` holds the same for stage `local` with the default names and ports, but
    for the endpoint: `chalice local` has it from a file, which AWS_ENDPOINT_URL overrides.
    """
    return {
        **resource_variables(outputs),
        **({PRINCIPALS: principals} if principals else {}),
        "ORDERS_AUTH": "none",
        ARCHIVE: OVER_OBSTORE,
        "ORDERS_PARTIAL_BATCH": "enabled" if partial_batch else "disabled",
        "ORDERS_LOG_FORMAT": "text",
        "ORDERS_LOG_COLOUR": "always" if colour else "never",
        # The emulator has no roles: to SQS every sender is the account.
        "ORDERS_API_ROLE_ID": ACCOUNT_ID,
        "POWERTOOLS_METRICS_DISABLED": "true",
        "AWS_ENDPOINT_URL": aws_url,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_DEFAULT_REGION": REGION,
    }


def without_aws_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """
    Copy an environment without the developer's AWS settings, those in files included.

    A profile, a session token, a region or an endpoint of one service would each send some call
    somewhere else than to the emulator, in the worst case to a real account. So all of AWS_* goes,
    and ORDERS_* with it, which may name the resources of a deployed stage.
    """
    kept = {
        name: value
        for name, value in environment.items()
        if not name.startswith(("AWS_", "ORDERS_", "POWERTOOLS_"))
    }
    return (
        kept
        | {
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        | exempting_this_machine(kept)
    )
