"""The short form of `make chaos`."""

import sys
from pathlib import Path

import pytest

from tests.chaos.report import table
from tests.chaos.run import Settings, run


@pytest.mark.timeout(240)
def test_faults_and_kills_lose_nothing_and_count_nothing_twice(tmp_path: Path) -> None:
    settings = Settings(
        orders=200,
        seed=5,
        visibility_timeout_seconds=1,
        kill_pause_seconds=(1.0, 2.5),
        outage_dead_letters=20,
    )

    result = run(settings, tmp_path / "log")

    sys.stdout.write(f"{table(result)}\n")
    assert result.before_redrive.counts == dict.fromkeys(result.findings.counts, 0)
    assert result.findings.counts == dict.fromkeys(result.findings.counts, 0)
    assert result.kills["worker"]
    assert result.kills["API"]
    assert result.faults.total() > 50
    assert len(result.records) > 150
    assert result.redriven
    # A fault must not put a traceback among the app's own lines.
    assert "Traceback" not in (tmp_path / "log").read_text()
