"""
The key file of the local stage: a private key in the checkout, which signs what KMS signs on AWS.

Whoever can read the file can sign, so a seal of the local stage proves nothing to anybody else.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from hashlib import sha256
from typing import TYPE_CHECKING

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

if TYPE_CHECKING:
    from pathlib import Path

# The signature is of a hash that was made before.
OF_SHA256 = ECDSA(Prehashed(SHA256()))


class KeyFileUnusable(Exception):
    """The file holds no key that seals can be signed with: the message is one line."""


class KeyFile:
    """A P-256 key in a PEM file that only its owner may read; it is made when it first signs."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def key_id(self) -> str:
        """The name of the key in a seal: a fingerprint, the SHA-256 of its public key in DER."""
        return f"sha256:{sha256(self._public(self._key(), Encoding.DER)).hexdigest()}"

    def sign(self, digest: bytes) -> bytes:
        """
        Sign a SHA-256. The signature is in DER.

        Raises:
            KeyFileUnusable: the file holds no such key, or can't be written.
        """
        return self._key().sign(digest, OF_SHA256)

    def public_key(self) -> str:
        """
        Read the public key, in PEM.

        Raises:
            KeyFileUnusable: there is none yet.
        """
        return self._public(self._read(), Encoding.PEM).decode("ascii")

    def _key(self) -> EllipticCurvePrivateKey:
        if not self.path.exists():
            self._make()
        return self._read()

    def _read(self) -> EllipticCurvePrivateKey:
        try:
            key = load_pem_private_key(self.path.read_bytes(), password=None)
        except FileNotFoundError as error:
            raise KeyFileUnusable(
                f"nothing is signed yet: the first `seal` makes {self.path}"
            ) from error
        except OSError as error:
            raise KeyFileUnusable(f"{self.path} can't be read ({error.strerror})") from error
        except (TypeError, ValueError, UnsupportedAlgorithm) as error:
            raise KeyFileUnusable(f"{self.path} holds no private key ({error})") from error
        if not isinstance(key, EllipticCurvePrivateKey) or not isinstance(key.curve, SECP256R1):
            raise KeyFileUnusable(f"{self.path} holds a key of another kind than ECDSA over P-256")
        return key

    def _make(self) -> None:
        """Make the key, unless somebody else makes it at the same time: then theirs is the key."""
        key = generate_private_key(SECP256R1())
        content = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Only its owner may read it. It gets its name when it is whole.
            with tempfile.NamedTemporaryFile(dir=self.path.parent) as file:
                file.write(content)
                file.flush()
                with suppress(FileExistsError):
                    os.link(file.name, self.path)
        except OSError as error:
            raise KeyFileUnusable(f"{self.path} can't be written ({error.strerror})") from error

    def _public(self, key: EllipticCurvePrivateKey, encoding: Encoding) -> bytes:
        return key.public_key().public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)
