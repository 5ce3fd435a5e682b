"""Percentiles of runs that are added up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from .run import Run


def pooled(runs: Iterable[Run]) -> dict[int, int]:
    """(at most so many nanoseconds): so many, least first."""
    total: Counter[int] = Counter()
    for run in runs:
        total.update(dict(run.latency_buckets))
    return dict(sorted(total.items()))


def percentile_ms(buckets: dict[int, int], share: float) -> float:
    """The least bound that `share` of all values do not exceed."""
    wanted, seen = share * sum(buckets.values()), 0
    for nanoseconds_max, count in buckets.items():
        seen += count
        if seen >= wanted:
            return nanoseconds_max / 1e6
    raise ValueError("there are no latencies")
