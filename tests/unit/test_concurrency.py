"""Before a deployment: whether the account's concurrency is enough for processor and API."""

from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from ops.deploy.concurrency import concurrency_warning
from ops.deploy.stage_config import StageConfig
from ops.project import PROJECT_ROOT


class FakeLambda:
    """Says what the account may run at once, or fails."""

    def __init__(
        self, quota: int = 1000, reserved: int = 0, error: Exception | None = None
    ) -> None:
        self._quota = quota
        self._reserved = reserved
        self._error = error

    def get_account_settings(self) -> dict[str, Any]:
        if self._error:
            raise self._error
        return {
            "AccountLimit": {
                "ConcurrentExecutions": self._quota,
                "UnreservedConcurrentExecutions": self._quota - self._reserved,
            }
        }


class FakeAws:
    """An account that only has Lambda."""

    def __init__(self, awslambda: Any) -> None:
        self.awslambda = awslambda


def warning(awslambda: Any, maximum: str | None = "10", rate: str | None = "100") -> str | None:
    settings = {
        "environment_variables": {} if maximum is None else {"ORDERS_MAXIMUM_CONCURRENCY": maximum},
        "template_parameters": {} if rate is None else {"ThrottleRate": rate},
    }
    aws: Any = FakeAws(awslambda)
    return concurrency_warning(aws, StageConfig(PROJECT_ROOT, "dev", settings, {}))


@pytest.mark.parametrize(
    ("awslambda", "maximum", "rate"),
    [
        (FakeLambda(1000), "10", "100"),
        (FakeLambda(1000), "100", "5000"),
        (FakeLambda(20), "10", "100"),
        (FakeLambda(20), "10", None),
        (FakeLambda(20), "10", "many"),
        (FakeLambda(1000, reserved=980), "10", "100"),
    ],
)
def test_an_account_with_enough_concurrency_gets_no_warning(
    awslambda: FakeLambda, maximum: str, rate: str | None
) -> None:
    assert warning(awslambda, maximum, rate) is None


def test_a_new_account_is_told_the_figures_and_what_to_do() -> None:
    said = warning(FakeLambda(10))

    assert said
    assert "10 functions may run at once in this account and region, and 0 of" in said
    assert "The processor may take 10 (ORDERS_MAXIMUM_CONCURRENCY is 10), which leaves 0" in said
    assert "needs about 10 for 100 requests a second (ThrottleRate)" in said
    assert "Service Quotas > AWS Lambda > Concurrent executions" in said
    assert "or lower ORDERS_MAXIMUM_CONCURRENCY in .chalice/config.json" in said


@pytest.mark.parametrize(
    ("awslambda", "maximum", "rate", "left"),
    [
        (FakeLambda(19), "10", "100", 9),
        (FakeLambda(1000), "600", "5000", 400),
        (FakeLambda(1000, reserved=981), "10", "100", 9),
        (FakeLambda(5), "10", "100", 0),
        (FakeLambda(1000), None, "100", 0),
        (FakeLambda(1000), "many", "100", 0),
    ],
)
def test_too_little_for_the_api_is_a_warning(
    awslambda: FakeLambda, maximum: str | None, rate: str, left: int
) -> None:
    said = warning(awslambda, maximum, rate)

    assert said
    assert f"which leaves {left} to all others" in said


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (
            ClientError({"Error": {"Code": "AccessDeniedException"}}, "GetAccountSettings"),
            "AccessDeniedException",
        ),
        (EndpointConnectionError(endpoint_url="https://x"), "EndpointConnectionError"),
        (KeyError("AccountLimit"), "KeyError"),
    ],
)
def test_a_deployment_goes_on_where_lambda_does_not_say(error: Exception, why: str) -> None:
    said = warning(FakeLambda(error=error))

    assert said
    assert f"did not say how many functions may run at once here ({why})" in said
    assert "\n" not in said
