"""The KMS key of a deployed stage, if it has one of its own."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from ops.lint.stage import KeySettings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ops.lint.clients import StageClients

# A queue, the bucket and the table are always there; the topic is only with events on SNS.
SERVICES = ("sqs", "s3", "dynamodb")
# The only name that the policy of a key can have.
POLICY_NAME = "default"


def read_key(
    clients: StageClients, parameters: Mapping[str, str], account_id: str
) -> KeySettings | None:
    """
    Read the key that KmsKeyArn names. A key that AWS manages has a policy that can't be wrong.

    `account_id` is the account of the functions, which use the key.
    """
    name = parameters.get("KmsKeyArn")
    if not name:
        return None
    kms = clients.of("kms")
    found = kms.describe_key(KeyId=name)["KeyMetadata"]
    if found["KeyManager"] == "AWS":
        return None
    key = KeySettings(
        arn=found["Arn"],
        enabled=found["KeyState"] == "Enabled",
        policy={"Statement": []},
        caller_account=account_id,
        services=(*SERVICES, "sns") if parameters.get("Events") == "sns" else SERVICES,
    )
    if not key.is_of_caller:
        return key
    policy = kms.get_key_policy(KeyId=found["KeyId"], PolicyName=POLICY_NAME)["Policy"]
    return replace(key, policy=json.loads(policy))
