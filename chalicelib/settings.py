"""Settings: the only reader of the environment."""

import logging
import os
from collections.abc import Callable, Mapping, MutableMapping
from typing import Literal, NamedTuple, Self, cast

DEFAULT_AUDIT_SHARDS = 4
MAX_AUDIT_SHARDS = 100
DEFAULT_WAITING = 20
MAX_WAITING = 1_000
DEFAULT_SERVICE = "orders"
PRINCIPALS = "ORDERS_PRINCIPALS"
SEAL_KEY = "ORDERS_SEAL_KEY"
NO_EVENTS = "off"
EVENTS = (NO_EVENTS, "eventbridge", "sns")
ACCEPTED_ONLY, EVERY_VERDICT = EVENTS_OF = ("accepted", "all")
NO_SEALS = "off"
SEALS = (NO_SEALS, "on")
ARCHIVE = "ORDERS_ARCHIVE"
OVER_BOTO3, OVER_OBSTORE = ARCHIVES = ("boto3", "obstore")
# The variables that the app, AWS's clients and Powertools are set up by begin like this.
SETTING_PREFIXES = ("AWS_", "LOG_LEVEL", "ORDERS_", "POWERTOOLS_")

# Powertools reads these by itself, and raises at a value that it can't use: while it is imported,
# when the logger is made, or after a batch was recorded. An order must not fail for its telemetry.
SWITCHES = frozenset({"0", "1", "y", "n", "yes", "no", "t", "f", "true", "false", "on", "off"})
SWITCHED = (
    "POWERTOOLS_DEBUG",
    "POWERTOOLS_DEV",
    "POWERTOOLS_LOGGER_LOG_EVENT",
    "POWERTOOLS_LOG_DEDUPLICATION_DISABLED",
    "POWERTOOLS_METRICS_DISABLED",
)
LOG_LEVELS = ("LOG_LEVEL", "POWERTOOLS_LOG_LEVEL")


class SettingsError(ValueError):
    """The environment lacks a setting, or holds a bad one: the message says what to do."""


class SettingMissing(SettingsError):
    """The environment lacks a setting, as before the resources of a stage are made."""


def current_environment() -> Mapping[str, str]:
    """Return the environment of this process: Chalice's test client puts another in its place."""
    return os.environ


def settings_in(environment: Mapping[str, str]) -> dict[str, str]:
    """Copy the variables that the app, AWS's clients and Powertools are set up by."""
    return {name: value for name, value in environment.items() if name.startswith(SETTING_PREFIXES)}


class AppSettings(NamedTuple):
    """The settings of the app's declarations, at import: also while it is packaged."""

    queue_name: str
    closed: bool
    batch_size: int
    batch_window_seconds: int
    maximum_concurrency: int | None
    # The table's stream; None where no events are published.
    stream_arn: str | None
    # Whether a function seals the days.
    seals: bool
    # The app's function that this process is; on one machine it may be any.
    function: str
    # A command of Chalice's loads the app, as `chalice local` does: never Lambda.
    in_chalice_cli: bool

    @classmethod
    def from_env(cls, environment: Mapping[str, str]) -> Self:
        return cls(
            queue_name=environment.get("ORDERS_QUEUE_NAME") or "orders-dev",
            closed=_choice(environment, "ORDERS_AUTH", ("iam", "none")) == "iam",
            batch_size=_number(environment, "ORDERS_BATCH_SIZE", 10, 1, 10_000),
            batch_window_seconds=_number(environment, "ORDERS_BATCH_WINDOW_SECONDS", 0, 0, 300),
            maximum_concurrency=_optional_number(
                environment, "ORDERS_MAXIMUM_CONCURRENCY", 2, 1000
            ),
            stream_arn=(
                None
                if _choice(environment, "ORDERS_EVENTS", EVENTS) == NO_EVENTS
                else _required(environment, "ORDERS_STREAM_ARN")
            ),
            seals=_choice(environment, "ORDERS_SEALS", SEALS) != NO_SEALS,
            function=environment.get("_HANDLER", "").removeprefix("app."),
            # On Lambda somebody's own variable may have the name; Lambda's own can't be set.
            in_chalice_cli=bool(environment.get("AWS_CHALICE_CLI_MODE"))
            and not environment.get("AWS_LAMBDA_FUNCTION_NAME"),
        )


class EventSettings(NamedTuple):
    """
    The target of events: the name of an EventBridge bus, or the ARN of an SNS topic.

    `every_verdict`: others hear of rejected and duplicate orders too.
    """

    to_topic: bool
    target: str
    source: str
    every_verdict: bool

    @classmethod
    def from_env(cls, environment: Mapping[str, str]) -> Self:
        """
        Read the settings.

        Raises:
            SettingsError: one is missing or bad.
        """
        return cls(
            to_topic=_choice(environment, "ORDERS_EVENTS", EVENTS) == "sns",
            target=_required(environment, "ORDERS_EVENTS_TARGET"),
            source=f"urn:orders:{_service(environment)}",
            every_verdict=_choice(environment, "ORDERS_EVENTS_OF", EVENTS_OF) == EVERY_VERDICT,
        )


class SealSettings(NamedTuple):
    """The ARN of the KMS key that signs seals."""

    key_arn: str

    @classmethod
    def from_env(cls, environment: Mapping[str, str]) -> Self:
        """
        Read the setting.

        Raises:
            SettingsError: the stage has no key to seal with.
        """
        return cls(_required(environment, SEAL_KEY))


