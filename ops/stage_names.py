"""Names of stages, and of the stacks, functions and alarms that a stage is made of."""

from chalicelib.orders.terms import CHANNELS

LOCAL_STAGE = "local"
# The parameter of the resources template that names a stage's own key.
KMS_KEY = "KmsKeyArn"
OLDEST_MESSAGE_ALARM = "oldest-message-age"
REJECTED_SHARE_ALARM = "rejected-share"
# Only a stage that asks for them has them: by its events, its seals, and the channels it watches.
EVENTS_ALARM = "events-dlq-not-empty"
SEALS_ALARM = "seals-late"
OPTIONAL_ALARMS = (EVENTS_ALARM, SEALS_ALARM, *(f"silent-{channel}" for channel in CHANNELS))


def resources_stack_name(stage: str) -> str:
    """Name the stack that holds a stage's data."""
    return f"orders-resources-{stage}"


def app_stack_name(stage: str) -> str:
    """Name the stack that runs a stage."""
    return f"orders-app-{stage}"


def api_function_name(stage: str) -> str:
    """Name the function behind the API as `chalice deploy` does."""
    return f"orders-{stage}"


def processor_name(stage: str) -> str:
    """Name the function that processes the queue as `chalice deploy` does."""
    return f"orders-{stage}-process_orders"


def publisher_name(stage: str) -> str:
    """Name the function that publishes events as `chalice deploy` does."""
    return f"orders-{stage}-publish_events"


def sealer_name(stage: str) -> str:
    """Name the function that seals days as `chalice deploy` does."""
    return f"orders-{stage}-seal_days"


def seal_key_alias(stage: str) -> str:
    """Name the alias by which that function may sign with a key: named like the function."""
    return f"alias/{sealer_name(stage)}"


def dashboard_name(stage: str) -> str:
    """Name the dashboard of a stage."""
    return f"orders-{stage}"


def alarm_name(stage: str, alarm: str) -> str:
    """
    Name an alarm of a stage. With an empty `alarm`, this is how they all begin.

    Those of some other stages begin with it too: dev-eu's do as dev's. Compare whole names.
    """
    return f"orders-{stage}-{alarm}"


def service_name(stage: str) -> str:
    """Name the service of a stage's metrics, which its alarms and its dashboard read."""
    return f"orders-{stage}"
