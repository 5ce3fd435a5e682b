from __future__ import annotations

from bench.soak import early_and_late


def test_growth_is_between_the_second_tenth_and_the_last_and_a_single_peak_is_none() -> None:
    steady = [10] * 10 + [100] * 90
    steady[95] = 900
    assert early_and_late(steady) == (100, 100)
    assert early_and_late(list(range(100))) == (14.5, 94.5)


def test_a_short_run_still_has_both() -> None:
    assert early_and_late([7]) == (7, 7)
