"""KMS: what it refuses to sign."""

from tests.aws_limits.rule import Call, Rule

SIGN = "https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html"
MOST_BYTES = 4_096
DIGEST_BYTES = {"SHA_256": 32, "SHA_384": 48, "SHA_512": 64}


def _too_long(call: Call) -> str | None:
    size = len(call.parameters["Message"])
    return f"{size} bytes" if size > MOST_BYTES else None


def _no_digest(call: Call) -> str | None:
    size = len(call.parameters["Message"])
    wanted = DIGEST_BYTES.get(str(call.parameters["SigningAlgorithm"])[-7:])
    is_digest = call.parameters.get("MessageType") == "DIGEST"
    return f"{size} bytes" if is_digest and size <= MOST_BYTES and size != wanted else None


RULES = (
    Rule(
        "KMS: a message has at most 4,096 bytes",
        SIGN,
        ("kms.Sign",),
        _too_long,
        "ValidationException",
    ),
    # Moto hashes a digest once more, whatever its length.
    Rule(
        "KMS: a digest has the length of its hash",
        SIGN,
        ("kms.Sign",),
        _no_digest,
        "ValidationException",
    ),
)
