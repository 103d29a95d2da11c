"""Each text that the fuzzer found is judged, or refused with a reason."""

import subprocess
import sys

from tests.hostile.corpus import BY_HTTP_ONLY, BY_QUEUE_ONLY, READABLE, UNREADABLE, found
from tests.hostile.judged import assert_judged


def test_every_text_is_judged_or_refused_with_a_reason() -> None:
    corpus = [text.encode() for text, _ in (READABLE | UNREADABLE | BY_QUEUE_ONLY).values()]
    texts = found()
    assert len(texts) > 100

    for text in [*corpus, *BY_HTTP_ONLY.values(), *texts]:
        assert_judged(text)


def test_the_fuzzers_rule_needs_no_library_for_the_fuzzer_has_none() -> None:
    without = "import sys; sys.modules.update(boto3=None, botocore=None, chalice=None)"

    subprocess.run([sys.executable, "-c", f"{without}; import tests.hostile.judged"], check=True)