class Settings(NamedTuple):
    """The app's resources, and how it behaves."""

    queue_url: str
    dead_letter_queue_url: str
    bucket: str
    table: str
    partial_batch: bool
    audit_shards: int
    # So many requests of one process may wait for a submission's record at a time.
    maximum_waiting: int
    # The table of principals as text, in chalicelib/services/principals.py; None maps nobody.
    principals: str | None = None
    # IAM's id of the API function's role; None where nobody has told it to the processor.
    api_role_id: str | None = None
    # Whether the archive's calls go over obstore instead of boto3.
    archive_over_obstore: bool = False

    @property
    def stage(self) -> str:
        """The stage's name: the template names the table by it."""
        return self.table.removeprefix("orders-")

    @classmethod
    def from_env(cls, environment: Mapping[str, str]) -> Self:
        """
        Read the settings.

        Raises:
            SettingsError: one is missing or bad.
        """
        partial_batch = _choice(environment, "ORDERS_PARTIAL_BATCH", ("disabled", "enabled"))
        return cls(
            queue_url=_required(environment, "ORDERS_QUEUE_URL"),
            dead_letter_queue_url=_required(environment, "ORDERS_DLQ_URL"),
            bucket=_required(environment, "ORDERS_BUCKET"),
            table=_required(environment, "ORDERS_TABLE"),
            partial_batch=partial_batch == "enabled",
            audit_shards=_number(
                environment, "ORDERS_AUDIT_SHARDS", DEFAULT_AUDIT_SHARDS, 1, MAX_AUDIT_SHARDS
            ),
            maximum_waiting=_number(
                environment, "ORDERS_MAXIMUM_WAITING", DEFAULT_WAITING, 0, MAX_WAITING
            ),
            principals=environment.get(PRINCIPALS),
            api_role_id=environment.get("ORDERS_API_ROLE_ID") or None,
            archive_over_obstore=_choice(environment, ARCHIVE, ARCHIVES) == OVER_OBSTORE,
        )


class LogSettings(NamedTuple):
    """
    The form of log lines: JSON for machines, or text for people.

    `service` tells logs and metrics apart where several stages share an account.
    """

    format: Literal["json", "text"]
    colour: bool
    service: str = DEFAULT_SERVICE

    @classmethod
    def from_env(cls, environment: Mapping[str, str]) -> Self:
        style = _choice(environment, "ORDERS_LOG_FORMAT", ("json", "text"))
        colour = _choice(environment, "ORDERS_LOG_COLOUR", ("never", "always"))
        return cls(
            format=cast("Literal['json', 'text']", style),
            colour=colour == "always",
            service=_service(environment),
        )


def require_usable(environment: Mapping[str, str]) -> None:
    """
    Read what functions read only once they need it, with their first order.

    Raises:
        SettingMissing, SettingsError: one is missing or bad.
    """
    LogSettings.from_env(environment)
    Settings.from_env(environment)
    if _choice(environment, "ORDERS_EVENTS", EVENTS) != NO_EVENTS:
        EventSettings.from_env(environment)


def _service(environment: Mapping[str, str]) -> str:
    return environment.get("ORDERS_SERVICE") or DEFAULT_SERVICE


def _required(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name)
    if not value:
        raise SettingMissing(
            f'{name} is not set: for a stage on AWS, "python -m ops resources up --stage STAGE" '
            "writes it into .chalice/config.json, and the next deployment sets it; on one machine, "
            '"make run" does'
        )
    return value


def _choice(environment: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str:
    """Read a setting that must be one of the choices; the first one if it is not set."""
    value = environment.get(name) or choices[0]
    if value not in choices:
        raise SettingsError(f"{name} must be one of {', '.join(choices)}: it is {value!r}")
    return value


def _number(
    environment: Mapping[str, str], name: str, default: int, lowest: int, highest: int
) -> int:
    text = environment.get(name) or str(default)
    if not (text.isascii() and text.isdigit() and lowest <= int(text) <= highest):
        raise SettingsError(f"{name} must be a whole number {lowest} to {highest}: it is {text!r}")
    return int(text)


def _optional_number(
    environment: Mapping[str, str], name: str, lowest: int, highest: int
) -> int | None:
    return _number(environment, name, lowest, lowest, highest) if environment.get(name) else None


def _is_switch(value: str) -> bool:
    return value.lower() in SWITCHES


def _is_log_level(value: str) -> bool:
    return value.upper() in logging.getLevelNamesMapping()


def _is_share(value: str) -> bool:
    try:
        return 0 <= float(value) <= 1
    except ValueError:
        return False


USABLE: Mapping[str, Callable[[str], bool]] = {
    **dict.fromkeys(SWITCHED, _is_switch),
    **dict.fromkeys(LOG_LEVELS, _is_log_level),
    "POWERTOOLS_LOGGER_SAMPLE_RATE": _is_share,
}


def take_out_unusable(environment: MutableMapping[str, str]) -> dict[str, str]:
    """Take the settings out of an environment that Powertools can't use, and return them."""
    unusable = {
        name: environment[name]
        for name, is_usable in USABLE.items()
        if name in environment and not is_usable(environment[name])
    }
    for name in unusable:
        del environment[name]
    return unusable


IGNORED: Mapping[str, str] = take_out_unusable(os.environ)
"""The settings that are ignored: taken out here, before Powertools is imported and reads them."""
