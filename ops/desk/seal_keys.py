"""The public keys that the signatures of seals are verified with: whoever has one needs no AWS."""

from __future__ import annotations

from hashlib import sha256
from typing import Self

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)

from ops.desk.key_file import OF_SHA256


class BadKey(ValueError):
    """A text is no public key of seals: the message says what it is."""


class PublicKey:
    """A public key, ECDSA over P-256."""

    def __init__(self, key: EllipticCurvePublicKey) -> None:
        self._key = key

    @classmethod
    def from_pem(cls, pem: bytes) -> Self:
        """
        Read a key.

        Raises:
            BadKey: it is none, or of another kind.
        """
        try:
            key = load_pem_public_key(pem)
        except (ValueError, UnsupportedAlgorithm) as error:
            raise BadKey("it holds no public key in PEM") from error
        if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1):
            raise BadKey("it holds a key of another kind than ECDSA over P-256")
        return cls(key)

    @property
    def pem(self) -> str:
        """The key as a file for others."""
        return self._written(Encoding.PEM).decode("ascii")

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of the key (DER, SubjectPublicKeyInfo), for people to compare."""
        return sha256(self._written(Encoding.DER)).hexdigest()

    def verify(self, signature: bytes, digest: bytes) -> bool:
        """Tell whether a signature (DER) is this key's, of this SHA-256."""
        try:
            self._key.verify(signature, digest, OF_SHA256)
        except InvalidSignature:
            return False
        return True

    def _written(self, encoding: Encoding) -> bytes:
        return self._key.public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)
