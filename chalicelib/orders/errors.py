"""
Errors about what came from outside: stable codes, and sentences that are not written yet.

The domain names the error. The edges (HTTP, CLI, console) write its sentence in their reader's
language, from the catalogues in `chalicelib/texts`.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, Union

Parameter = Union[str, "Sentence"]
"""A part of a sentence: text as it is, or a sentence of its own."""


class Sentence(NamedTuple):
    """A sentence for people: its key in the catalogues, and the values that are put into it."""

    key: str
    parameters: Mapping[str, Parameter] = MappingProxyType({})


class FieldError(NamedTuple):
    """One broken rule: the field, a stable code for programs, and a sentence for people."""

    field: str
    code: str
    sentence: Sentence


class Refusal(ValueError):
    """
    Something that came from outside can't be used: `sentence` says why, and what to do.

    The sentence may quote the input. It goes to the sender, never into a log: `str` of the error
    is the sentence's key alone.
    """

    def __init__(self, sentence: Sentence) -> None:
        super().__init__(sentence.key)
        self.sentence = sentence


class UnreadableOrder(Refusal):
    """
    No order can be read from the submitted text: trying again can never succeed.

    `reason` is a stable code. `field` is "id" where the id is at fault, else None.
    """

    def __init__(self, reason: str, sentence: Sentence, field: str | None = None) -> None:
        super().__init__(sentence)
        self.reason = reason
        self.field = field


def sentence(key: str, /, **parameters: object) -> Sentence:
    """Make a sentence. A parameter that is no sentence itself becomes text."""
    return Sentence(
        key,
        {
            name: value if isinstance(value, Sentence) else str(value)
            for name, value in parameters.items()
        },
    )


def sentence_to_json(sentence: Sentence) -> dict[str, Any]:
    """Turn a sentence into an object of strings and objects, to be stored."""
    return {
        "key": sentence.key,
        "parameters": {
            name: sentence_to_json(value) if isinstance(value, Sentence) else value
            for name, value in sentence.parameters.items()
        },
    }


def sentence_from_json(stored: Any) -> Sentence:
    """
    Read the sentence that `sentence_to_json` stored.

    Raises:
        ValueError: it is something else. A dead letter's attribute may hold anything.
    """
    match stored:
        case {"key": str(key), "parameters": dict(parameters)}:
            return Sentence(
                key,
                {
                    name: value if isinstance(value, str) else sentence_from_json(value)
                    for name, value in parameters.items()
                },
            )
    raise ValueError("not a stored sentence")
