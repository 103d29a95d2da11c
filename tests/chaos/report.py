"""The table that a run prints."""

from collections import Counter
from collections.abc import Iterator

from tests.chaos.checker import Findings
from tests.chaos.run import Result

KINDS = {
    "response:abort": "answers cut after the call took effect",
    "reset": "connections reset",
    "latency": "calls slowed down",
    "too slow": "calls slower than the client waits",
    "error:SlowDown": "SlowDown",
}
SLOW_FROM_MS = 2_000


def table(result: Result) -> str:
    """Make a table of all that was done, and of all findings, a line for each."""
    return "\n".join(f"{name:<50}{value:>9,}" for name, value in _rows(result))


def _rows(result: Result) -> Iterator[tuple[str, int]]:
    outcomes = result.outcomes()
    attempts = sum(one.attempts for one in result.told)
    yield f"orders handed in (seed {result.settings.seed})", len(result.told)
    for kind, count in sorted(Counter(one.handing.kind for one in result.told).items()):
        yield f"  {kind}", count
    yield "attempts", attempts
    yield "  answered 503", sum(one.statuses.count(503) for one in result.told)
    yield "  broken off without an answer", sum(one.broken_off for one in result.told)
    yield "taken", outcomes["taken"]  # type: ignore[index]
    yield "refused as unreadable", outcomes["refused"]  # type: ignore[index]
    yield "never answered", outcomes["unanswered"]  # type: ignore[index]
    yield "faults", sum(result.faults.values())
    for name, count in sorted(_by_kind(result.faults).items()):
        yield f"  {name}", count
    yield "gusts, and one outage", result.gusts
    yield "kills", sum(result.kills.values())
    for name, count in sorted(result.kills.items()):
        yield f"  {name}", count
    yield "records", len(result.records)
    yield "  on a later delivery than the first", sum(r.receive_count > 1 for r in result.records)
    yield "dead letters redriven", result.redriven
    yield "dead letters that can't be read", result.unreadable
    yield "seconds under faults", round(result.seconds)
    yield from _findings(result.before_redrive, " before the redrive")
    yield from _findings(result.findings, "")


def _findings(findings: Findings, when: str) -> Iterator[tuple[str, int]]:
    for name, count in findings.counts.items():
        if count or not when:
            yield f"{name.replace('_', ' ')}{when}", count


def _by_kind(faults: Counter[tuple[str, str]]) -> Counter[str]:
    kinds: Counter[str] = Counter()
    for (_, action), count in faults.items():
        kinds[_kind(action)] += count
    return kinds


def _kind(action: str) -> str:
    if action.startswith("latency:"):
        milliseconds = int(action.removeprefix("latency:").removesuffix("ms"))
        action = "too slow" if milliseconds > SLOW_FROM_MS else "latency"
    return KINDS.get(action, action.removeprefix("error:"))
