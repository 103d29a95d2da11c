"""A key of KMS that signs: the private key never leaves KMS."""

from base64 import b64encode
from textwrap import wrap
from typing import Any

from chalicelib.aws.failures import unavailable_on_failure
from chalicelib.services.seal import ALGORITHM

PEM_CHARACTERS = 64


class KmsSigner:
    """An asymmetric KMS key, ECC_NIST_P256 for SIGN_VERIFY."""

    def __init__(self, client: Any, key_arn: str) -> None:
        self._client = client
        self.key_id = key_arn

    def sign(self, digest: bytes) -> bytes:
        """
        Sign a SHA-256. The signature is in DER.

        Raises:
            StoreUnavailable: KMS can't be reached, or the key can't be used.
        """
        with unavailable_on_failure("KMS Sign"):
            answer = self._client.sign(
                KeyId=self.key_id,
                Message=digest,
                MessageType="DIGEST",
                SigningAlgorithm=ALGORITHM,
            )
        signature: bytes = answer["Signature"]
        return signature

    def public_key(self) -> str:
        """
        Read the public key, in PEM.

        Raises:
            StoreUnavailable: KMS can't be reached, or has no such key.
        """
        with unavailable_on_failure("KMS GetPublicKey"):
            answer = self._client.get_public_key(KeyId=self.key_id)
        lines = wrap(b64encode(answer["PublicKey"]).decode(), PEM_CHARACTERS)
        return "\n".join(["-----BEGIN PUBLIC KEY-----", *lines, "-----END PUBLIC KEY-----", ""])
