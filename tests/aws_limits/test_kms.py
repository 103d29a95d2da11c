"""The limits of KMS: on each, the largest that passes and the smallest that is refused."""

import pytest

from tests.aws_limits.cases import Case, hold


def signed(size: int, kind: str, algorithm: str = "ECDSA_SHA_256") -> dict[str, object]:
    return {"Message": b"x" * size, "MessageType": kind, "SigningAlgorithm": algorithm}


CASES = [
    Case(
        "KMS: a message has at most 4,096 bytes",
        "kms.Sign",
        signed(4_096, "RAW"),
        signed(4_097, "RAW"),
    ),
    Case(
        "KMS: a digest has the length of its hash",
        "kms.Sign",
        signed(32, "DIGEST"),
        signed(33, "DIGEST"),
    ),
    Case(
        "KMS: a digest has the length of its hash",
        "kms.Sign",
        signed(64, "DIGEST", "ECDSA_SHA_512"),
        signed(32, "DIGEST", "ECDSA_SHA_512"),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_kms_takes_the_largest_and_refuses_the_next(case: Case) -> None:
    hold(case)
