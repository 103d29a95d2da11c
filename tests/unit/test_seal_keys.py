"""The keys of seals: KMS's, the local stage's key file, and the public ones."""

import stat
import threading
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import boto3
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from moto import mock_aws

from chalicelib.aws.kms import KmsSigner
from chalicelib.services.unavailable import StoreUnavailable
from ops.desk.key_file import KeyFile, KeyFileUnusable
from ops.desk.seal_keys import BadKey, PublicKey
from ops.desk.stage import Stage
from ops.desk.stage_key import NoKey, stage_public_key, stage_signer

DIGEST = sha256(b"a statement").digest()
OTHER = sha256(b"another statement").digest()
REGION = "us-east-1"


@pytest.fixture
def file(tmp_path: Path) -> KeyFile:
    return KeyFile(tmp_path / "keys" / "seal-key.pem")


def kms_key(**changes: str) -> str:
    wanted: Any = {"KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY"} | changes
    return str(boto3.client("kms", REGION).create_key(**wanted)["KeyMetadata"]["Arn"])


def public(pem: str) -> PublicKey:
    return PublicKey.from_pem(pem.encode())


def test_the_public_key_of_a_key_file_verifies_its_signatures(file: KeyFile) -> None:
    signature = file.sign(DIGEST)
    key = public(file.public_key())

    assert key.verify(signature, DIGEST)
    assert not key.verify(signature, OTHER)
    assert not key.verify(signature[:-1], DIGEST)
    assert not key.verify(b"", DIGEST)
    assert file.key_id == f"sha256:{key.fingerprint}"


