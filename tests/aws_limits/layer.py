"""The layer: it checks calls, the app's answers, and what Powertools writes, in this process."""

import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from tests.aws_limits.after_import import after_import
from tests.aws_limits.ledger import write
from tests.aws_limits.rule import Call, Rule

HTTP_STATUS = 400

_installed = False
_is_lifted = False


def install() -> None:
    """Hold this process to AWS's limits, from now on. Safe to repeat."""
    global _installed  # noqa: PLW0603 (what it changes is the process's own)
    if _installed:
        return
    _installed = True
    after_import("botocore.client", _hold_calls)
    after_import("botocore.signers", _hold_presigned_urls)
    after_import("chalice.app", _hold_answers)
    after_import("aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch", _hold_metrics)
    after_import("aws_lambda_powertools.logging.formatter", _hold_lines)


@contextmanager
def lifted() -> Iterator[None]:
    """Do without the layer in the `with` block, where a test counts what the code itself does."""
    global _is_lifted  # noqa: PLW0603 (same)
    _is_lifted = True
    try:
        yield
    finally:
        _is_lifted = False


def broken_by(call: Call) -> Rule | None:
    """Write down the first rule that a call breaks, and return it."""
    if _is_lifted:
        return None
    # Here: a process that makes no call loads no rules.
    from tests.aws_limits.rules import BY_CALL  # noqa: PLC0415

    for rule in BY_CALL.get(call.name, ()):
        problem = rule.check(call)
        if problem:
            write(rule.name, problem, call.name, rule.source)
            return rule
    return None


def _hold_calls(client_module: ModuleType) -> None:
    """Hold the calls of every client: all are of subclasses of this one class."""
    base = client_module.BaseClient
    make = base._make_api_call

    @functools.wraps(make)
    def make_held(client: Any, operation: str, parameters: Mapping[str, Any]) -> Any:
        service = client.meta.service_model.service_name
        call = Call(service, operation, parameters, functools.partial(_ask, make, client))
        rule = broken_by(call)
        if rule and rule.code:
            raise _error(client, operation, rule.code, f"{rule.name} ({rule.source})")
        return make(client, operation, parameters)

    base._make_api_call = make_held


def _ask(make: Callable[..., Any], client: Any, operation: str, **parameters: Any) -> Any:
    """Make a call for a rule. If it fails, so will the call that the rule is about."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 (it is loaded)

    try:
        return make(client, operation, parameters)
    except (BotoCoreError, ClientError):
        return {}


def _error(client: Any, operation: str, code: str, message: str) -> Exception:
    """Make the error that a client makes of AWS's answer."""
    # SQS's own names of errors are the last part of the codes that it kept from earlier days.
    kind = client.exceptions.from_code(code.rpartition(".")[2])
    response = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": HTTP_STATUS, "HTTPHeaders": {}, "RetryAttempts": 0},
    }
    error: Exception = kind(response, operation)
    return error


def _hold_presigned_urls(signers: ModuleType) -> None:
    """Hold the URLs that clients presign. Nothing fails here: AWS sees a URL when it is used."""
    generate = signers.generate_presigned_url

    # The parameters have botocore's names.
    @functools.wraps(generate)
    def generate_held(
        self: Any,
        ClientMethod: str,  # noqa: N803
        Params: Mapping[str, Any] | None = None,  # noqa: N803
        ExpiresIn: int = 3600,  # noqa: N803
        HttpMethod: str | None = None,  # noqa: N803
    ) -> Any:
        url = generate(self, ClientMethod, Params, ExpiresIn, HttpMethod)
        seen = {
            "Url": url,
            "ExpiresIn": ExpiresIn,
            "Region": self.meta.region_name,
            "AddressingStyle": (self.meta.config.s3 or {}).get("addressing_style"),
        }
        service = self.meta.service_model.service_name
        broken_by(Call(service, "PresignedUrl", {**(Params or {}), **seen}))
        return url

    signers.generate_presigned_url = generate_held  # type: ignore[attr-defined]


def _hold_answers(chalice: ModuleType) -> None:
    """Hold the answers to HTTP requests, whoever makes these: a test, a server or an emulator."""
    respond = chalice.Chalice.__call__

    @functools.wraps(respond)
    def respond_held(self: Any, event: Any, context: Any) -> Any:
        answer = respond(self, event, context)
        broken_by(Call("lambda", "Answer", answer))
        return answer

    chalice.Chalice.__call__ = respond_held


def _hold_metrics(cloudwatch: ModuleType) -> None:
    provider = cloudwatch.AmazonCloudWatchEMFProvider
    serialize = provider.serialize_metric_set

    @functools.wraps(serialize)
    def serialize_held(*arguments: Any, **named: Any) -> Any:
        document = serialize(*arguments, **named)
        broken_by(Call("cloudwatch", "EmbeddedMetrics", document))
        return document

    provider.serialize_metric_set = serialize_held


def _hold_lines(formatter: ModuleType) -> None:
    formatter_class = formatter.LambdaPowertoolsFormatter
    write_line = formatter_class.format

    @functools.wraps(write_line)
    def format_held(self: Any, record: Any) -> str:
        line: str = write_line(self, record)
        broken_by(Call("logs", "Line", {"Message": line}))
        return line

    formatter_class.format = format_held
