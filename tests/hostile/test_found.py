"""Each text that the fuzzer found is judged, or refused with a reason."""

from tests.hostile.corpus import BY_HTTP_ONLY, BY_QUEUE_ONLY, READABLE, UNREADABLE, found
from tests.hostile.judged import assert_judged


def test_every_text_is_judged_or_refused_with_a_reason() -> None:
    corpus = [text.encode() for text, _ in (READABLE | UNREADABLE | BY_QUEUE_ONLY).values()]
    texts = found()
    assert len(texts) > 100

    for text in [*corpus, *BY_HTTP_ONLY.values(), *texts]:
        assert_judged(text)
