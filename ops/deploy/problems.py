"""Problems of a deployment, in sentences that end with what to type."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 (botocore's own, of which all that fail to connect are kinds)
    CredentialRetrievalError,
    HTTPClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    ProxyConnectionError,
    SSOError,
    TokenRetrievalError,
)

from ops.aws_hosts import region_of
from ops.aws_session import said_with_setting
from ops.regions import doubts_about

if TYPE_CHECKING:
    from collections.abc import Mapping

CREDENTIALS_HELP = (
    "For a profile of ~/.aws type `export AWS_PROFILE=NAME`; for keys, "
    "`export AWS_ACCESS_KEY_ID=... AWS_SECRET_ACCESS_KEY=...`. Then run the command again."
)
REGION_HELP = "Type for example `export AWS_DEFAULT_REGION=us-east-1`, and run the command again."
EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"}
UNKNOWN_KEYS = {
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "InvalidAccessKeyId",
    "AuthFailure",
}
BAD_SIGNATURE = {"SignatureDoesNotMatch", "InvalidSignatureException", "IncompleteSignature"}
DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403", "Forbidden"}
THROTTLED = {"Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequests"}
# Of calls beside CloudFormation's: at_once.py has those about a stack.
CHANGED_AT_ONCE = {
    "ConcurrentModification",
    "ConcurrentModificationException",
    "ConflictException",
    "OperationAborted",
    "ResourceConflictException",
}
REGIONS_DISABLED = {"OptInRequired", "RegionDisabledException"}


class DeploymentProblem(Exception):
    """A deployment can't go on: the message says why, and what to type."""


class PackagingFailed(DeploymentProblem):
    """The app could not be packaged: the message says why, and what to type."""


class DeploymentInterrupted(Exception):
    """The user stopped watching: the message says what goes on meanwhile."""


def explain(error: BotoCoreError | ClientError, environment: Mapping[str, str] = os.environ) -> str:
    """Say what AWS, or the way to it, refused; then what to type."""
    if isinstance(error, ClientError):
        return _explain_refusal(error, doubts_about(environment.get("AWS_DEFAULT_REGION")))
    match error:
        case NoCredentialsError():
            return f"There are no AWS credentials here. {CREDENTIALS_HELP}"
        case PartialCredentialsError() | CredentialRetrievalError():
            return f"The AWS credentials are incomplete ({error}). {CREDENTIALS_HELP}"
        case ProfileNotFound():
            return f"{said_with_setting(error, environment)}. {CREDENTIALS_HELP}"
        case SSOError() | TokenRetrievalError():
            profile = environment.get("AWS_PROFILE", "default")
            login = shlex.join(["aws", "sso", "login", "--profile", profile])
            return (
                f"The sign-in has expired ({error}): sign in again, with the AWS CLI "
                f"`{login}`, and run the command again."
            )
        case NoRegionError():
            return f"No AWS region is set. {REGION_HELP}"
        case ConnectionError() | HTTPClientError():
            return _explain_silence(error, environment)
        case _:
            doubts = doubts_about(environment.get("AWS_DEFAULT_REGION"))
            return (
                f"AWS can't be used: {_sentence(error)} {doubts}Mend that and run the command "
                "again."
            )


def code_of(error: ClientError) -> str:
    """Return AWS's own word for the refusal."""
    return error.response.get("Error", {}).get("Code", "")


def message_of(error: ClientError) -> str:
    """Return AWS's own explanation of the refusal."""
    return error.response.get("Error", {}).get("Message", "") or str(error)


def _explain_refusal(error: ClientError, doubts: str) -> str:
    code, message, call = code_of(error), message_of(error), error.operation_name
    if code in EXPIRED:
        return f"The AWS credentials have expired: sign in again. {CREDENTIALS_HELP}"
    if code in UNKNOWN_KEYS:
        return f"AWS does not know these credentials ({code}). {CREDENTIALS_HELP}"
    if code in BAD_SIGNATURE:
        return (
            f"AWS refuses the signature ({code}): the secret key is wrong, or this machine's "
            f"clock is. {doubts}{CREDENTIALS_HELP}"
        )
    if code in DENIED:
        return (
            f"These credentials are not allowed to call {call}: {message}\n"
            "Ask for that permission, or sign in as someone who has it, and run the command again."
        )
    if code in THROTTLED:
        return f"AWS asks to slow down ({call}: {message}). Run the command again in a minute."
    if code in CHANGED_AT_ONCE:
        return (
            f"Another deployment was first ({call}, {code}: {message}).\nWhen it has ended, run "
            "the same command again: it goes on from where things are then."
        )
    if code in REGIONS_DISABLED:
        return f"This region is not enabled for the account. {REGION_HELP}"
    return f"AWS refuses {call} ({code}): {message}\nMend that and run the command again."


def _explain_silence(error: BotoCoreError, environment: Mapping[str, str]) -> str:
    endpoint = environment.get("AWS_ENDPOINT_URL")
    if endpoint:
        return (
            f"Nothing answers at {endpoint}, which AWS_ENDPOINT_URL names ({error}). Start what "
            "should be there, or type `unset AWS_ENDPOINT_URL` for AWS itself; then run the "
            "command again."
        )
    region = region_of(error.kwargs.get("endpoint_url", ""))
    doubts = doubts_about(region or environment.get("AWS_DEFAULT_REGION"))
    if isinstance(error, ProxyConnectionError):
        return (
            f"The proxy that HTTPS_PROXY names leads to no answer ({error}). {doubts}Mend the "
            "variable, or type `unset HTTPS_PROXY` if AWS is reached without; then run the command "
            "again."
        )
    return (
        f"AWS does not answer ({error}). {doubts}Look whether this machine has a network, and run "
        "the command again."
    )


def _sentence(error: Exception) -> str:
    return f"{error}".rstrip(".") + "."
