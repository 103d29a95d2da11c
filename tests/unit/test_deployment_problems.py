"""Every way to be refused by AWS has a sentence of its own, which ends with what to type."""

from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    InvalidRegionError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
    ProxyConnectionError,
    TokenRetrievalError,
)

from ops.deploy.problems import explain
from ops.regions import nearest_regions


def refusal(code: str, message: str = "because") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "CreateChangeSet")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (NoCredentialsError(), "There are no AWS credentials here."),
        (PartialCredentialsError(provider="env", cred_var="x"), "credentials are incomplete"),
        (CredentialRetrievalError(provider="process", error_msg="x"), "credentials are incomplete"),
        (ProfileNotFound(profile="mine"), "The config profile (mine) could not be found."),
        (refusal("ExpiredToken"), "The AWS credentials have expired: sign in again."),
        (refusal("RequestExpired"), "The AWS credentials have expired: sign in again."),
        (refusal("InvalidClientTokenId"), "AWS does not know these credentials"),
        (refusal("SignatureDoesNotMatch"), "this machine's clock is"),
    ],
)
def test_each_kind_of_bad_credentials_has_its_own_sentence(
    error: "ClientError | NoCredentialsError", said: str
) -> None:
    explained = explain(error, {})

    assert said in explained
    assert "export AWS_PROFILE=NAME" in explained


def test_the_sentence_about_an_expired_sso_session_names_the_command() -> None:
    error = TokenRetrievalError(provider="sso", error_msg="expired")

    assert "aws sso login --profile work" in explain(error, {"AWS_PROFILE": "work"})


def test_the_sentence_about_a_missing_region_gives_an_example() -> None:
    assert "export AWS_DEFAULT_REGION=us-east-1" in explain(NoRegionError(), {})


def test_a_mistyped_region_gets_guesses() -> None:
    error = EndpointConnectionError(endpoint_url="https://sts.us-est-1.amazonaws.com/")

    explained = explain(error, {})

    doubts = "us-est-1, which boto3 does not know: did you mean us-east-1, us-west-1 or us-east-2?"
    assert doubts in explained


@pytest.mark.parametrize(
    "error",
    [
        EndpointConnectionError(endpoint_url="https://sts.us-east.amazonaws.com/"),
        ProxyConnectionError(proxy_url="http://proxy.bank.example:3128"),
        InvalidRegionError(region_name="us-east"),
        refusal("SignatureDoesNotMatch"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_region_of_the_environment_gets_guesses_too(error: Any) -> None:
    assert "did you mean us-east-1, us-east-2" in explain(error, {"AWS_DEFAULT_REGION": "us-east"})
    assert "boto3 does not know" not in explain(error, {"AWS_DEFAULT_REGION": "us-east-1"})


def test_a_proxy_in_the_way_of_aws_is_named() -> None:
    error = ProxyConnectionError(proxy_url="http://proxy.bank.example:3128")

    explained = explain(error, {})

    assert "The proxy that HTTPS_PROXY names leads to no answer" in explained
    assert "http://proxy.bank.example:3128" in explained


@pytest.mark.parametrize(
    ("typed", "nearest"),
    [
        ("us-est-1", ["us-east-1", "us-west-1", "us-east-2"]),
        ("us-eats-1", ["us-east-1", "us-east-2", "us-west-1"]),
        ("us-east", ["us-east-1", "us-east-2", "us-west-1"]),
        ("useast1", ["us-east-1", "us-east-2", "us-west-1"]),
        ("US-EAST-1", ["us-east-1"]),
        ("us_east_1", ["us-east-1"]),
        ("eu-wset-3", ["eu-west-3", "eu-west-1", "eu-west-2"]),
        ("eu-west", ["eu-west-1", "eu-west-2", "eu-west-3"]),
        ("cn-nort-1", ["cn-north-1", "cn-northwest-1"]),
        ("virginia", []),
    ],
)
def test_the_nearest_regions_come_first(typed: str, nearest: list[str]) -> None:
    assert nearest_regions(typed) == nearest


@pytest.mark.parametrize("host", ["eu-west-1.amazonaws.com", "cn-north-1.amazonaws.com.cn"])
def test_a_region_that_exists_is_not_doubted(host: str) -> None:
    error = ConnectTimeoutError(endpoint_url=f"https://sts.{host}/")

    explained = explain(error, {})

    assert "does not know" not in explained
    assert "has a network" in explained


def test_the_sentence_about_an_unreachable_endpoint_names_it() -> None:
    error = EndpointConnectionError(endpoint_url="http://127.0.0.1:1/")

    explained = explain(error, {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"})

    assert "Nothing answers at http://127.0.0.1:1" in explained
    assert "unset AWS_ENDPOINT_URL" in explained


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("AccessDenied", "not allowed to call CreateChangeSet: because"),
        ("Throttling", "in a minute"),
        ("OptInRequired", "not enabled for the account"),
        ("SomethingNew", "AWS refuses CreateChangeSet (SomethingNew): because"),
    ],
)
def test_any_other_refusal_keeps_the_words_of_aws(code: str, said: str) -> None:
    explained = explain(refusal(code))

    assert said in explained
    assert "run the command again" in explained.lower()


def test_boto3s_own_refusal_becomes_a_sentence_too() -> None:
    assert "Mend that" in explain(ParamValidationError(report="too long"), {})
