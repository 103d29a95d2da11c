"""Why a message can be a dead letter. No library is needed to know: the fuzzer has none."""

GAVE_UP = "receives_exhausted"
"""The reason of a letter that SQS itself moved: every attempt to process it failed."""
REASONS = (
    GAVE_UP,
    "empty",
    "not_utf8",
    "not_json",
    "not_an_object",
    "missing_id",
    "bad_id",
    "repeated_key",
    "too_deep",
    "too_large",
    "forbidden_character",
    "foreign_envelope",
)
"""All reasons that a letter can have."""
