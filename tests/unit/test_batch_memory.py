"""The memory that the intake of many orders takes. Python traces it, so no coverage does too."""

import tracemalloc

import pytest

from chalicelib.services.batch_lines import MAX_BATCH_BYTES, BatchTooLarge, lines_in


def test_a_batch_of_too_many_lines_takes_no_memory_for_each() -> None:
    """4 MiB of short lines would be 256 MB of them: half of the function's memory."""
    body = b"x\n" * (MAX_BATCH_BYTES // 2)
    tracemalloc.start()

    with pytest.raises(BatchTooLarge) as refused:
        lines_in(body)

    most_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert refused.value.sentence.parameters["count"] == str(MAX_BATCH_BYTES // 2)
    assert most_bytes < 10 * MAX_BATCH_BYTES
