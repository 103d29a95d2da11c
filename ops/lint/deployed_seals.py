"""The seals of a deployed stage: whether a function makes them, and the key that signs them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ops.lint.stage import SealKey, SealSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ops.lint.clients import StageClients

# Parameters of the resources template.
SEALS, SEAL_KEY_ARN = "Seals", "SealKeyArn"


def seal_settings(parameters: Mapping[str, str]) -> SealSettings:
    """Read what the parameters of a stage's resources ask for."""
    return SealSettings(parameters.get(SEALS) == "on", parameters.get(SEAL_KEY_ARN, ""))


def read_seal_key(
    clients: StageClients, parameters: Mapping[str, str], account_id: str
) -> SealKey | None:
    """Read the key that SealKeyArn names, if it names one; `account_id` is the functions'."""
    arn = seal_settings(parameters).key_arn
    if not arn:
        return None
    kms = clients.of("kms")
    found = kms.describe_key(KeyId=arn)["KeyMetadata"]
    is_of_account = arn.split(":")[4] == account_id
    return SealKey(
        enabled=found["KeyState"] == "Enabled",
        spec=found["KeySpec"],
        usage=found["KeyUsage"],
        is_of_account=is_of_account,
        # KMS lists aliases of keys of the caller's own account only.
        aliases=frozenset(_aliases(kms, found["KeyId"])) if is_of_account else frozenset(),
    )


def _aliases(kms: Any, key_id: str) -> list[str]:
    pages = kms.get_paginator("list_aliases").paginate(KeyId=key_id)
    return [alias["AliasName"] for page in pages for alias in page.get("Aliases", [])]
