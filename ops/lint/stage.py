"""A stage's settings as the rules see them, wherever they were read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ops.object_lock import NO_LOCK, Lock

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

API_NAME = "orders"


def statements_of(policy: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """List the statements of a policy: AWS also takes a single one without a list around it."""
    found: Any = policy["Statement"]
    return found if isinstance(found, list) else [found]


def denies_plain_http(policy: Mapping[str, Any]) -> bool:
    """Tell whether a resource policy denies everything over plain HTTP."""
    condition = {"Bool": {"aws:SecureTransport": "false"}}
    return any(
        statement["Effect"] == "Deny" and statement.get("Condition") == condition
        for statement in statements_of(policy)
    )


@dataclass(frozen=True)
class QueueSettings:
    """A queue. `moves_to` is its dead-letter queue's ARN, `takes_from` its sources' ARNs."""

    arn: str
    visibility_timeout_seconds: int
    retention_seconds: int
    encrypted: bool
    refuses_plain_http: bool
    moves_to: str | None = None
    maximum_receives: int | None = None
    takes_from: tuple[str, ...] = ()

    @property
    def account_id(self) -> str:
        return self.arn.split(":")[4]


@dataclass(frozen=True)
class FunctionSettings:
    """
    A function; its log is None if it has no log group yet, or one that keeps everything.

    `application_log_level` is Lambda's: below it Lambda itself drops the function's lines.
    """

    timeout_seconds: int
    variables: Mapping[str, str]
    log_retention_days: int | None
    reserved_concurrency: int | None = None
    application_log_level: str | None = None
    # X-Ray is on for it.
    traced: bool = False


@dataclass(frozen=True)
class MappingSettings:
    """The event source mapping between OrdersQueue and the processor. It polls, unless paused."""

    queue_arn: str
    batch_size: int
    window_seconds: int
    maximum_concurrency: int | None
    reports_failures: bool
    polls: bool = True


@dataclass(frozen=True)
class BucketSettings:
    """The archive bucket."""

    versioned: bool
    encrypted: bool
    closed_to_the_public: bool
    refuses_plain_http: bool
    lock: Lock = NO_LOCK


@dataclass(frozen=True)
class TableSettings:
    """The record table."""

    recoverable: bool
    protected: bool
    on_demand: bool
    # The attribute by which items are deleted; None where none are.
    expires_by: str | None


@dataclass(frozen=True)
class AlarmSettings:
    """An alarm: it is raised when its metric is beyond the threshold for that long."""

    threshold: float
    lasting_seconds: int


def alarm_settings(alarm: Mapping[str, Any]) -> AlarmSettings:
    """Read an alarm, which CloudWatch and CloudFormation write with the same names."""
    lasting = alarm["Period"] * alarm["EvaluationPeriods"]
    return AlarmSettings(float(alarm["Threshold"]), int(lasting))


@dataclass(frozen=True)
class GatewaySettings:
    """
    The REST API. It has no id before it is deployed.

    `stages` are API Gateway's own; `routes` says of each method and path ("GET /orders") whether
    API Gateway checks a signature.
    """

    rest_api_id: str | None = None
    stages: frozenset[str] = frozenset()
    routes: Mapping[str, bool] = field(default_factory=dict)
    # X-Ray is on for the stage of the same name.
    traced: bool = False


@dataclass(frozen=True)
class KeySettings:
    """
    A KMS key of the user's own, its policy, and the services that use it for a stage.

    KMS shows the policy of a key to callers of its own account only.
    """

    arn: str
    enabled: bool
    policy: Mapping[str, Any]
    caller_account: str
    services: tuple[str, ...]

    @property
    def region(self) -> str:
        return self.arn.split(":")[3]

    @property
    def is_of_caller(self) -> bool:
        return self.arn.split(":")[4] == self.caller_account


@dataclass(frozen=True)
class SealKey:
    """The KMS key that signs seals, and the names of its aliases."""

    enabled: bool
    spec: str
    usage: str
    is_of_account: bool
    aliases: frozenset[str]


@dataclass(frozen=True)
class SealSettings:
    """Whether a function seals each night, and the key's ARN; `key` is None if not looked at."""

    on: bool
    key_arn: str
    key: SealKey | None = None


NO_SEALS = SealSettings(on=False, key_arn="")


@dataclass(frozen=True)
class EventsSettings:
    """
    The events of a stage: the verdicts that its resources, its function and its stream tell.

    `patterns` are the filters of the event source; it has none after `chalice deploy`.
    """

    stack_tells: str | None
    function_tells: str | None
    patterns: tuple[str, ...]


@dataclass(frozen=True)
class NamedText:
    """
    A text that may name a stage, and where it stands.

    With `expected` it has to be that text; without, it may name any resource but another stage's.
    """

    where: str
    text: str
    expected: str | None = None


@dataclass(frozen=True)
class StageSettings:
    """
    A stage. `alarms` are names; `key` is None where AWS manages the keys.

    `lock_wanted` is what the stage asks for, and its bucket's `lock` what it has. `sealer` is the
    function that seals, which not every stage has.

    `emulated`: it was read from an emulator, which drops a setting now and then.
    """

    stage: str
    queue: QueueSettings
    dead_letter_queue: QueueSettings
    bucket: BucketSettings
    table: TableSettings
    api: FunctionSettings
    processor: FunctionSettings
    mapping: MappingSettings
    gateway: GatewaySettings
    alarms: frozenset[str]
    oldest_message_alarm: AlarmSettings | None = None
    key: KeySettings | None = None
    lock_wanted: Lock = NO_LOCK
    seals: SealSettings = NO_SEALS
    sealer: FunctionSettings | None = None
    # None where the stage has no events.
    events: EventsSettings | None = None
    emulated: bool = False
    names: tuple[NamedText, ...] = ()

    @property
    def functions(self) -> dict[str, FunctionSettings]:
        """The functions, as a rule says them."""
        always = {"API": self.api, "processor": self.processor}
        return always | ({"sealing": self.sealer} if self.sealer else {})