class Kms:
    """KMS with one key. As AWS says of Sign: of MessageType DIGEST it skips the hashing."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())

    def sign(self, **asked: Any) -> dict[str, Any]:
        assert asked["SigningAlgorithm"] == "ECDSA_SHA_256"
        once: Any = Prehashed(SHA256()) if asked["MessageType"] == "DIGEST" else SHA256()
        return {"Signature": self._key.sign(asked["Message"], ec.ECDSA(once))}

    def get_public_key(self, **_: str) -> dict[str, Any]:
        form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return {"PublicKey": self._key.public_key().public_bytes(*form)}


def test_the_public_key_of_kms_verifies_its_signatures() -> None:
    signer = KmsSigner(Kms(), "arn:of:the:key")

    signature = signer.sign(DIGEST)

    key = public(signer.public_key())
    assert key.verify(signature, DIGEST)
    assert not key.verify(signature, OTHER)


@mock_aws
def test_kms_takes_the_requests() -> None:
    signer = KmsSigner(boto3.client("kms", REGION), kms_key())

    signature = signer.sign(DIGEST)

    # Moto knows no MessageType, and hashes a digest once more.
    assert public(signer.public_key()).verify(signature, sha256(DIGEST).digest())


@mock_aws
def test_kms_that_does_not_answer_well_is_unavailable() -> None:
    signer = KmsSigner(boto3.client("kms", REGION), kms_key().replace("key/", "key/0"))

    with pytest.raises(StoreUnavailable, match="KMS Sign: NotFoundException"):
        signer.sign(DIGEST)
    with pytest.raises(StoreUnavailable, match="KMS GetPublicKey: NotFoundException"):
        signer.public_key()


def test_a_public_key_is_read_as_it_was_written(file: KeyFile) -> None:
    file.sign(DIGEST)
    key = public(file.public_key())

    assert public(key.pem).fingerprint == key.fingerprint


def pem_of(key: Any) -> bytes:
    pem: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return pem


def private_pem_of(key: Any) -> bytes:
    pem: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem


OTHER_KEYS: dict[str, Callable[[], Any]] = {
    "RSA": lambda: rsa.generate_private_key(65537, 2048),
    "another curve": lambda: ec.generate_private_key(ec.SECP384R1()),
}


@pytest.mark.parametrize("content", [b"", b"no key", b"\xff", b"-----BEGIN PUBLIC KEY-----\n"])
def test_what_is_no_key_verifies_nothing(content: bytes) -> None:
    with pytest.raises(BadKey, match="no public key in PEM"):
        PublicKey.from_pem(content)


@pytest.mark.parametrize("kind", OTHER_KEYS)
def test_a_key_of_another_kind_verifies_nothing(kind: str) -> None:
    with pytest.raises(BadKey, match="another kind"):
        PublicKey.from_pem(pem_of(OTHER_KEYS[kind]()))


def test_a_private_key_is_no_public_one(file: KeyFile) -> None:
    """Whoever is given one by mistake should notice."""
    file.sign(DIGEST)

    with pytest.raises(BadKey):
        PublicKey.from_pem(file.path.read_bytes())


def test_a_key_file_is_made_once_and_is_its_owners_alone(file: KeyFile) -> None:
    file.sign(DIGEST)
    made = file.path.read_bytes()

    file.sign(OTHER)

    assert file.path.read_bytes() == made
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.path.parent.stat().st_mode) == 0o700
    assert list(file.path.parent.iterdir()) == [file.path]


def test_two_that_make_the_key_at_once_have_one_key(tmp_path: Path) -> None:
    path = tmp_path / "seal-key.pem"
    start = threading.Barrier(8)
    names: list[str] = []

    def sign() -> None:
        start.wait()
        names.append(KeyFile(path).key_id)

    threads = [threading.Thread(target=sign) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(names) == 8
    assert len(set(names)) == 1


def test_asking_for_the_public_key_makes_none(file: KeyFile) -> None:
    with pytest.raises(KeyFileUnusable, match=r"the first `seal` makes .*seal-key.pem"):
        file.public_key()

    assert not file.path.exists()


@pytest.mark.parametrize("kind", OTHER_KEYS)
def test_a_key_file_of_another_kind_signs_nothing(file: KeyFile, kind: str) -> None:
    file.path.parent.mkdir()
    file.path.write_bytes(private_pem_of(OTHER_KEYS[kind]()))

    with pytest.raises(KeyFileUnusable, match="another kind"):
        file.sign(DIGEST)


def test_a_key_file_that_is_no_key_is_left_alone(file: KeyFile) -> None:
    file.path.parent.mkdir()
    file.path.write_bytes(b"something else")

    with pytest.raises(KeyFileUnusable, match="holds no private key"):
        file.sign(DIGEST)

    assert file.path.read_bytes() == b"something else"


def test_a_key_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("a file, no folder", encoding="utf-8")
    path = tmp_path / "keys" / "seal-key.pem"

    with pytest.raises(KeyFileUnusable, match=r"seal-key.pem can't be written"):
        KeyFile(path).sign(DIGEST)


def stage(name: str, **environment: str) -> Stage:
    return Stage(name, environment, boto3.Session(region_name=REGION))


@mock_aws
def test_a_stage_with_a_kms_key_signs_with_it() -> None:
    key_arn = kms_key()
    dev = stage("dev", ORDERS_SEAL_KEY=key_arn)

    signer = stage_signer(dev)

    assert signer.key_id == key_arn
    assert stage_public_key(dev).pem == KmsSigner(dev.kms, key_arn).public_key()


def test_the_local_stage_signs_with_its_key_file(tmp_path: Path) -> None:
    local = replace(stage("local"), key_file=tmp_path / "seal-key.pem")

    signature = stage_signer(local).sign(DIGEST)

    assert stage_public_key(local).verify(signature, DIGEST)
    assert local.key_file.exists()


def test_a_stage_on_aws_without_a_key_says_what_to_do() -> None:
    with pytest.raises(NoKey, match=r"SealKeyArn.* `python -m ops resources up --stage dev`"):
        stage_signer(stage("dev"))


@mock_aws
def test_a_kms_key_of_another_kind_is_refused() -> None:
    dev = stage("dev", ORDERS_SEAL_KEY=kms_key(KeySpec="RSA_2048"))

    with pytest.raises(BadKey, match="another kind"):
        stage_public_key(dev)
