"""The key that a stage's seals are signed with: KMS's on AWS, a key file on the local stage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.aws.kms import KmsSigner
from chalicelib.settings import SEAL_KEY
from ops.desk.key_file import KeyFile
from ops.desk.seal_keys import PublicKey
from ops.project import CONFIG

if TYPE_CHECKING:
    from ops.desk.stage import Stage


class NoKey(Exception):
    """The stage has no key to seal with: the message says what to do."""


def stage_signer(stage: Stage) -> KmsSigner | KeyFile:
    """
    Return what signs the seals of a stage.

    Raises:
        NoKey: it is on AWS, and nobody has given it a key.
    """
    key_arn = stage.environment.get(SEAL_KEY)
    if key_arn:
        return KmsSigner(stage.kms, key_arn)
    if stage.is_local:
        return KeyFile(stage.key_file)
    command = stage.command("resources up")
    raise NoKey(
        f"Stage {stage.name} has no key to sign seals with. Make a KMS key (ECC_NIST_P256, for "
        f"SIGN_VERIFY), put its ARN as SealKeyArn into the stage's resource_parameters in "
        f"{CONFIG}, and type `{command}`. See docs/stages.md."
    )


def stage_public_key(stage: Stage) -> PublicKey:
    """
    Ask the stage for the public key of its seals.

    Raises:
        NoKey: it has none.
        StoreUnavailable: KMS can't be reached, or does not give it.
        KeyFileUnusable: the local stage has signed nothing yet.
        BadKey: it is of another kind.
    """
    return PublicKey.from_pem(stage_signer(stage).public_key().encode("ascii"))
