"""Every way to be refused by AWS has a sentence of its own, which ends with what to type."""

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
    TokenRetrievalError,
)

from ops.deploy.problems import explain


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


def test_a_mistyped_region_gets_a_guess() -> None:
    error = EndpointConnectionError(endpoint_url="https://sts.eu-wset-3.amazonaws.com/")

    explained = explain(error, {})

    assert "eu-wset-3, which boto3 does not know: did you mean eu-west-3?" in explained


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
