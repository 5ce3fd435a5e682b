from __future__ import annotations

from dataclasses import replace

import pytest

from bench.latency import percentile_ms, pooled

from .runs import QUIET


def test_runs_are_added_up_bucket_by_bucket() -> None:
    of_runs = [((2_000_000, 3), (9_000_000, 1)), ((1_000_000, 4), (2_000_000, 2))]
    runs = [replace(QUIET, latency_buckets=buckets) for buckets in of_runs]
    assert list(pooled(runs).items()) == [(1_000_000, 4), (2_000_000, 5), (9_000_000, 1)]


@pytest.mark.parametrize("share, expected", [(0.4, 1.0), (0.41, 2.0), (0.9, 2.0), (0.99, 9.0), (1.0, 9.0)])
def test_a_percentile_is_the_least_bound_that_so_many_keep(share: float, expected: float) -> None:
    assert percentile_ms({1_000_000: 4, 2_000_000: 5, 9_000_000: 1}, share) == expected


def test_of_nothing_there_is_no_percentile() -> None:
    with pytest.raises(ValueError):
        percentile_ms({}, 0.99)
